"""The outbox: notices and the clients each names (contract section 8); their copies are registry.messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.campaign import REMINDERS
from vpn_registry.model import TOLD, NoticeState, pakistani_day
from vpn_registry.registry import counters, successions
from vpn_registry.registry.deliveries import Fenced, changed_rows
from vpn_registry.registry.tables import DeadlineRow, MessageRow, NoticeClientRow, NoticeRow

if TYPE_CHECKING:
    import pandas as pd

_LEFT: Final = (*TOLD, NoticeState.SENDING)


@dataclass(frozen=True, slots=True)
class Notice:
    """One letter to one ISP at one stage; `counts` is the tally it was planned with."""

    id: int
    notice_no: str
    isp: str
    campaign: str
    deadline_version: int
    ends_on: date
    stage: str
    stage_on: date
    form: str
    state: NoticeState
    reason: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class LastSent:
    """The ISP's last sent notice of a campaign: its number, its date, its tally and whom it named."""

    notice_no: str
    dated_on: date
    counts: dict[str, int]
    subscribers: frozenset[str]


NOTICE: Final = tuple(getattr(NoticeRow, name) for name in Notice.__slots__)


def has_notice(db: Session, campaign: str, deadline_version: int, stage: str, isp: str) -> bool:
    """Whether the one notice of this campaign, deadline, stage and ISP exists, in whatever state."""
    return state_of(db, campaign, deadline_version, stage, isp) is not None


def state_of(db: Session, campaign: str, deadline_version: int, stage: str, isp: str) -> NoticeState | None:
    """Where that one notice stands; None when it was never recorded."""
    return db.scalar(
        select(NoticeRow.state).where(
            NoticeRow.campaign == campaign,
            NoticeRow.deadline_version == deadline_version,
            NoticeRow.stage == stage,
            NoticeRow.isp == isp,
        )
    )


def add_notice(
    db: Session,
    *,
    isp: str,
    campaign: str,
    deadline_version: int,
    ends_on: date,
    stage: str,
    stage_on: date,
    form: str,
    counts: Mapping[str, int],
    at: datetime,
    state: NoticeState = NoticeState.PLANNED,
    reason: str = "",
) -> Notice:
    """Issue a number `N-<yyyy>-<6 digits>` and record the notice; IntegrityError when it exists already."""
    year = pakistani_day(at).year
    number = counters.issue(db, f"N-{year}", 1) + 1
    values: dict[str, Any] = {
        "notice_no": f"N-{year}-{number:06}",
        "isp": isp,
        "campaign": campaign,
        "deadline_version": deadline_version,
        "ends_on": ends_on,
        "stage": stage,
        "stage_on": stage_on,
        "form": form,
        "state": state,
        "reason": reason,
        "counts": dict(counts),
    }
    added = insert(NoticeRow).values(**values, planned_at=at, approved_by="", settled_at=None)
    notice_id = db.scalars(added.returning(NoticeRow.id)).one()
    return Notice(id=notice_id, **values)


def notices(db: Session, *states: NoticeState, isp: str | None = None, stage: str | None = None) -> list[Notice]:
    """The notices in one of the states, by number."""
    query = select(*NOTICE).where(NoticeRow.state.in_(states)).order_by(NoticeRow.notice_no)
    if isp is not None:
        query = query.where(NoticeRow.isp == isp)
    if stage is not None:
        query = query.where(NoticeRow.stage == stage)
    return [Notice(*row) for row in db.execute(query)]


def decide(db: Session, notice: Notice, state: NoticeState, *, reason: str, actor: str, at: datetime) -> None:
    """Hold, approve or cancel a notice and its messages; `reason` says why, `actor` who. Raises Fenced when late."""
    values: dict[str, Any] = {"state": state, "reason": reason}
    if state is NoticeState.APPROVED:
        values["approved_by"] = actor
    if state is NoticeState.CANCELLED:
        values["settled_at"] = at
    moved = update(NoticeRow).where(NoticeRow.id == notice.id, NoticeRow.state == notice.state).values(**values)
    if changed_rows(db.execute(moved)) != 1:
        raise Fenced(f"notice {notice.notice_no} is no longer {notice.state}")
    open_copies = (MessageRow.notice_id == notice.id, MessageRow.state == notice.state)
    db.execute(update(MessageRow).where(*open_copies).values(state=state))


