"""Which clients of an ISP share a deadline, and with it the letters: nearly always all of them.

A client with a later deadline of his own has stages and letters of his own, and stands in no other one
(contract section 8: one notice per campaign, deadline, stage and ISP).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from vpn_registry.campaign import Deadline, deadline_in_force, own_deadlines
from vpn_registry.model import pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import outbox, successions
from vpn_registry.registry.outbox import LastSent, Notice

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Scope:
    """The clients of one ISP under one deadline: `only` one, by his present subscriber id, or ('') all but `others`."""

    isp: str
    deadline: Deadline
    only: str = ""
    others: frozenset[str] = frozenset()

    def of(self, clients: pd.DataFrame) -> pd.DataFrame:
        """The rows of these clients, from a frame with a `subscriber_id` column."""
        who = clients["subscriber_id"]
        return clients[who == self.only if self.only else ~who.isin(self.others)].reset_index(drop=True)

    def last_sent(self, db: Session) -> LastSent | None:
        """The last notice that was sent about these clients."""
        return outbox.last_sent(db, self.isp, self.deadline.campaign, self.deadline.subscriber_id)

    def named_before(self, last: LastSent | None) -> frozenset[str]:
        """Whom that notice named, but those who have a deadline of their own by now."""
        return last.subscribers - self.others if last else frozenset()

    def told_on(self, db: Session, *, before: str | None = None) -> date | None:
        """The latest deadline that a letter may have told for these clients (before the notice of that number)."""
        campaign, who = self.deadline.campaign, self.deadline.subscriber_id
        told = [outbox.told_on(db, self.isp, campaign, one, before=before) for one in {"", who}]
        return max((day for day in told if day is not None), default=None)


def scopes(exchange: Exchange, db: Session, isp: str) -> list[Scope]:
    """The scopes of an ISP today, that of the ISP first."""
    today = pakistani_day(exchange.now())
    newest = successions.newest_ids(db, isp)
    own = {newest.get(who, who): deadline for who, deadline in own_deadlines(exchange.campaign, today, isp).items()}
    usual = Scope(isp, deadline_in_force(exchange.campaign, today, isp), others=frozenset(own))
    return [usual, *(Scope(isp, deadline, only=who) for who, deadline in own.items())]


def scope_of(exchange: Exchange, db: Session, notice: Notice) -> Scope:
    """The clients a notice is about, by the deadline it was planned for."""
    usual = scopes(exchange, db, notice.isp)[0]
    planned = next((one for one in exchange.campaign.deadlines if one.version == notice.deadline_version), None)
    if planned is None or not planned.subscriber_id:
        return usual
    only = successions.newest_ids(db, notice.isp).get(planned.subscriber_id, planned.subscriber_id)
    return Scope(notice.isp, planned, only=only)
