"""Subscribers who went on under another id: what is needed to find them, and who is meant by an id (section 7)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.tables import ClientRow, ClientStatusRow, ClientSuccessionRow, ClientVersionRow

if TYPE_CHECKING:
    import pandas as pd

_TEXT: Final = ("subscriber_id", "ntn", "cnic_fp", "other_id_fp")
_SHOWN: Final = aliased(ClientVersionRow)  # what the client's row says
_SEEN: Final = aliased(ClientVersionRow)  # each list that named him, or left him out


def vanished(db: Session, isp: str) -> pd.DataFrame:
    """Clients with a current status who have left the list: subscriber_id, ntn, cnic_fp, other_id_fp, list_seq."""
    return _listed(db, isp, is_listed=False, has_status=True, seq=func.max(_SEEN.seq), action="absent")


def arrived(db: Session, isp: str) -> pd.DataFrame:
    """Clients on the list without a status yet, with the number of the first list that named them."""
    return _listed(db, isp, is_listed=True, has_status=False, seq=func.min(_SEEN.seq), action="listed")


def newest_ids(db: Session, isp: str) -> dict[str, str]:
    """Every id that was given up -> the one its client has now."""
    pairs = select(ClientSuccessionRow.subscriber_id, ClientSuccessionRow.successor).where(
        ClientSuccessionRow.isp == isp
    )
    following = {row.subscriber_id: row.successor for row in db.execute(pairs)}
    return {old: _last(old, following) for old in following}


def earlier_ids(db: Session, isp: str, subscriber_id: str) -> list[str]:
    """The ids that the client had before, newest first."""
    pairs = select(ClientSuccessionRow.successor, ClientSuccessionRow.subscriber_id).where(
        ClientSuccessionRow.isp == isp
    )
    before = {row.successor: row.subscriber_id for row in db.execute(pairs.order_by(ClientSuccessionRow.run_id))}
    found: list[str] = []
    while (subscriber_id := before.get(subscriber_id, "")) and subscriber_id not in found:
        found.append(subscriber_id)
    return found


def follow(ids: Collection[str], newest: dict[str, str]) -> frozenset[str]:
    """The same clients by the ids they have now."""
    return frozenset(newest.get(one, one) for one in ids)


def _last(subscriber_id: str, following: dict[str, str]) -> str:
    seen = {subscriber_id}
    while (after := following.get(subscriber_id)) is not None and after not in seen:
        seen.add(after)
        subscriber_id = after
    return subscriber_id


def _listed(db: Session, isp: str, *, is_listed: bool, has_status: bool, seq: Any, action: str) -> pd.DataFrame:
    has_one = exists(
        select(ClientStatusRow.id).where(
            ClientStatusRow.isp == ClientRow.isp,
            ClientStatusRow.subscriber_id == ClientRow.subscriber_id,
            ClientStatusRow.ended_run_id.is_(None),
        )
    )
    keys = [
        _SHOWN.ntn_key.label("ntn"),
        _SHOWN.cnic_fingerprint.label("cnic_fp"),
        _SHOWN.other_id_fingerprint.label("other_id_fp"),
    ]
    query = (
        select(ClientRow.subscriber_id, *keys, seq.label("list_seq"))
        .join(_SHOWN, _SHOWN.id == ClientRow.version_id)
        .join(_SEEN, _SEEN.current_id == ClientRow.id)
        .where(
            ClientRow.isp == isp,
            ClientRow.is_in_force.is_(is_listed),
            has_one if has_status else ~has_one,
            _SEEN.action == action,
        )
        .group_by(ClientRow.subscriber_id, _SHOWN.ntn_key, _SHOWN.cnic_fingerprint, _SHOWN.other_id_fingerprint)
        .order_by(ClientRow.subscriber_id)
    )
    return read_frame(db, query, text=_TEXT, whole=("list_seq",))
