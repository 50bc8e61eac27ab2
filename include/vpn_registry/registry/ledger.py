"""The ledger of deliveries: every file from its first listing to its last state, moved only along the table of moves.

Whoever works on a delivery holds a claim number; each concluding statement checks it, so that a worker that was
believed dead and wakes up late is refused (Fenced) instead of merging twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import (
    Answer,
    Delivery,
    DeliveryName,
    DeliveryState,
    NumberUse,
    ZoneFolder,
)
from vpn_registry.registry.deliveries import Fenced, advance, changed_rows, find, get, stored
from vpn_registry.registry.judgements import (
    carry_over,
    conclude,
    held,
    record_findings,
    record_rows,
    revise,
    stored_verdict,
)
from vpn_registry.registry.leases import lease, note_visit, release, reserve, unreserve
from vpn_registry.registry.listing import isps_with_work, observe, record_listing, source_removed, unremoved, upsert
from vpn_registry.registry.moves import DELIVERY_MOVES as MOVES
from vpn_registry.registry.tables import AnswerRow, DeliveryRow, NumberUseRow

__all__ = [
    "MOVES",
    "Fenced",
    "answer_removed",
    "answer_stem",
    "answer_written",
    "answered_paths",
    "carry_over",
    "claim",
    "conclude",
    "finish",
    "get",
    "held",
    "isps_with_work",
    "lease",
    "note_visit",
    "number_use",
    "observe",
    "pending_answers",
    "queue_answers",
    "queue_zone_files",
    "record_findings",
    "record_listing",
    "record_rows",
    "release",
    "reserve",
    "revise",
    "source_removed",
    "store",
    "stored",
    "stored_verdict",
    "unclaim",
    "unfinished",
    "unremoved",
    "unreserve",
    "vanish",
]

_WORKED_ON: Final = (DeliveryState.CLAIMED, DeliveryState.STORED, DeliveryState.JUDGED)
_SAFE_NAME: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_LONGEST_NAME: Final = 120


def unfinished(db: Session, isp: str) -> list[Delivery]:
    """Deliveries some worker began and has not finished (claimed, stored or judged), in working order."""
    return find(db, DeliveryRow.isp == isp, DeliveryRow.state.in_(_WORKED_ON))


def unjudged(db: Session, isps: Collection[str]) -> list[tuple[str, int]]:
    """(ISP, delivery) of what was received from these ISPs and is not judged, oldest first."""
    waits = DeliveryRow.state.in_((DeliveryState.CLAIMED, DeliveryState.STORED))
    query = select(DeliveryRow.isp, DeliveryRow.id).where(DeliveryRow.isp.in_(isps), waits).order_by(DeliveryRow.id)
    return [(row.isp, row.id) for row in db.execute(query)]


def claim(db: Session, delivery: Delivery) -> int | None:
    """Claim a delivery as the caller last read it; the new claim number, or None when somebody else was faster.

    A `seen` one becomes `claimed`; one that an earlier worker left claimed, stored or judged keeps its state and only
    changes hands. Taking over is for the holder of the ISP's lease.
    """
    state = DeliveryState.CLAIMED if delivery.state is DeliveryState.SEEN else delivery.state
    if state not in _WORKED_ON:
        return None
    result = db.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.id == delivery.id,
            DeliveryRow.state == delivery.state,
            DeliveryRow.claim_no == delivery.claim_no,
        )
        .values(state=state, claim_no=delivery.claim_no + 1)
    )
    return delivery.claim_no + 1 if changed_rows(result) == 1 else None


def unclaim(db: Session, delivery: Delivery, claim_no: int) -> None:
    """Give a claimed delivery back because it changed while it was read: it has to lie still anew."""
    # Size -1 equals no listing, so the next one restarts the settling.
    advance(db, delivery.id, claim_no, DeliveryState.CLAIMED, state=DeliveryState.SEEN, size_bytes=-1)


def vanish(db: Session, delivery: Delivery, claim_no: int) -> None:
    """A claimed delivery whose file the ISP took away before it was copied."""
    advance(db, delivery.id, claim_no, DeliveryState.CLAIMED, state=DeliveryState.VANISHED)


def store(
    db: Session,
    delivery: Delivery,
    claim_no: int,
    *,
    sha256: str | None,
    size_bytes: int,
    received_at: datetime,
    name: DeliveryName | None,
    declared_sha256: str | None = None,
    uses_number: bool = True,
) -> Delivery:
    """The bytes are in the landing store: claimed -> stored. Raises Fenced when the claim has moved on.

    `sha256` is None for a file that was too large to be taken, `declared_sha256` for one without a checksum beside it.

    A readable name of the ISP's own, in `incoming/`, uses its number up if no earlier delivery did (contract
    section 3); `owns_number` of the result tells. Not so for an ISP that only tries files out.
    """
    parts = {}
    if name is not None:
        parts = {
            "feed": name.feed, "mode": name.mode, "name_isp": name.isp,
            "content_on": name.content_on, "seq": name.seq, "ext": name.ext,
        }  # fmt: skip
    owns_number = False
    is_own = name is not None and name.isp == delivery.isp
    if name is not None and is_own and uses_number and delivery.folder is ZoneFolder.INCOMING:
        use = upsert(db, NumberUseRow).values(
            isp=delivery.isp, feed=name.feed, seq=name.seq, delivery_id=delivery.id, sha256=sha256
        )
        # RETURNING tells on both databases whether a row went in; PostgreSQL's row count doesn't.
        owns_number = db.scalar(use.on_conflict_do_nothing().returning(NumberUseRow.seq)) is not None
    advance(
        db, delivery.id, claim_no, DeliveryState.CLAIMED,
        state=DeliveryState.STORED, sha256=sha256, declared_sha256=declared_sha256, size_bytes=size_bytes,
        received_at=received_at, owns_number=owns_number, **parts,
    )  # fmt: skip
    return get(db, delivery.id)


def number_use(db: Session, delivery: Delivery) -> NumberUse:
    """How the delivery's number relates to the numbers used before; empty for an unreadable or foreign name."""
    name = delivery.name
    if name is None or name.isp != delivery.isp:
        return NumberUse()
    series = (NumberUseRow.isp == delivery.isp, NumberUseRow.feed == name.feed)
    user = db.execute(
        select(NumberUseRow.delivery_id, NumberUseRow.sha256).where(*series, NumberUseRow.seq == name.seq)
    ).one_or_none()
    first_use = user if user is not None and user.delivery_id != delivery.id else None
    before = func.lag(NumberUseRow.seq, 1, 0).over(order_by=NumberUseRow.seq)
    used = select(NumberUseRow.seq.label("seq"), before.label("before")).where(*series, NumberUseRow.seq < name.seq)
    steps = used.subquery()
    gaps = db.execute(
        select(steps.c.before, steps.c.seq).where(steps.c.seq > steps.c.before + 1).order_by(steps.c.seq)
    ).all()
    last = db.scalar(select(func.max(NumberUseRow.seq)).where(*series, NumberUseRow.seq < name.seq)) or 0
    missing = [(gap.before + 1, gap.seq - 1) for gap in gaps]
    if name.seq > last + 1:
        missing.append((last + 1, name.seq - 1))
    return NumberUse(
        first_use=first_use.delivery_id if first_use else None,
        first_use_same_bytes=(
            first_use is not None and first_use.sha256 is not None and first_use.sha256 == delivery.sha256
        ),
        missing=tuple(missing),
    )


