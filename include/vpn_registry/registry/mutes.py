"""Mutes: ISPs and clients of whom no letter speaks for a while, because a person said so.

A mute is a decision on a case of its kind, so that it is only added to, and a later decision on the case replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vpn_registry.model import pakistani_day
from vpn_registry.registry import successions
from vpn_registry.registry.cases import MUTE
from vpn_registry.registry.tables import CaseRow, DecisionRow
from vpn_registry.registry.times import UtcDateTime

__all__ = ["LIFT", "MUTE", "Mute", "about", "clients", "history", "in_force", "of_isp"]

LIFT: Final = "lift"
"""The decision that ends a mute before its day."""


@dataclass(frozen=True, slots=True)
class Mute:
    """One decision about an ISP (`subscriber_id` is '') or one of its clients, under the id of that day.

    It mutes from `decided_at` to the end of `until_on`, or until `replaced_at`, when the case was decided anew; a lift
    has no last day and mutes nothing.
    """

    case_id: int
    isp: str
    subscriber_id: str
    outcome: str
    reason: str
    actor: str
    decided_at: datetime
    until_on: date | None
    replaced_at: datetime | None

    @property
    def told(self) -> str:
        """Who mutes until when and why, in one sentence."""
        return f"Muted until {self.until_on} by {self.actor} (case {self.case_id}): {self.reason}"

    def holds_at(self, moment: datetime) -> bool:
        """Whether it keeps letters back at that moment."""
        if self.until_on is None or moment < self.decided_at or pakistani_day(moment) > self.until_on:
            return False
        return self.replaced_at is None or moment < self.replaced_at


def history(db: Session, isp: str | None = None) -> list[Mute]:
    """Every decision on a mute (of one ISP), oldest first."""
    following = func.lead(DecisionRow.decided_at, type_=UtcDateTime())
    next_at = following.over(partition_by=CaseRow.id, order_by=DecisionRow.id)
    query = (
        select(
            *(CaseRow.id, CaseRow.isp, CaseRow.subject, DecisionRow.outcome, DecisionRow.reason, DecisionRow.actor),
            *(DecisionRow.decided_at, DecisionRow.until_on, next_at.label("replaced_at")),
        )
        .join(DecisionRow, DecisionRow.case_id == CaseRow.id)
        .where(CaseRow.kind == MUTE)
        .order_by(DecisionRow.id)
    )
    if isp is not None:
        query = query.where(CaseRow.isp == isp)
    rows: Any = db.execute(query)
    return [Mute(*row) for row in rows]


def in_force(db: Session, at: datetime, isp: str | None = None) -> list[Mute]:
    """What is muted at a moment, oldest first."""
    return [mute for mute in history(db, isp) if mute.holds_at(at)]


def of_isp(db: Session, isp: str, at: datetime) -> Mute | None:
    """The mute of the whole ISP at a moment."""
    return next((mute for mute in in_force(db, at, isp) if not mute.subscriber_id), None)


def clients(db: Session, isp: str, at: datetime) -> frozenset[str]:
    """The clients muted at a moment, by their present ids."""
    muted = [mute.subscriber_id for mute in in_force(db, at, isp) if mute.subscriber_id]
    return frozenset(successions.follow(muted, successions.newest_ids(db, isp))) if muted else frozenset()


def about(db: Session, isp: str, subscriber_ids: Iterable[str]) -> list[Mute]:
    """Every decision that mutes the ISP or a client of one of these ids, or lifts that, oldest first."""
    wanted = {"", *subscriber_ids}
    return [mute for mute in history(db, isp) if mute.subscriber_id in wanted]
