"""Merging a verdict's good rows into the registry, whichever feed they are of, and foretelling what that would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from vpn_registry.model import Delivery, Effect, Feed
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import merge, responses
from vpn_registry.rulebook import KEYS
from vpn_registry.rulebook.responses import FREE_WORDS, struck_out
from vpn_registry.validation import Verdict, with_keys

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

CHANGES: Final = frozenset({Effect.CREATED, Effect.CHANGED, Effect.CLOSED, Effect.REINSTATED})


def merge_rows(
    exchange: Exchange, db: Session, delivery: Delivery, verdict: Verdict
) -> tuple[pd.DataFrame | None, int]:
    """Merge the good rows; the effects of registrations, and how many rows changed something current."""
    keys, at = exchange.registry.keys, exchange.now()
    column = verdict.frame[KEYS[verdict.feed]]
    rows, rejected = with_keys(verdict, verdict.is_merged), column[verdict.rejected].tolist()
    if verdict.feed is Feed.RESPONSES:
        words = {name: rows[name].map(struck_out) for name in FREE_WORDS}
        return None, responses.merge_responses(db, delivery, rows.assign(**words), at=at)
    if verdict.feed is Feed.CLIENTS:
        counts = merge.merge_clients(
            db, keys, delivery, rows, at=at, may_close=verdict.may_close, protected_ids=rejected
        )
        return None, sum(count for effect, count in counts.items() if effect in CHANGES or effect == "left")
    repeated = _repeated_withdrawals(verdict, rows)
    effects = merge.merge_registrations(
        db,
        keys,
        delivery,
        pd.concat([rows, repeated]),
        at=at,
        may_close=verdict.may_close,
        protected_refs=rejected,
        confirmed_refs=column[verdict.duplicate].tolist(),
    )
    closed = int(effects.attrs["closed_absent"])
    effects = effects[~effects["row"].isin(repeated["row"])].reset_index(drop=True)
    return effects, int(effects["effect"].isin([str(e) for e in CHANGES]).sum()) + closed


def _repeated_withdrawals(verdict: Verdict, merged: pd.DataFrame) -> pd.DataFrame:
    """Rows that withdraw what is withdrawn already, one a key.

    They count as duplicates and change nothing current, but their number decides and stays on record: a lower one that
    was held may be released later, and must not bring back what a higher one has withdrawn.
    """
    key = KEYS[verdict.feed]
    rows = with_keys(verdict, verdict.duplicate & (verdict.frame["action"] == "withdraw").to_numpy(dtype=bool))
    return rows[~rows[key].isin(merged[key])].drop_duplicates(key)


def foretell(exchange: Exchange, db: Session, delivery: Delivery, verdict: Verdict) -> pd.DataFrame | None:
    """What each registration of a file in the test zone would do: merged, and taken back at once.

    Only numbers that are issued already are told; a new registration gets its own when it is filed.
    """
    with db.begin_nested() as attempt:
        effects, _ = merge_rows(exchange, db, delivery, verdict)
        attempt.rollback()
    if effects is None:
        return None
    return effects.assign(national_no=effects["national_no"].where(effects["effect"] != Effect.CREATED, ""))