def finish(db: Session, delivery: Delivery, claim_no: int) -> None:
    """Every answer stands in `outgoing/`: judged -> answered. Raises ValueError while one is still queued."""
    waiting = select(AnswerRow.id).where(AnswerRow.delivery_id == delivery.id, AnswerRow.written_at.is_(None)).limit(1)
    if db.scalar(waiting) is not None:
        raise ValueError(f"delivery {delivery.id} has answers that are not written yet")
    advance(db, delivery.id, claim_no, DeliveryState.JUDGED, state=DeliveryState.ANSWERED)


def queue_answers(db: Session, delivery_id: int, answers: Iterable[Answer]) -> None:
    """Queue the answers to a delivery, in the transaction that decided them."""
    isp = db.scalars(select(DeliveryRow.isp).where(DeliveryRow.id == delivery_id)).one()
    _queue(db, isp, delivery_id, answers)


def queue_zone_files(db: Session, isp: str, files: Iterable[Answer]) -> None:
    """Queue files for an ISP's `outgoing/` that answer no delivery: notices, extracts."""
    _queue(db, isp, None, files)


def _queue(db: Session, isp: str, delivery_id: int | None, answers: Iterable[Answer]) -> None:
    rows = [{"isp": isp, "delivery_id": delivery_id, "path": a.path, "content": a.content} for a in answers]
    if rows:
        db.execute(insert(AnswerRow), rows)


def pending_answers(db: Session, isp: str) -> list[tuple[int, Answer]]:
    """What is queued for an ISP's `outgoing/` and not written yet, oldest first, with the ids to report back."""
    rows = db.execute(
        select(AnswerRow.id, AnswerRow.path, AnswerRow.content)
        .where(AnswerRow.isp == isp, AnswerRow.written_at.is_(None))
        .order_by(AnswerRow.id)
    )
    return [(row.id, Answer(row.path, row.content)) for row in rows]


def answer_written(db: Session, answer_id: int, at: datetime) -> None:
    """A queued file stands in `outgoing/`; saying it twice changes nothing."""
    db.execute(update(AnswerRow).where(AnswerRow.id == answer_id, AnswerRow.written_at.is_(None)).values(written_at=at))


def answer_removed(db: Session, answer_id: int, at: datetime) -> None:
    """A queued removal is done: nothing that was queued for its path up to now lies in `outgoing/` any more."""
    answer_written(db, answer_id, at)
    removal = select(AnswerRow.isp, AnswerRow.path).where(AnswerRow.id == answer_id).subquery()
    gone = (AnswerRow.isp == removal.c.isp, AnswerRow.path == removal.c.path, AnswerRow.id <= answer_id)
    db.execute(update(AnswerRow).where(*gone, AnswerRow.removed_at.is_(None)).values(removed_at=at))


def answered_paths(db: Session, delivery_id: int) -> set[str]:
    """Where in `outgoing/` a delivery was answered so far, also what is queued."""
    return set(db.scalars(select(AnswerRow.path).where(AnswerRow.delivery_id == delivery_id)))


def answer_stem(db: Session, delivery: Delivery) -> str:
    """What the names of a delivery's answers begin with (contract section 4)."""
    name = delivery.file_name
    # A file may not be named like the answers to another one.
    is_taken = name.startswith("unnamed-") or name.rpartition(".")[2].isdigit()
    if not name or len(name) > _LONGEST_NAME or is_taken or not _SAFE_NAME.issuperset(name):
        return f"unnamed-{delivery.id}"
    earlier = select(DeliveryRow.id).where(
        DeliveryRow.isp == delivery.isp,
        DeliveryRow.folder == delivery.folder,
        DeliveryRow.file_name == name,
        DeliveryRow.id < delivery.id,
        DeliveryRow.state != DeliveryState.VANISHED,
    )
    return name if db.scalar(earlier.limit(1)) is None else f"{name}.{delivery.id}"
