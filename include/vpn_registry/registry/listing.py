"""From listings of a zone to deliveries: what is new, what lies still, what has gone; watches of zones.

A file is (isp, folder, name, size, mtime). It is settled when two of our own listings at least `settle_seconds` apart
show it alike. The seconds come from the wall clock, because listings are made by different processes; never from a
simulated clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, or_, select, union, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, DeliveryState, ListedFile, ZoneFolder
from vpn_registry.registry import deliveries, outages
from vpn_registry.registry.tables import AnswerRow, DeliveryRow, IrregularFileRow, ZoneWatchRow

OPEN: Final = (DeliveryState.SEEN, DeliveryState.CLAIMED)
"""The states of a file that is not stored yet; of each name there is one."""
_TAKEN: Final = (DeliveryState.STORED, DeliveryState.JUDGED, DeliveryState.ANSWERED)


def observe(
    db: Session,
    isp: str,
    folder: ZoneFolder,
    files: Sequence[ListedFile],
    *,
    at: datetime,
    monotonic: float,
    settle_seconds: float,
) -> tuple[list[Delivery], int]:
    """Take one whole listing of one folder to the ledger.

    `at` is our clock's instant of the listing, `monotonic` the wall clock's in seconds. Returns the settled
    deliveries that wait to be claimed, in working order, and how many files have not settled yet. Links, directories
    and the like are remembered once and otherwise left alone. A file that was taken already and still lies there is
    no new delivery (see `unremoved`); another file under its name is one.
    """
    regular = {file.name: file for file in files if file.kind == "file" and _is_storable(file.name)}
    _remember_irregular(db, isp, folder, [file for file in files if file.name not in regular], at)
    lying = _lying_there(db, isp, folder, monotonic)
    known: set[str] = set()
    settled: list[int] = []
    waiting = 0
    for row in lying:
        if monotonic < row.listed_s:  # this listing is older than what is known
            known.add(row.file_name)
            continue
        file = regular.get(row.file_name)
        is_same = file is not None and (file.size, file.mtime) == (row.size_bytes, row.mtime)
        if row.state in _TAKEN:
            if is_same:
                known.add(row.file_name)
            else:  # gone, or overwritten by another file: there is nothing left to remove
                source_removed(db, row.id)
            continue
        known.add(row.file_name)
        if row.state is DeliveryState.CLAIMED:
            continue  # somebody is copying it
        if file is None:
            _update_seen(db, row.id, state=DeliveryState.VANISHED)
        elif is_same and monotonic - row.settling_s >= settle_seconds:
            settled.append(row.id)
            _update_seen(db, row.id, listed_s=monotonic)
        else:
            waiting += 1
            restart = {} if is_same else {"size_bytes": file.size, "mtime": file.mtime, "settling_s": monotonic}
            _update_seen(db, row.id, listed_s=monotonic, **restart)
    new = [file for name, file in regular.items() if name not in known]
    _insert_seen(db, isp, folder, new, at, monotonic)
    found = deliveries.find(db, DeliveryRow.id.in_(settled), DeliveryRow.state == DeliveryState.SEEN) if settled else []
    return found, waiting + len(new)


def unremoved(db: Session, isp: str) -> list[Delivery]:
    """Deliveries whose bytes are safe but whose source was not yet marked as removed from the zone.

    The caller removes the file only if its size and mtime are still the delivery's.
    """
    return deliveries.find(
        db, DeliveryRow.isp == isp, DeliveryRow.state.in_(_TAKEN), DeliveryRow.is_source_removed.is_(False)
    )


def isps_with_work(db: Session) -> set[str]:
    """Slugs of ISPs with a delivery to take, judge or answer, a source to remove, or a listing that fails."""
    open_states = (*OPEN, DeliveryState.STORED, DeliveryState.JUDGED)
    # What was too large to be taken lies there for its ISP to remove.
    lying = DeliveryRow.state.in_(_TAKEN) & DeliveryRow.is_source_removed.is_(False) & DeliveryRow.sha256.is_not(None)
    return set(
        db.scalars(
            union(
                select(DeliveryRow.isp).where(DeliveryRow.state.in_(open_states) | lying),
                select(AnswerRow.isp).where(AnswerRow.written_at.is_(None)),
                select(ZoneWatchRow.isp).where(ZoneWatchRow.failing_since_at.is_not(None)),
            )
        )
    )


def source_removed(db: Session, delivery_id: int, *, removed_s: float | None = None) -> None:
    """Mark that a delivery's source is gone from the zone: the same name dropped again is a new delivery.

    `removed_s` is the wall clock's second after it was removed: a listing that another run made before that still shows
    the file, and is no news of it.
    """
    removed = update(DeliveryRow).where(DeliveryRow.id == delivery_id)
    db.execute(removed.values(is_source_removed=True))
    if removed_s is not None:  # what is answered stands as it is, and lies there no longer than a failed removal
        db.execute(removed.where(DeliveryRow.state == DeliveryState.STORED).values(listed_s=removed_s))


def record_listing(
    db: Session, isp: str, *, at: datetime, error: str | None, longest_gap: timedelta | None = None
) -> None:
    """Note that the zone of an ISP was listed at `at`, or that listing it failed with `error` (one sentence).

    A good listing ends an outage: one of failures, or one of nobody listing for longer than `longest_gap`.
    """
    if error is None:
        outages.note_end(db, isp, at=at, longest_gap=longest_gap)
    values: dict[str, Any] = {"listed_at": at, "failing_since_at": None, "error": None}
    if error is not None:
        values = {"failing_since_at": at, "error": error}
    watch = upsert(db, ZoneWatchRow).values(isp=isp, **values)
    if error is not None:
        values["failing_since_at"] = func.coalesce(ZoneWatchRow.failing_since_at, watch.excluded.failing_since_at)
    db.execute(watch.on_conflict_do_update(index_elements=["isp"], set_=values))


def upsert(db: Session, table: Any) -> Any:
    """The INSERT of this database that knows ON CONFLICT."""
    module = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
    return module.insert(table)


def _is_storable(name: str) -> bool:
    # Bytes that are no UTF-8 arrive as lone surrogates, which no database text holds; NUL is refused by PostgreSQL.
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in name


def _remember_irregular(db: Session, isp: str, folder: ZoneFolder, files: list[ListedFile], at: datetime) -> None:
    """What is listed and can't be taken, since when; what is no longer there is forgotten."""
    rows = [
        {
            "isp": isp,
            "folder": folder,
            "file_name": file.name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0"),
            "kind": "name" if file.kind == "file" else file.kind,
            "first_listed_at": at,
        }
        for file in files
    ]
    lying = {row["file_name"] for row in rows}
    here = (IrregularFileRow.isp == isp, IrregularFileRow.folder == folder)
    known = dict(db.execute(select(IrregularFileRow.file_name, IrregularFileRow.id).where(*here)).all())
    gone = [surrogate for name, surrogate in known.items() if name not in lying]
    for some in deliveries.batches(gone):
        db.execute(delete(IrregularFileRow).where(IrregularFileRow.id.in_(some)))
    if new := [row for row in rows if row["file_name"] not in known]:
        db.execute(upsert(db, IrregularFileRow).on_conflict_do_nothing(), new)


