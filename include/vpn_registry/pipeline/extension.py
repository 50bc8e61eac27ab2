"""An extension of the campaign's deadline: one more entry of its history (contract section 8)."""

from __future__ import annotations

from datetime import date

from vpn_registry import campaign
from vpn_registry.campaign import Deadline
from vpn_registry.model import pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, deadlines


def enter(exchange: Exchange, ends_on: date, *, source: str, actor: str, reason: str = "") -> Deadline:
    """Record a later deadline, entered today; it is in force from now on for whoever opens the registry.

    `source` is the decision that set it and stands in the history, `reason` and `actor` in the audit trail. Raises
    ValueError, in one sentence, for a date that is no extension.
    """
    at = exchange.now()
    with exchange.registry.writing() as db:
        known = campaign.joined(exchange.campaign, deadlines.history(db, exchange.campaign.slug))
        extended = campaign.extend(known, ends_on, pakistani_day(at), source)
        deadlines.record(db, extended)
        added = extended.deadlines[-1]
        audit.record(
            db,
            actor=actor,
            action="extend_deadline",
            object_type="deadline",
            object_id=f"{added.campaign}/{added.version}",
            detail={"ends_on": ends_on.isoformat(), "source": source, "reason": reason},
            at=at,
        )
    return added
