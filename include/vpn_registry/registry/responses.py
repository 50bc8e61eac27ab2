"""What ISPs answered about clients named in notices: what they are judged against, their merging, what stands.

Of several answers about a client the one with the highest sequence number speaks, in whatever order they arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, Response, pakistani_day
from vpn_registry.registry import statuses, successions
from vpn_registry.registry.behind import run_of
from vpn_registry.registry.bulk import TEXT, read_frame
from vpn_registry.registry.cases import ABOUT_CLIENTS, DISPUTE, REGISTERED_ELSEWHERE
from vpn_registry.registry.tables import (
    CaseRow,
    ClientRow,
    DecisionRow,
    DeliveryRow,
    MessageRow,
    NoticeClientRow,
    NoticeRow,
    ResponseRow,
)

if TYPE_CHECKING:
    import pandas as pd

CASE_OF: Final[Mapping[Response, str]] = {
    Response.DISPUTE: DISPUTE,
    Response.REGISTERED_ELSEWHERE: REGISTERED_ELSEWHERE,
}
"""The answers that a person decides on, and the kind of their case."""
EXEMPTING: Final = frozenset({Response.NO_VPN, Response.TERMINATED})
"""The answers that exempt until the next accepted client list."""
EXEMPT: Final = "exempt"
"""The outcome of a decision by which the client need not be registered."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer that speaks for a client: the one with the highest number."""

    response: Response
    notice_no: str
    responded_on: date


def notices_sent(db: Session, isp: str) -> dict[str, date]:
    """Number -> day (in Pakistan) of every notice whose letter was made: mailed, or laid into the ISP's zone."""
    made = (
        select(NoticeRow.notice_no, func.min(MessageRow.frozen_at))
        .join(MessageRow, MessageRow.notice_id == NoticeRow.id)
        .where(NoticeRow.isp == isp, MessageRow.frozen_at.is_not(None))
        .group_by(NoticeRow.notice_no)
        .order_by(NoticeRow.notice_no)
    )
    return {number: pakistani_day(at) for number, at in db.execute(made) if at is not None}


def clients_named(db: Session, isp: str) -> pd.DataFrame:
    """Whom the ISP's notices name: notice_no, subscriber_id; whoever has another id now is named by either."""
    import pandas as pd

    query = (
        select(NoticeRow.notice_no, NoticeClientRow.subscriber_id)
        .join(NoticeRow, NoticeRow.id == NoticeClientRow.notice_id)
        .where(NoticeClientRow.isp == isp)
        .order_by(NoticeRow.notice_no, NoticeClientRow.subscriber_id)
    )
    named = read_frame(db, query, text=("notice_no", "subscriber_id"))
    newest = successions.newest_ids(db, isp)
    if not newest:
        return named
    renamed = named[named["subscriber_id"].isin(list(newest))]
    return pd.concat([named, renamed.assign(subscriber_id=renamed["subscriber_id"].replace(newest))], ignore_index=True)


def clients_listed(db: Session, isp: str) -> frozenset[str]:
    """The subscriber ids on the ISP's present client list."""
    return frozenset(db.scalars(select(ClientRow.subscriber_id).where(ClientRow.isp == isp, ClientRow.is_in_force)))


def known_responses(db: Session, isp: str, campaign: str) -> pd.DataFrame:
    """What the rules on answers compare with: subscriber_id, decided_seq, registering_on ('' or the first day)."""

    import pandas as pd

    first, said = first_registering(db, isp, campaign), sorted(_standing_rows(db, isp).items())
    days = [first[who].isoformat() if who in first else "" for who, _ in said]
    return pd.DataFrame(
        {
            "subscriber_id": pd.Series([who for who, _ in said], dtype=TEXT),
            "decided_seq": pd.Series([one.seq for _, one in said], dtype="int64"),
            "registering_on": pd.Series(days, dtype="str"),
        }
    )