def _lying_there(db: Session, isp: str, folder: ZoneFolder, monotonic: float) -> Sequence[Any]:
    """What lies in a folder as far as is known, and what a listing made at `monotonic` may still show of it."""
    return db.execute(
        select(
            DeliveryRow.id,
            DeliveryRow.file_name,
            DeliveryRow.state,
            DeliveryRow.size_bytes,
            DeliveryRow.mtime,
            DeliveryRow.settling_s,
            DeliveryRow.listed_s,
        )
        .where(
            DeliveryRow.isp == isp,
            DeliveryRow.folder == folder,
            or_(DeliveryRow.is_source_removed.is_(False), DeliveryRow.listed_s > monotonic),
            DeliveryRow.state.in_((*OPEN, *_TAKEN)),
        )
        .order_by(DeliveryRow.id)
    ).all()


def _update_seen(db: Session, delivery_id: int, **values: Any) -> None:
    # Conditional: the file may have been claimed since it was read here.
    db.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.state == DeliveryState.SEEN)
        .values(**values)
    )


def _insert_seen(
    db: Session, isp: str, folder: ZoneFolder, files: list[ListedFile], at: datetime, monotonic: float
) -> None:
    rows = [
        {
            "isp": isp,
            "folder": folder,
            "file_name": file.name,
            "state": DeliveryState.SEEN,
            "size_bytes": file.size,
            "mtime": file.mtime,
            "first_listed_at": at,
            "settling_s": monotonic,
            "listed_s": monotonic,
        }
        for file in files
    ]
    if rows:
        db.execute(upsert(db, DeliveryRow).on_conflict_do_nothing(), rows)
