"""Files that have lain in the ISPs' `outgoing/` for their time (retention.toml) and leave it (contract section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session, aliased

from vpn_registry.registry.tables import AnswerRow, RegistrationRow


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file whose time in `outgoing/` is over; `is_replaced` when a later one stands under its name there."""

    answer_id: int
    path: str
    is_replaced: bool


def _is_old(before: datetime) -> tuple[Any, ...]:
    return AnswerRow.written_at <= before, AnswerRow.removed_at.is_(None)


def isps_with_old_files(db: Session, before: datetime) -> dict[str, int]:
    """The ISPs in whose zone something was written before that moment, sorted, and how many files."""
    counted = select(AnswerRow.isp, func.count()).where(*_is_old(before)).group_by(AnswerRow.isp)
    return dict(db.execute(counted.order_by(AnswerRow.isp)).all())


def isps_with_file(db: Session, name_end: str) -> set[str]:
    """The ISPs for whose `outgoing/` a file was queued, at any time, with `name_end` in its path."""
    return set(db.scalars(select(AnswerRow.isp).where(AnswerRow.path.contains(name_end, autoescape=True)).distinct()))


def isps_with_registrations(db: Session) -> set[str]:
    """The ISPs that ever registered anything."""
    return set(db.scalars(select(RegistrationRow.isp).distinct()))


def old_files(db: Session, isp: str, before: datetime) -> list[OldFile]:
    """What was written into an ISP's `outgoing/` before that moment, oldest first."""
    later = aliased(AnswerRow)
    stays = later.written_at.is_(None) | (later.written_at > before)
    replaced = exists().where(later.isp == AnswerRow.isp, later.path == AnswerRow.path, later.id > AnswerRow.id, stays)
    query = select(AnswerRow.id, AnswerRow.path, replaced).where(AnswerRow.isp == isp, *_is_old(before))
    return [OldFile(*row) for row in db.execute(query.order_by(AnswerRow.id))]


def files_removed(db: Session, answer_ids: Sequence[int], at: datetime) -> None:
    """Note that files are gone from `outgoing/`; their bytes go with them, for nobody needs a second copy."""
    gone = update(AnswerRow).where(AnswerRow.id.in_(answer_ids), AnswerRow.removed_at.is_(None))
    db.execute(gone.values(removed_at=at, content=b""))