def first_registering(db: Session, isp: str, campaign: str) -> dict[str, date]:
    """Client (by his newest id) -> the earliest day on which the ISP said, to a notice of the campaign, that it is
    registering him."""
    query = (
        select(ResponseRow.subscriber_id, func.min(ResponseRow.responded_on))
        .join(NoticeRow, and_(NoticeRow.isp == ResponseRow.isp, NoticeRow.notice_no == ResponseRow.notice_no))
        .where(
            ResponseRow.isp == isp,
            ResponseRow.response == Response.REGISTERING,
            NoticeRow.campaign == campaign,
        )
        .group_by(ResponseRow.subscriber_id)
    )
    newest = successions.newest_ids(db, isp)
    first: dict[str, date] = {}
    for who, day in db.execute(query):
        present = newest.get(who, who)
        first[present] = min(day, first.get(present, day))
    return first


def registering_since(db: Session, isp: str, campaign: str) -> dict[str, date]:
    """The same for the clients of whom `registering` is still what the ISP says."""
    said = standing(db, isp)
    first = first_registering(db, isp, campaign)
    return {who: day for who, day in first.items() if said[who].response is Response.REGISTERING}


def standing(db: Session, isp: str) -> dict[str, Standing]:
    """The answer that speaks for each client, by his newest id."""
    found = _standing_rows(db, isp)
    return {who: Standing(row.response, row.notice_no, row.responded_on) for who, row in found.items()}


def exempting(db: Session, isp: str) -> dict[str, Standing]:
    """The answers by which clients are exempt: no client list has been accepted since they were given.

    A repetition of an answer word for word does not renew it: the list that came between has contradicted it.
    """
    last_list = statuses.newest_list(db, isp)
    row = ResponseRow
    told = (
        select(row.subscriber_id, row.content_sha256, func.min(DeliveryRow.received_at), func.min(DeliveryRow.id))
        .join(DeliveryRow, DeliveryRow.id == row.delivery_id)
        .where(row.isp == isp, row.response.in_(EXEMPTING))
        .group_by(row.subscriber_id, row.content_sha256)
    )
    first_told = {(who, content): (at, delivery_id) for who, content, at, delivery_id in db.execute(told)}
    return {
        who: Standing(found.response, found.notice_no, found.responded_on)
        for who, found in _standing_rows(db, isp).items()
        if found.response in EXEMPTING
        and (last_list is None or first_told[found.subscriber_id, found.content_sha256] > last_list)
    }


def decided_exempt(db: Session, isp: str, today: date) -> frozenset[str]:
    """The clients whom the last decision on one of their cases exempts, while it holds."""
    place = func.row_number().over(partition_by=CaseRow.subject, order_by=DecisionRow.id.desc())
    decisions = (
        select(CaseRow.subject, DecisionRow.outcome, DecisionRow.until_on, place.label("place"))
        .join(CaseRow, CaseRow.id == DecisionRow.case_id)
        .where(CaseRow.isp == isp, CaseRow.kind.in_(ABOUT_CLIENTS))
        .subquery()
    )
    holds = decisions.c.until_on.is_(None) | (decisions.c.until_on >= today)
    last = select(decisions.c.subject).where(decisions.c.place == 1, decisions.c.outcome == EXEMPT, holds)
    return frozenset(db.scalars(last))


def disputed(db: Session, isp: str) -> frozenset[str]:
    """The clients with an open case of a dispute or a registration elsewhere."""
    query = select(CaseRow.subject).where(
        CaseRow.isp == isp, CaseRow.kind.in_(CASE_OF.values()), CaseRow.closed_at.is_(None)
    )
    return frozenset(db.scalars(query))


