"""What an older database is told of the time it doesn't know, so that nothing is sent, numbered or lost silently."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import PENDING, ContactRole, Delivery, DeliveryState, NoticeState, ZoneFolder
from vpn_registry.registry import cases, deliveries
from vpn_registry.registry.listing import OPEN, upsert
from vpn_registry.registry.tables import CounterRow, DeliveryRow, MessageRow, NoticeRow

SENT_LATER: Final = "The journal says that sending began at {at}, after this registry's backup was made."
COPY_SENT_LATER: Final = "Another copy of this notice was sent after this registry's backup was made; this one was not."

# To `uncertain` along registry.moves: the way a message goes that is sent and whose answer is lost.
_STEPS: Final = (NoticeState.APPROVED, NoticeState.SENDING, NoticeState.UNCERTAIN)


def raise_counters(db: Session, issued: Mapping[str, int]) -> None:
    """Numbers that were told after the backup are never issued a second time."""
    for series, last_no in issued.items():
        known = upsert(db, CounterRow).values(series=series, last_no=last_no)
        higher = known.excluded.last_no > CounterRow.last_no
        db.execute(
            known.on_conflict_do_update(
                index_elements=["series"], set_={"last_no": known.excluded.last_no}, where=higher
            )
        )


def is_known(db: Session, entry: Mapping[str, Any]) -> bool:
    """Whether the ledger has this delivery of the journal."""
    same = (
        DeliveryRow.isp == entry["isp"], DeliveryRow.folder == ZoneFolder(entry["folder"]),
        DeliveryRow.file_name == entry["file_name"], DeliveryRow.sha256 == entry["sha256"],
    )  # fmt: skip
    return db.scalar(select(DeliveryRow.id).where(*same).limit(1)) is not None


def claim_again(db: Session, entry: Mapping[str, Any]) -> Delivery:
    """A delivery of the journal as it was when its bytes had been copied: claimed, to be stored and judged.

    A backup made between the listing and the copy knows the file already; then it is that delivery.
    """
    place = {"isp": entry["isp"], "folder": ZoneFolder(entry["folder"]), "file_name": entry["file_name"]}
    row = {
        "state": DeliveryState.CLAIMED, "size_bytes": entry["size_bytes"], "mtime": entry["mtime"],
        "first_listed_at": datetime.fromisoformat(entry["first_listed_at"]),
    }  # fmt: skip
    listed = (
        update(DeliveryRow)
        .filter_by(**place)
        .where(DeliveryRow.state.in_(OPEN))
        .values(**row, claim_no=DeliveryRow.claim_no + 1)
        .returning(DeliveryRow.id)
    )
    delivery_id = db.scalars(listed).one_or_none()
    if delivery_id is None:
        fresh = insert(DeliveryRow).values(**place, **row, claim_no=1, settling_s=0.0, listed_s=0.0)
        delivery_id = db.scalars(fresh.returning(DeliveryRow.id)).one()
    return deliveries.get(db, delivery_id)


def sent_later(db: Session, entry: Mapping[str, Any]) -> bool:
    """Whether this attempt of the journal is one that the outbox doesn't know."""
    attempts = db.scalar(
        select(func.max(MessageRow.attempts)).where(MessageRow.header_message_id == entry["message_id"])
    )
    return attempts is None or attempts < entry["attempt"]


def mark_uncertain(db: Session, entry: Mapping[str, Any], *, at: datetime) -> None:
    """The message of this attempt, and what is left of its notice, wait for a person; nothing of it is sent again."""
    notice_id = _notice(db, entry, at)
    copy = select(MessageRow.id).where(MessageRow.notice_id == notice_id, MessageRow.email == entry["email"])
    message_id = db.scalar(copy)
    reply = SENT_LATER.format(at=entry["at"])
    if message_id is None:
        row = {
            "notice_id": notice_id, "contact_name": entry["contact_name"], "email": entry["email"],
            "role": ContactRole(entry["role"]), "header_message_id": entry["message_id"],
            "state": NoticeState.UNCERTAIN, "attempts": entry["attempt"], "reply": reply, "settled_at": at,
        }  # fmt: skip
        db.execute(insert(MessageRow).values(**row))
    else:
        _strand(db, MessageRow, MessageRow.id == message_id, reply=reply, settled_at=at, attempts=entry["attempt"])
    of_notice = MessageRow.notice_id == notice_id
    _strand(db, MessageRow, of_notice, reply=COPY_SENT_LATER, settled_at=at)
    _strand(db, NoticeRow, NoticeRow.id == notice_id, settled_at=at)
    for stranded in db.scalars(select(MessageRow.id).where(of_notice, MessageRow.state == NoticeState.UNCERTAIN)).all():
        cases.open_uncertain(db, entry["isp"], entry["notice_no"], stranded, at=at)


def _notice(db: Session, entry: Mapping[str, Any], at: datetime) -> int:
    """The notice of this message; one that was planned after the backup is entered as the journal tells it."""
    found = db.scalar(select(NoticeRow.id).where(NoticeRow.notice_no == entry["notice_no"]))
    if found is not None:
        return found
    row = {
        "notice_no": entry["notice_no"], "isp": entry["isp"], "campaign": entry["campaign"],
        "deadline_version": entry["deadline_version"], "ends_on": date.fromisoformat(entry["ends_on"]),
        "stage": entry["stage"], "stage_on": date.fromisoformat(entry["stage_on"]), "form": entry["form"],
        "state": NoticeState.UNCERTAIN, "reason": SENT_LATER.format(at=entry["at"]), "counts": entry["counts"],
        "planned_at": datetime.fromisoformat(entry["at"]), "approved_by": "", "settled_at": at,
    }  # fmt: skip
    return db.scalars(insert(NoticeRow).values(**row).returning(NoticeRow.id)).one()


def _strand(db: Session, table: Any, which: Any, **values: Any) -> None:
    ids = list(db.scalars(select(table.id).where(which, table.state.in_(PENDING))))
    for state in _STEPS:
        last = values if state is NoticeState.UNCERTAIN else {}
        before = PENDING[: PENDING.index(state)] if state in PENDING else (NoticeState.SENDING,)
        db.execute(update(table).where(table.id.in_(ids), table.state.in_(before)).values(state=state, **last))
