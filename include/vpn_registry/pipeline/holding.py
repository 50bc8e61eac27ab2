"""Why an accepted file waits for a person before it counts (contract sections 3 and 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vpn_registry.model import TAKEN, Delivery, Feed
from vpn_registry.pipeline import reconcile
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import holds, merge
from vpn_registry.roster import Isp
from vpn_registry.rulebook import KEYS
from vpn_registry.validation import Verdict

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def reasons_to_hold(exchange: Exchange, db: Session, isp: Isp, delivery: Delivery, verdict: Verdict) -> dict[str, str]:
    """Code of the file rule -> the sentence that says how much the file would change; empty to go on.

    Nothing in the test zone is held, and nothing that is refused anyway.
    """
    if delivery.is_check_only or verdict.outcome not in TAKEN:
        return {}
    reasons = {"F302": _shrink(db, isp, delivery, verdict)}
    taken = verdict.frame[verdict.is_merged]
    if verdict.feed is Feed.CLIENTS:
        without_vpn = taken.loc[taken["vpn_use"] == "no", "subscriber_id"]
        reasons["F306"] = holds.turned_to_no(db, delivery, without_vpn.tolist())
    if verdict.feed is Feed.RESPONSES:
        # A list that came a moment ago decides whom the answers may concern.
        reconcile.refresh(exchange, db, isp.slug)
        reasons["F305"] = holds.answers_about(db, isp.slug, taken["subscriber_id"].tolist())
    return {code: reason for code, reason in reasons.items() if reason}


def _shrink(db: Session, isp: Isp, delivery: Delivery, verdict: Verdict) -> str | None:
    """Why the delivery must wait for a person, because it would close too much."""
    if verdict.feed is Feed.RESPONSES:
        return None
    keys = verdict.frame[KEYS[verdict.feed]]
    withdrawn: Sequence[str] = ()
    if verdict.feed is Feed.REGISTRATIONS:
        withdrawn = keys[verdict.is_merged & (verdict.frame["action"] == "withdraw").to_numpy()].tolist()
    return merge.shrink(
        db,
        delivery,
        named=keys.tolist(),
        withdrawn=withdrawn,
        may_close=verdict.may_close,
        ratio=isp.shrink_ratio,
        rows=isp.shrink_rows,
    )
