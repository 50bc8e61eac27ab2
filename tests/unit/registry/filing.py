"""Deliveries and rows for the registry's tests, short to write."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, DeliveryName, Feed, ListedFile, Mode, Outcome, RowCounts, ZoneFolder
from vpn_registry.registry import ledger, merge
from vpn_registry.registry.bulk import TEXT
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import DeliveryRow

AT = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)


def columns_of(feed: Feed) -> tuple[str, ...]:
    """The columns of the contract's table of a feed."""
    if feed is Feed.CLIENTS:
        return (
            "subscriber_id", "client_name", "ntn", "cnic", "other_id", "service_ips", "msisdn", "service_status",
            "active_since", "vpn_use",
        )  # fmt: skip
    return (
        "registration_ref", "action", "subscriber_id", "category", "client_name", "ntn", "cnic", "other_id", "secp_no",
        "pseb_no", "pseb_expiry", "contact_name", "contact_email", "contact_phone", "city", "province", "purpose",
        "connection_type", "local_ip", "msisdn", "remote_ip", "remote_country", "vpn_protocol", "vpn_provider",
        "valid_from", "valid_to", "undertaking_ref", "undertaking_on", "verified_on",
    )  # fmt: skip


_SHARED = ("ntn_key", "cnic_key", "other_id_key", "row_sha256")
REGISTRATION_COLUMNS = (*columns_of(Feed.REGISTRATIONS), *_SHARED)
CLIENT_COLUMNS = (*columns_of(Feed.CLIENTS), *_SHARED)


def name_of(isp: str, feed: Feed, mode: Mode, seq: int) -> DeliveryName:
    day = date(2026, 6, min(seq, 28))
    text = f"{isp}_{feed.value}_{mode.value}_{day:%Y%m%d}_{seq:04d}.csv"
    return DeliveryName(text, isp, feed, mode, day, seq, "csv")


def see(db: Session, isp: str, name: str, *, size: int = 10, folder: ZoneFolder = ZoneFolder.INCOMING) -> Delivery:
    """A delivery that is listed twice, alike, and so settled; each time later than all before."""
    files = [ListedFile(name, size, 1000, "file")]
    last = db.scalar(select(func.max(DeliveryRow.listed_s)))
    began = 0.0 if last is None else last + 1.0
    ledger.observe(db, isp, folder, files, at=AT, monotonic=began, settle_seconds=30)
    settled, _ = ledger.observe(db, isp, folder, files, at=AT, monotonic=began + 31.0, settle_seconds=30)
    return next(delivery for delivery in settled if delivery.file_name == name)


def store(
    db: Session,
    isp: str,
    feed: Feed,
    mode: Mode,
    seq: int,
    *,
    content: str = "x",
    folder: ZoneFolder = ZoneFolder.INCOMING,
) -> Delivery:
    """A stored delivery, claimed by us."""
    name = name_of(isp, feed, mode, seq)
    delivery = see(db, isp, name.text, folder=folder)
    claim_no = ledger.claim(db, delivery)
    assert claim_no is not None
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    stored = ledger.store(db, delivery, claim_no, sha256=sha256, size_bytes=10, received_at=AT, name=name)
    ledger.source_removed(db, stored.id)
    return stored


def conclude(
    db: Session, delivery: Delivery, outcome: Outcome = Outcome.ACCEPTED, rows: int = 1, at: datetime = AT
) -> None:
    ledger.conclude(
        db, delivery, delivery.claim_no, outcome=outcome, rows=RowCounts(rows, rows), counts_by_code={}, findings=(),
        result={}, rulebook_version="1", at=at,
    )  # fmt: skip


def rows_of(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> pd.DataFrame:
    """Canonical rows: what isn't given is '', the hash is over everything but the action."""
    full = [{name: row.get(name, "") for name in columns} for row in rows]
    for row, given in zip(full, rows, strict=True):
        for key in ("cnic", "other_id", "ntn"):
            row[f"{key}_key"] = given.get(f"{key}_key", row[key].replace("-", ""))
        text = "|".join(value for name, value in row.items() if name not in {"action", "row_sha256"})
        row["row_sha256"] = row["row_sha256"] or hashlib.sha256(text.encode()).hexdigest()
    frame = pd.DataFrame(full, columns=list(columns), dtype=TEXT)
    frame["row"] = range(1, len(full) + 1)
    frame["line"] = frame["row"] + 1
    return frame


def registrations(*rows: dict[str, str]) -> pd.DataFrame:
    return rows_of(REGISTRATION_COLUMNS, rows)


def clients(*rows: dict[str, str]) -> pd.DataFrame:
    return rows_of(CLIENT_COLUMNS, rows)


def add(ref: str, subscriber: str = "", name: str = "Firm", **more: str) -> dict[str, str]:
    return {
        "registration_ref": ref,
        "action": "add",
        "subscriber_id": subscriber or f"s-{ref}",
        "client_name": name,
        **more,
    }


def withdraw(ref: str) -> dict[str, str]:
    return {"registration_ref": ref, "action": "withdraw"}


def file_registrations(
    registry: Registry, seq: int, *rows: dict[str, str], mode: Mode = Mode.DELTA, isp: str = "indus", **options: Any
) -> pd.DataFrame:
    """Store, merge and conclude one registrations file; the effects."""
    with registry.writing() as db:
        delivery = store(db, isp, Feed.REGISTRATIONS, mode, seq)
        options = {"at": AT, "may_close": True, **options}
        effects = merge.merge_registrations(db, registry.keys, delivery, registrations(*rows), **options)
        told = effects.rename(columns={"registration_ref": "key"}).assign(line=effects["row"] + 1, outcome="accepted")
        ledger.record_rows(db, delivery, told)
        conclude(db, delivery, at=options["at"])
    return effects


def file_clients(
    registry: Registry, seq: int, *rows: dict[str, str], isp: str = "indus", **options: Any
) -> dict[str, int]:
    """Store, merge and conclude one client list; the counts by effect."""
    with registry.writing() as db:
        delivery = store(db, isp, Feed.CLIENTS, Mode.FULL, seq)
        options = {"at": AT, "may_close": True, **options}
        counts = merge.merge_clients(db, registry.keys, delivery, clients(*rows), **options)
        conclude(db, delivery)
    return counts
