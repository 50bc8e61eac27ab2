"""Backups: a folder each, with a copy of the database, the landing store and the journal; never the key file.

The database is copied first: bytes are stored before the ledger tells of them, so a landing store that is copied later
has them all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from vpn_registry.model import ConfigurationError, iso_utc
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, copies, home

MANIFEST: Final = "manifest.json"
JOURNAL: Final = "journal.jsonl"
LANDING: Final = "landing"
_FORM: Final = "%Y%m%dT%H%M%S%fZ"


def make(exchange: Exchange, folder: Path) -> Path:
    """Write a backup into `folder`, whole or not at all; where it is. Audited.

    Stored deliveries that the backup before has too share its files (hard links), so that a backup costs what is new.
    """
    registry, now = exchange.registry, exchange.registry.real_now()
    target = folder / now.strftime(_FORM)
    aside = folder / f".{target.name}.part"
    before = newest(folder)
    aside.mkdir(mode=0o700, parents=True)
    try:
        copy = copies.write_copy(registry.settings, aside)
        if exchange.journal.path.exists():
            shutil.copyfile(exchange.journal.path, aside / JOURNAL)
            (aside / JOURNAL).chmod(0o600)
        stored = _copy_landing(registry.settings.landing, aside / LANDING, before / LANDING if before else None)
        with registry.reading() as db:
            head = audit.verify(db).head
        manifest = {
            "made_at": iso_utc(now), "clock": iso_utc(exchange.now()), "schema": home.schema(), "database": copy.name,
            "sha256": _sha256(copy), "stored_files": stored, "audit_head": head,
        }  # fmt: skip
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
        _fsync(aside)
        aside.replace(target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    with registry.writing() as db:
        audit.record(
            db, actor="backup", action="backup", object_type="registry", object_id=target.name,
            detail={"stored_files": stored}, at=exchange.now(),
        )  # fmt: skip
    return target


def made(folder: Path | None) -> list[Path]:
    """The backups of a folder, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}")) if folder is not None else []


def newest(folder: Path) -> Path | None:
    """The newest backup of a folder, or the folder itself when it is one."""
    if (folder / MANIFEST).exists():
        return folder
    backups = made(folder)
    return backups[-1] if backups else None


def over(folder: Path | None, before: datetime) -> list[Path]:
    """The backups whose time is over; the newest always stays."""
    return [path for path in made(folder)[:-1] if _made_at(path) < before]


def manifest_of(backup: Path) -> dict[str, Any]:
    """What a backup says of itself. Raises ConfigurationError when its copy of the database is damaged or missing."""
    manifest: dict[str, Any] = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
    copy = backup / manifest["database"]
    if not copy.exists() or _sha256(copy) != manifest["sha256"]:
        raise ConfigurationError(f"{copy}: the copy of the database is damaged; take another backup.")
    return manifest


def _made_at(backup: Path) -> datetime:
    return datetime.strptime(backup.name, _FORM).replace(tzinfo=UTC)


def _copy_landing(source: Path, target: Path, before: Path | None) -> int:
    count = 0
    target.mkdir(mode=0o700)
    for path in sorted(source.glob("??/*.enc")):
        place = target / path.parent.name / path.name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        earlier = before / path.parent.name / path.name if before is not None else None
        if earlier is None or not _is_same(earlier, path) or not _linked(earlier, place):
            try:
                shutil.copy2(path, place)
            except FileNotFoundError:
                continue  # its time was over while we copied
        count += 1
    return count


def _is_same(earlier: Path, path: Path) -> bool:
    """Ciphertext begins with its key and a nonce that is never used twice: equal beginnings are equal files."""
    try:
        return earlier.stat().st_size == path.stat().st_size and _beginning(earlier) == _beginning(path)
    except FileNotFoundError:
        return False


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _linked(earlier: Path, place: Path) -> bool:
    try:
        os.link(earlier, place)
    except OSError:  # a file system without links
        return False
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
