"""What the outbox knows of reminders: letters beside the stages (contract section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session

from vpn_registry.campaign import ENDING, REMINDERS
from vpn_registry.model import COVERED, PENDING, NoticeState
from vpn_registry.registry import successions
from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.tables import (
    ClientRow,
    ClientStatusRow,
    ClientVersionRow,
    NoticeClientRow,
    NoticeRow,
    RegistrationRow,
    RegistrationVersionRow,
)

if TYPE_CHECKING:
    import pandas as pd

_ENDING: Final = ("subscriber_id", "client_name", "registration_ref", "national_no", "valid_to")


@dataclass(frozen=True, slots=True)
class Reminder:
    """The day of a reminder, and its notice."""

    on: date
    notice_no: str


def last(db: Session, form: str) -> dict[str, Reminder]:
    """ISP -> its last reminder of this form that was not cancelled."""
    newest = (
        select(func.max(NoticeRow.id))
        .where(NoticeRow.form == form, NoticeRow.state != NoticeState.CANCELLED)
        .group_by(NoticeRow.isp)
    )
    query = select(NoticeRow.isp, NoticeRow.stage_on, NoticeRow.notice_no).where(NoticeRow.id.in_(newest))
    return {row.isp: Reminder(row.stage_on, row.notice_no) for row in db.execute(query)}


def has_notice_since(db: Session, isp: str, day: date) -> bool:
    """Whether a notice of a stage is on its way to the ISP, or has been since a day."""
    is_staged = (NoticeRow.isp == isp, NoticeRow.form.not_in(REMINDERS), NoticeRow.state != NoticeState.CANCELLED)
    is_near = (NoticeRow.stage_on >= day) | NoticeRow.state.in_(PENDING)
    return bool(db.scalar(select(exists().where(*is_staged, is_near))))


def ending(db: Session, isp: str, since: date, until: date) -> pd.DataFrame:
    """The ISP's covered clients whose deciding registration is in force and ends between two days (both included):
    subscriber_id, client_name, registration_ref, national_no and valid_to."""
    status, client, version = ClientStatusRow, ClientRow, RegistrationVersionRow
    query = (
        select(
            status.subscriber_id,
            ClientVersionRow.client_name,
            RegistrationRow.registration_ref,
            RegistrationRow.national_no,
            version.valid_to,
        )
        .join(RegistrationRow, _both(RegistrationRow, status, "registration_ref"))
        .join(version, version.id == RegistrationRow.version_id)
        .join(client, _both(client, status, "subscriber_id"))
        .join(ClientVersionRow, ClientVersionRow.id == client.version_id)
        .where(status.isp == isp, status.ended_run_id.is_(None), status.status.in_([one.value for one in COVERED]))
        .where(RegistrationRow.is_in_force, version.valid_to.between(since.isoformat(), until.isoformat()))
        .order_by(status.subscriber_id)
    )
    return read_frame(db, query, text=_ENDING)


def _both(left: Any, right: Any, name: str) -> ColumnElement[bool]:
    return and_(left.isp == right.isp, getattr(left, name) == getattr(right, name))


def named_since(db: Session, isp: str, since: datetime, *, but: str = "") -> set[str]:
    """The ISP's clients named since a moment in letters about registrations that end, the notice `but` left out."""
    query = (
        select(NoticeClientRow.subscriber_id)
        .join(NoticeRow, NoticeRow.id == NoticeClientRow.notice_id)
        .where(NoticeRow.isp == isp, NoticeRow.form == ENDING, NoticeRow.planned_at >= since)
        .where(NoticeRow.state != NoticeState.CANCELLED, NoticeRow.notice_no != but)
    )
    return set(successions.follow(db.scalars(query).all(), successions.newest_ids(db, isp)))
