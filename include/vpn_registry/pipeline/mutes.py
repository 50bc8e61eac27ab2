"""Letters that are not to speak of an ISP, or of one of its clients, until a day: a person's word, with a reason.

Stages of a muted ISP wait, as they do for our own backlog, and go once the mute is over unless they have lapsed; of a
muted client letters leave out the name, and nothing else. The registry, its figures and the page show both as ever.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from vpn_registry import notices
from vpn_registry.pipeline import decisions
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import mutes, statuses
from vpn_registry.registry.cases import Case, Decision, DecisionRefusedError

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.orm import Session


def enter(exchange: Exchange, isp: str, until: date, *, reason: str, actor: str, client: str = "") -> Case:
    """Mute an ISP, or one of its clients, up to and including a day; the case under which it is lifted or prolonged.

    Raises DecisionRefusedError, in one sentence, for an ISP or client that is not known, a day that has passed or an
    empty reason.
    """
    if isp not in exchange.isps:
        raise DecisionRefusedError(f"There is no ISP {isp}; `vpnreg isp list` names them.")
    with exchange.registry.reading() as db:
        is_known = not client or client in set(statuses.latest(db, isp)["subscriber_id"])
    if not is_known:
        raise DecisionRefusedError(f"{isp} has no client {client} on its list; a mute of one needs its subscriber id.")
    said = Decision(mutes.MUTE, reason.strip(), actor, exchange.now(), until)
    return decisions.enter(exchange, isp, mutes.MUTE, client, said)


def cause(exchange: Exchange, db: Session, isp: str) -> str | None:
    """Why no letter goes to the ISP for now; None when it is not muted."""
    mute = mutes.of_isp(db, isp, exchange.now())
    return None if mute is None else mute.told


def told(exchange: Exchange, db: Session, isp: str, standing: pd.DataFrame) -> pd.DataFrame:
    """The statuses as letters tell them: whoever is muted stands in no part, and counts as unsettled."""
    return notices.hide(standing, mutes.clients(db, isp, exchange.now()))
