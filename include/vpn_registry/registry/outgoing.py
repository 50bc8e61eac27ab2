"""How long files lie in the ISPs' `outgoing/`: they leave it 90 days after they were written (contract section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from vpn_registry.registry.tables import AnswerRow

KEPT_FOR: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file whose time in `outgoing/` is over; `is_replaced` when a later one stands under its name there."""

    answer_id: int
    path: str
    is_replaced: bool


def _is_old(now: datetime) -> tuple[Any, ...]:
    return AnswerRow.written_at <= now - KEPT_FOR, AnswerRow.removed_at.is_(None)


def isps_with_old_files(db: Session, now: datetime) -> list[str]:
    """The ISPs in whose zone something lies longer than it is kept, sorted."""
    return sorted(db.scalars(select(AnswerRow.isp).where(*_is_old(now)).distinct()))


def old_files(db: Session, isp: str, now: datetime) -> list[OldFile]:
    """What has lain in an ISP's `outgoing/` longer than it is kept, oldest first."""
    later = aliased(AnswerRow)
    stays = later.written_at.is_(None) | (later.written_at > now - KEPT_FOR)
    replaced = exists().where(later.isp == AnswerRow.isp, later.path == AnswerRow.path, later.id > AnswerRow.id, stays)
    query = select(AnswerRow.id, AnswerRow.path, replaced).where(AnswerRow.isp == isp, *_is_old(now))
    return [OldFile(*row) for row in db.execute(query.order_by(AnswerRow.id))]


def files_removed(db: Session, answer_ids: Sequence[int], at: datetime) -> None:
    """Note that files are gone from `outgoing/`; their bytes go with them, for nobody needs a second copy."""
    gone = update(AnswerRow).where(AnswerRow.id.in_(answer_ids), AnswerRow.removed_at.is_(None))
    db.execute(gone.values(removed_at=at, content=b""))