def merge_responses(db: Session, delivery: Delivery, rows: pd.DataFrame, *, at: datetime) -> int:
    """Add the accepted rows of one delivery and open or close cases as they say; how many changed what stands.

    `rows`: the columns of the feed, `row` and `row_sha256`. A later answer ends the case that an earlier one opened;
    the same answer once more opens none, so that a person's decision is not undone by a repetition.
    """
    if delivery.name is None or rows.empty:
        return 0
    seq = delivery.name.seq
    before = _standing_rows(db, delivery.isp)
    answers: list[dict[str, Any]] = [
        {
            "isp": delivery.isp,
            "subscriber_id": row["subscriber_id"],
            "notice_no": row["notice_no"],
            "response": Response(row["response"]),
            "reference": row["reference"] or None,
            "comment": row["comment"] or None,
            "responded_on": date.fromisoformat(row["responded_on"]),
            "delivery_id": delivery.id,
            "row": int(row["row"]),
            "seq": seq,
            "is_overtaken": row["subscriber_id"] in before and before[row["subscriber_id"]].seq > seq,
            "content_sha256": row["row_sha256"],
            "learnt_at": at,
        }
        for row in rows.to_dict("records")
    ]
    db.execute(insert(ResponseRow), answers)
    changed = [
        answer
        for answer in answers
        if not answer["is_overtaken"]
        and (
            answer["subscriber_id"] not in before
            or before[answer["subscriber_id"]].content_sha256 != answer["content_sha256"]
        )
    ]
    _settle_cases(db, delivery, {answer["subscriber_id"]: answer["response"] for answer in changed}, at)
    return len(changed)


def _settle_cases(db: Session, delivery: Delivery, said: Mapping[str, Response], at: datetime) -> None:
    """One open case for each client whose answer a person decides on; none for what the ISP no longer says."""
    kinds = tuple(CASE_OF.values())
    is_open = (CaseRow.isp == delivery.isp, CaseRow.kind.in_(kinds), CaseRow.closed_at.is_(None))
    newest = successions.newest_ids(db, delivery.isp)
    # A case keeps the id under which it was opened; his ISP may call him by another one by now.
    open_now = {
        (newest.get(subject, subject), kind): subject
        for subject, kind in db.execute(select(CaseRow.subject, CaseRow.kind).where(*is_open))
    }
    wanted = {(who, CASE_OF[response]) for who, response in said.items() if response in CASE_OF}
    ended = {pair for pair in open_now.keys() - wanted if pair[0] in said}
    _close(db, delivery.isp, sorted((open_now[pair], pair[1]) for pair in ended), at)
    opened = [
        {
            "isp": delivery.isp,
            "kind": kind,
            "subject": who,
            "delivery_id": delivery.id,
            "reason": f"The ISP answered {said[who]} to a notice that names the client.",
            "opened_at": at,
            "opened_in": run_of(db),
        }
        for who, kind in sorted(wanted - open_now.keys())
    ]
    if opened:
        db.execute(insert(CaseRow), opened)


def _close(db: Session, isp: str, pairs: Iterable[tuple[str, str]], at: datetime) -> None:
    ended = [{"who": who, "what": kind} for who, kind in pairs]
    if ended:
        end = (
            update(CaseRow)
            .where(
                CaseRow.isp == isp,
                CaseRow.subject == bindparam("who"),
                CaseRow.kind == bindparam("what"),
                CaseRow.closed_at.is_(None),
            )
            .values(closed_at=at)
        )
        db.connection().execute(end, ended)


def _standing_rows(db: Session, isp: str) -> dict[str, Any]:
    """The highest answer about each client, by his newest id: what was said under an earlier one speaks for him too."""
    row = ResponseRow
    # The same number twice can't be: a number is used once, and a file has one row a client.
    place = func.row_number().over(partition_by=row.subscriber_id, order_by=row.seq.desc())
    answers = select(row, place.label("place")).where(row.isp == isp).subquery()
    columns = ("subscriber_id", "response", "notice_no", "responded_on", "seq", "content_sha256")
    query = select(*(answers.c[name] for name in columns)).where(answers.c.place == 1).order_by(answers.c.seq)
    newest = successions.newest_ids(db, isp)
    return {newest.get(one.subscriber_id, one.subscriber_id): one for one in db.execute(query)}