def last_sent(db: Session, isp: str, campaign: str, client: str = "") -> LastSent | None:
    """The ISP's last notice of the campaign that was sent; None when there was none. A reminder is none.

    Of the notices by the deadline of one `client`, or ('') of those by the ISP's.
    """
    last = db.execute(
        select(NoticeRow.id, NoticeRow.notice_no, NoticeRow.counts)
        .where(NoticeRow.isp == isp, NoticeRow.campaign == campaign, NoticeRow.state == NoticeState.SENT)
        .where(NoticeRow.form.not_in(REMINDERS), _by_deadline_of(DeadlineRow.subscriber_id, client))
        .order_by(NoticeRow.notice_no.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return None
    named = db.scalars(select(NoticeClientRow.subscriber_id).where(NoticeClientRow.notice_id == last.id))
    subscribers = successions.follow(named.all(), successions.newest_ids(db, isp))
    return LastSent(last.notice_no, pakistani_day(_left_at(db, last.id)), dict(last.counts), subscribers)


def _left_at(db: Session, notice_id: int) -> datetime:
    """When the letter of a sent notice was composed: a copy that was put off is composed anew at each try."""
    copy = MessageRow
    of_notice = (copy.notice_id == notice_id, copy.state.in_(TOLD))
    copies: Any = db.execute(select(copy.attempts, copy.frozen_at, copy.settled_at).where(*of_notice))
    moments: list[datetime] = [frozen_at if tries == 1 else settled_at for tries, frozen_at, settled_at in copies]
    return min(moments)


def told_on(db: Session, isp: str, campaign: str, client: str = "", *, before: str | None = None) -> date | None:
    """The latest deadline that a letter of the campaign may have told the ISP; None when none ever left.

    Of the letters by the deadline of one `client`, or ('') of those by the ISP's. With `before`, a notice number, only
    letters before that one count.
    """
    query = (
        select(func.max(NoticeRow.ends_on))
        .join(MessageRow, MessageRow.notice_id == NoticeRow.id)
        .where(NoticeRow.isp == isp, NoticeRow.campaign == campaign, MessageRow.state.in_(_LEFT))
        .where(_by_deadline_of(DeadlineRow.subscriber_id, client))
    )
    if before is not None:
        query = query.where(NoticeRow.notice_no < before)
    return db.scalar(query)


def stage_total(db: Session, campaign: str, stage_on: date) -> int:
    """Clients to register in the whole country as the notices of one stage day count them, whatever became of each."""
    of_day = (*_staged(campaign), NoticeRow.stage_on == stage_on)
    totals: dict[str, int] = {}
    for isp, counts in db.execute(select(NoticeRow.isp, NoticeRow.counts).where(*of_day).order_by(NoticeRow.id)):
        totals[isp] = int(counts["to_register"])
    return sum(totals.values())


def last_stage_total(db: Session, campaign: str, before: date) -> int | None:
    """The same of the last stage day before that one on which a notice was sent; None when none was."""
    sent = (*_staged(campaign), NoticeRow.state == NoticeState.SENT, NoticeRow.stage_on < before)
    stage_on = db.scalar(select(func.max(NoticeRow.stage_on)).where(*sent))
    return None if stage_on is None else stage_total(db, campaign, stage_on)


def _staged(campaign: str) -> tuple[Any, ...]:
    """Notices of a stage that the whole country has: an ISP with a deadline of its own has days of its own."""
    is_national = _by_deadline_of(DeadlineRow.isp, "")
    return NoticeRow.campaign == campaign, NoticeRow.form.not_in(REMINDERS), is_national


def _by_deadline_of(column: Any, whom: str) -> Any:
    """Whether the notice's deadline is that of `whom`; one that an older database does not know is everybody's."""
    entry = select(column).where(
        DeadlineRow.campaign == NoticeRow.campaign, DeadlineRow.version == NoticeRow.deadline_version
    )
    return func.coalesce(entry.scalar_subquery(), "") == whom


def name_clients(db: Session, notice: Notice, parts: Mapping[str, pd.DataFrame], counts: Mapping[str, int]) -> None:
    """Whom the letter names, as composed now: part letter -> frame with subscriber_id, status, reason."""
    db.execute(delete(NoticeClientRow).where(NoticeClientRow.notice_id == notice.id))
    rows = [
        {
            "notice_id": notice.id,
            "isp": notice.isp,
            "part": part,
            "subscriber_id": client.subscriber_id,
            "status": client.status,
            "reason": client.reason,
        }
        for part, frame in parts.items()
        for client in frame[["subscriber_id", "status", "reason"]].itertuples(index=False)
    ]
    if rows:
        db.execute(insert(NoticeClientRow), rows)
    db.execute(update(NoticeRow).where(NoticeRow.id == notice.id).values(counts=dict(counts)))
