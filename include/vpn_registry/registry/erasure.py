"""What goes when its time is over, and what stays of it: numbers, dates, hashes and lineage (contract section 6).

Every condition leaves out what has gone already, so that doing it again finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from vpn_registry.model import DeliveryState, Outcome, ZoneFolder
from vpn_registry.registry.deliveries import changed_rows
from vpn_registry.registry.guards import KEPT_FOR_EVER
from vpn_registry.registry.office_mails import SENT, UNCERTAIN, WITHHELD
from vpn_registry.registry.tables import (
    CaseRow,
    ClientRow,
    ClientVersionRow,
    DeliveryRow,
    DiscardedDeliveryRow,
    FindingRow,
    OfficeMailRow,
    RegistrationRow,
    RegistrationVersionRow,
    ResponseRow,
)
from vpn_registry.retention import Kept

_CLOSING: Final = ("withdraw", "absent")


@dataclass(frozen=True, slots=True)
class _Erasure:
    """The rows of `table` whose time was over at a moment, and what their columns become."""

    table: Any
    is_due: Callable[[datetime], ColumnElement[bool]]
    emptied: Callable[[datetime], dict[str, Any]]


def due(db: Session, kept: Kept, before: datetime) -> int:
    """How many rows of the class have had their time at `before` (see `retention.Rule`)."""
    erasure = _ERASURES[kept]
    return db.scalar(select(func.count()).select_from(erasure.table).where(erasure.is_due(before))) or 0


def erase(db: Session, kept: Kept, before: datetime, *, at: datetime) -> int:
    """Empty them; how many. Saying it again empties nothing more."""
    erasure = _ERASURES[kept]
    emptied = update(erasure.table).where(erasure.is_due(before)).values(**erasure.emptied(at))
    return changed_rows(db.execute(emptied.execution_options(synchronize_session=False)))


def bytes_due(db: Session, before: Mapping[ZoneFolder, datetime]) -> dict[str, dict[int, ZoneFolder]]:
    """Checksum -> its deliveries with their folders, where the time of every delivery with these bytes is over.

    `before` by folder. A delivery that is not answered yet, or is held, needs its bytes however old it is.
    """
    of_folder = (
        and_(DeliveryRow.folder == folder, DeliveryRow.received_at < moment) for folder, moment in before.items()
    )
    is_over = and_(DeliveryRow.state == DeliveryState.ANSWERED, DeliveryRow.outcome != Outcome.HELD, or_(*of_folder))
    needed = select(DeliveryRow.sha256).where(DeliveryRow.sha256.is_not(None), ~is_over)
    query = select(DeliveryRow.sha256, DeliveryRow.id, DeliveryRow.folder).where(
        is_over, DeliveryRow.sha256.not_in(needed)
    )
    found: dict[str, dict[int, ZoneFolder]] = {}
    for sha256, delivery_id, folder in db.execute(query.order_by(DeliveryRow.id)):
        found.setdefault(str(sha256), {})[delivery_id] = folder
    return found


def record_discards(db: Session, delivery_ids: Collection[int], *, at: datetime) -> int:
    """Note that the bytes of these deliveries go; how many were not noted before."""
    new = sorted(set(delivery_ids) - discarded(db))
    if new:
        db.execute(insert(DiscardedDeliveryRow), [{"delivery_id": one, "discarded_at": at} for one in new])
    return len(new)


def discarded(db: Session) -> set[int]:
    """The deliveries whose stored bytes were given up: they can't be replayed."""
    return set(db.scalars(select(DiscardedDeliveryRow.delivery_id)))


def _erased_versions(versions: Any, current: Any) -> _Erasure:
    """A version's time begins when the next one replaced or closed it, or at once when it was overtaken."""
    personal = [column.name for column in versions.__table__.columns if column.name not in KEPT_FOR_EVER]

    def is_due(before: datetime) -> ColumnElement[bool]:
        later = aliased(versions)
        followed_at = (
            select(func.min(later.learnt_at))
            .where(later.current_id == versions.current_id, later.id > versions.id, ~later.is_overtaken)
            .correlate(versions)
            .scalar_subquery()
        )
        is_shown = exists().where(current.version_id == versions.id, current.is_in_force).correlate(versions)
        return and_(
            versions.erased_at.is_(None),
            versions.action.not_in(_CLOSING),
            versions.learnt_at < before,
            func.coalesce(followed_at, versions.learnt_at) < before,
            ~is_shown,
        )

    return _Erasure(versions, is_due, lambda at: {**dict.fromkeys(personal), "erased_at": at})


def _judged_before(before: datetime) -> ColumnElement[bool]:
    judged = select(DeliveryRow.id).where(DeliveryRow.judged_at < before, DeliveryRow.outcome != Outcome.HELD)
    return and_(or_(FindingRow.value != "", FindingRow.suggestion != ""), FindingRow.delivery_id.in_(judged))


def _settled_response(before: datetime) -> ColumnElement[bool]:
    is_open = (
        exists()
        .where(
            CaseRow.isp == ResponseRow.isp, CaseRow.subject == ResponseRow.subscriber_id, CaseRow.closed_at.is_(None)
        )
        .correlate(ResponseRow)
    )
    return and_(ResponseRow.erased_at.is_(None), ResponseRow.learnt_at < before, ~is_open)


def _settled_mail(before: datetime) -> ColumnElement[bool]:
    mail = OfficeMailRow
    is_left = or_(mail.recipient != "", mail.body_text != "", mail.body_html != "", mail.reply != "")
    return and_(mail.last_at < before, mail.state.in_((SENT, WITHHELD, UNCERTAIN)), is_left)


_ERASURES: Final[Mapping[Kept, _Erasure]] = {
    Kept.FINDINGS: _Erasure(FindingRow, _judged_before, lambda _at: {"value": "", "suggestion": ""}),
    Kept.REGISTRATIONS: _erased_versions(RegistrationVersionRow, RegistrationRow),
    Kept.CLIENTS: _erased_versions(ClientVersionRow, ClientRow),
    Kept.RESPONSES: _Erasure(
        ResponseRow, _settled_response, lambda at: {"reference": None, "comment": None, "erased_at": at}
    ),
    Kept.OFFICE_MAILS: _Erasure(
        OfficeMailRow, _settled_mail, lambda _at: dict.fromkeys(("recipient", "body_text", "body_html", "reply"), "")
    ),
}
ERASED: Final = tuple(_ERASURES)
"""The classes whose columns are emptied in the registry; of the others files are deleted."""
