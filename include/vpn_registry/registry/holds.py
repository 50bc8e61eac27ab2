"""Why an accepted file about clients waits for a person before it counts (contract section 3, responses)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vpn_registry.model import TO_REGISTER, Delivery, Feed
from vpn_registry.registry import deciding
from vpn_registry.registry.tables import ClientRow, ClientStatusRow, ClientVersionRow

RATIO: Final = 0.10
ROWS: Final = 10
"""A file that concerns more than both of these is held."""


def answers_about(db: Session, isp: str, answered: Collection[str]) -> str | None:
    """Why a responses file has to be held, as a sentence: it answers about too many of the clients to register."""
    query = select(ClientStatusRow.subscriber_id).where(
        ClientStatusRow.isp == isp, ClientStatusRow.ended_run_id.is_(None), ClientStatusRow.status.in_(TO_REGISTER)
    )
    to_register = frozenset(db.scalars(query))
    count = len(to_register.intersection(answered))
    if not _is_many(count, len(to_register)):
        return None
    return f"It answers about {count} of {len(to_register)} clients to register."


def turned_to_no(db: Session, delivery: Delivery, without_vpn: Collection[str]) -> str | None:
    """Why a client list has to be held: it turns too many clients from vpn_use yes to no; `without_vpn` say no now."""
    if delivery.name is None:
        return None
    closing = deciding.newest_closing(db, delivery.isp, Feed.CLIENTS)
    query = (
        select(ClientRow.subscriber_id, deciding.decided_seq(ClientRow, ClientRow.subscriber_id, closing))
        .join(ClientVersionRow, ClientVersionRow.id == ClientRow.version_id)
        .where(ClientRow.isp == delivery.isp, ClientRow.is_in_force, ClientVersionRow.vpn_use == "yes")
    )
    said_yes = db.execute(query).all()
    # What a higher number has decided already, this file leaves alone.
    open_to_it = {who for who, decided_seq in said_yes if decided_seq < delivery.name.seq}
    count = len(open_to_it.intersection(without_vpn))
    if not _is_many(count, len(said_yes)):
        return None
    return f"It turns {count} of {len(said_yes)} clients from yes to no."


def _is_many(count: int, whole: int) -> bool:
    return count > RATIO * whole and count > ROWS
