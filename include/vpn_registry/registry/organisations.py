"""Who is one organisation over all ISPs: registrations that share an ntn, cnic or other document, directly or over
others (contract section 6). For the data team only: no ISP may learn that another ISP's registration exists.

Looked up when somebody asks, over the indexes of the keys: what is one organisation follows from the keys that stand in
the books at that moment, and a wrong one that was corrected joins nobody any more.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from sqlalchemy import and_, case, select, union_all
from sqlalchemy.orm import Session

from vpn_registry.registry.tables import ClientRow, ClientVersionRow, RegistrationRow, RegistrationVersionRow

_KEYS: Final = {"ntn": "ntn_key", "cnic": "cnic_fingerprint", "other_id": "other_id_fingerprint"}
_ROUNDS: Final = 6
"""Over so many others a registration may be joined: longer chains are a mistake in the data, not a firm."""
_COLUMNS: Final = (
    "isp", "registration_ref", "national_no", "subscriber_id", "client_name", "state", "valid_from", "valid_to",
)  # fmt: skip


def of_client(db: Session, isp: str, subscriber_ids: list[str]) -> list[dict[str, Any]]:
    """The registrations with any ISP of the organisation that a client (by all his ids) is.

    isp, registration_ref, national_no, subscriber_id, client_name, state, valid_from, valid_to, and `shared`: by which
    keys each is joined.
    """
    listed, filed = ClientVersionRow, RegistrationVersionRow
    own: list[Any] = [
        select(*_keys_of(listed))
        .join(ClientRow, ClientRow.version_id == listed.id)
        .where(ClientRow.isp == isp, ClientRow.subscriber_id.in_(subscriber_ids)),
        select(*_keys_of(filed))
        .join(RegistrationRow, and_(RegistrationRow.id == filed.current_id, RegistrationRow.version_id == filed.id))
        .where(RegistrationRow.isp == isp, filed.subscriber_id.in_(subscriber_ids)),
    ]
    his = known = _given(row for query in own for row in db.execute(query).mappings())
    found = _registrations(db, known)
    for _ in range(_ROUNDS):
        wider = _given(found, known)
        if wider == known:
            break
        known, found = wider, _registrations(db, wider)
    times = {key: Counter(one[key] for one in found if one[key]) for key in _KEYS}
    shared = [[key for key in _KEYS if one[key] in his[key] or times[key][one[key]] > 1] for one in found]
    return [
        {name: one[name] or "" for name in _COLUMNS} | {"shared": ", ".join(keys)}
        for one, keys in zip(found, shared, strict=True)
    ]


def _keys_of(version: Any) -> list[Any]:
    return [getattr(version, column).label(key) for key, column in _KEYS.items()]


def _given(rows: Any, known: dict[str, frozenset[str]] | None = None) -> dict[str, frozenset[str]]:
    """The keys that these rows give, by kind, and those known before."""
    told = list(rows)
    before = known or {key: frozenset[str]() for key in _KEYS}
    return {key: before[key] | {row[key] for row in told if row[key]} for key in _KEYS}


def _registrations(db: Session, keys: dict[str, frozenset[str]]) -> list[dict[str, Any]]:
    """Registrations that show one of these keys, with their own."""
    version, book = RegistrationVersionRow, RegistrationRow
    state = case((book.is_in_force, "in_force"), else_="withdrawn").label("state")
    # One search a kind of key: of an OR over three columns SQLite makes a walk through the whole book.
    sharing = [
        select(version.id).where(getattr(version, column).in_(sorted(keys[key])))
        for key, column in _KEYS.items()
        if keys[key]
    ]
    if not sharing:
        return []
    query = (
        select(
            book.isp, book.registration_ref, book.national_no, version.subscriber_id, version.client_name, state,
            version.valid_from, version.valid_to,
            *_keys_of(version),
        )
        .select_from(version)
        .join(book, and_(book.id == version.current_id, book.version_id == version.id))
        .where(version.id.in_(union_all(*sharing)))
        .order_by(book.isp, book.registration_ref)
    )  # fmt: skip
    return [dict(row) for row in db.execute(query).mappings()]
