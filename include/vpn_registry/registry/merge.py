"""Merging judged rows into the registry: registrations with their national numbers, and client lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Final, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy import Integer, String, Table, and_, func, literal, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, Effect, Feed, Mode, pakistani_day
from vpn_registry.registry import books, deciding
from vpn_registry.registry.bulk import TEXT, read_frame, read_texts
from vpn_registry.registry.counters import issue
from vpn_registry.registry.keys import KeyRing
from vpn_registry.registry.merge_task import PLAN, ROWS, Book
from vpn_registry.registry.tables import (
    ClientRow,
    ClientVersionRow,
    RegistrationRow,
    RegistrationVersionRow,
)

_BOOKKEEPING: Final = (
    "id", "current_id", "row", "seq", "action", "is_overtaken", "delivery_id", "learnt_at", "content_sha256",
    "erased_at",
)  # fmt: skip


def _book(feed: Feed, current: Any, versions: Any, key: str) -> Book:
    table = cast("Table", versions.__table__)
    return Book(feed, cast("Table", current.__table__), table, key, books.content_columns(table, _BOOKKEEPING))


REGISTRATIONS: Final = _book(Feed.REGISTRATIONS, RegistrationRow, RegistrationVersionRow, "registration_ref")
CLIENTS: Final = _book(Feed.CLIENTS, ClientRow, ClientVersionRow, "subscriber_id")

DELTA_RATIO: Final = 0.05
DELTA_ROWS: Final = 20
"""A delta that withdraws more than both of these is held (contract section 6)."""


def known_registrations(db: Session, isp: str) -> pd.DataFrame:
    """What the rules on actions compare with: every ref of the ISP, with `is_in_force`, `decided_seq`, `row_sha256`."""
    closing = deciding.newest_closing(db, isp, Feed.REGISTRATIONS)
    return read_frame(
        db,
        select(
            RegistrationRow.registration_ref,
            RegistrationRow.is_in_force,
            deciding.decided_seq(RegistrationRow, RegistrationRow.registration_ref, closing).label("decided_seq"),
            RegistrationRow.content_sha256.label("row_sha256"),
        ).where(RegistrationRow.isp == isp),
        text=("registration_ref", "row_sha256"),
        whole=("decided_seq",),
        flags=("is_in_force",),
    )


def shrink(
    db: Session,
    delivery: Delivery,
    *,
    named: Iterable[str],
    withdrawn: Iterable[str] = (),
    may_close: bool = True,
    ratio: float,
    rows: int,
) -> str | None:
    """Why a delivery has to be held because it would shrink the registry too much, as a sentence; None to go on.

    `named` are all keys the file names in a readable way, also in rejected rows; `withdrawn` those of accepted
    `withdraw` rows. `ratio` and `rows` are the ISP's limits for full files; a delta has the contract's. An ISP's
    first list is never held.
    """
    name = delivery.name
    if name is None:
        return None
    book = CLIENTS if name.feed is Feed.CLIENTS else REGISTRATIONS
    current, closing = book.current, deciding.newest_closing(db, delivery.isp, book.feed)
    decided = deciding.decided_seq(current.c, current.c[book.key], closing)
    in_force = select(current.c[book.key], decided).where(current.c.isp == delivery.isp, current.c.is_in_force)
    known = db.execute(in_force).all()
    if not known:
        return None
    # What a higher number has decided already, this file leaves alone.
    open_keys = {key for key, decided_seq in known if decided_seq < name.seq}
    what = "clients" if book is CLIENTS else "registrations"
    if name.mode is Mode.DELTA:
        closed = len(open_keys.intersection(withdrawn))
        if closed > DELTA_RATIO * len(known) and closed > DELTA_ROWS:
            return f"It withdraws {closed} of {len(known)} {what} in force."
        return None
    closed = len(open_keys.difference(named)) if may_close else 0
    if closed == len(known):
        return f"It names none of the {len(known)} {what} in force: all of them would be closed."
    if closed > ratio * len(known) and closed > rows:
        return f"It leaves out {closed} of {len(known)} {what} in force."
    return None


def merge_registrations(
    db: Session,
    keys: KeyRing,
    delivery: Delivery,
    rows: pd.DataFrame,
    *,
    at: datetime,
    may_close: bool,
    protected_refs: Collection[str] = (),
    confirmed_refs: Collection[str] = (),
) -> pd.DataFrame:
    """Merge the accepted rows of one delivery; what each did, in the order of its rows.

    `rows`: the canonical columns with `ntn_key`, `cnic_key`, `other_id_key` (canonical plain text, hashed and
    encrypted here), `row_sha256` and `row`. `may_close` matters for full files. `protected_refs` stand in rejected
    rows and keep their state; `confirmed_refs` in rows that repeat what is in force (`duplicate`): their number moves
    on, so that a late lower one doesn't win.
    Returns `row`, `registration_ref`, `subscriber_id`, `national_no`, `action`, `effect`; `attrs["closed_absent"]` is
    the number of registrations a full file closed by leaving them out.
    """
    is_full = delivery.name is not None and delivery.name.mode is Mode.FULL
    closed = books.merge(
        db, REGISTRATIONS, delivery, _keys(REGISTRATIONS, rows), _content(REGISTRATIONS, keys, rows), at=at,
        closes_absent=is_full and may_close, kept=protected_refs, confirmed=confirmed_refs,
    )  # fmt: skip
    _issue_national_numbers(db, at)
    effects = _effects(db, delivery, rows)
    effects.attrs["closed_absent"] = closed
    return effects


def merge_clients(
    db: Session,
    keys: KeyRing,
    delivery: Delivery,
    rows: pd.DataFrame,
    *,
    at: datetime,
    may_close: bool,
    protected_ids: Collection[str] = (),
) -> dict[str, int]:
    """Merge an accepted client list: counts of rows by effect, and `left`, the clients it doesn't name any more."""
    left = books.merge(
        db, CLIENTS, delivery, _keys(CLIENTS, rows), _content(CLIENTS, keys, rows), at=at,
        closes_absent=may_close, kept=protected_ids, confirmed=(),
    )  # fmt: skip
    counted = db.execute(select(PLAN.c.effect, func.count()).group_by(PLAN.c.effect).order_by(PLAN.c.effect))
    counts = Counter({row[0]: row[1] for row in counted})
    counts[Effect.UNCHANGED.value] += len(rows) - counts.total()
    return {**{effect: count for effect, count in counts.items() if count}, "left": left}


def _keys(book: Book, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "row": rows["row"].to_numpy(),
            "key": _text(rows[book.key]),
            "is_closing": (rows["action"] == "withdraw").to_numpy(dtype=bool) if book is REGISTRATIONS else False,
            "content_sha256": _text(rows["row_sha256"]),
        }
    )


def _content(book: Book, keys: KeyRing, rows: pd.DataFrame) -> Callable[[pd.Series[int]], pd.DataFrame]:
    """Given numbers of rows, their content; only what is kept as a version is encrypted."""

    def content_of(numbers: pd.Series[int]) -> pd.DataFrame:
        return _staged(book, keys, rows[rows["row"].isin(numbers)])

    return content_of


def _staged(book: Book, keys: KeyRing, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows as the temporary table wants them: identity numbers as fingerprint and ciphertext, nothing of them plain."""
    staged: dict[str, Any] = {"row": rows["row"].to_numpy()}
    staged["action"] = _text(rows["action"]) if book is REGISTRATIONS else "listed"
    for name in ("cnic", "other_id"):
        canonical = _text(rows[f"{name}_key"])
        filed = _text(rows[name])
        staged[f"{name}_fingerprint"] = _mapped(canonical, keys.fingerprint)
        staged[f"{name}_cipher"] = _mapped(filed.where(filed != "", canonical), keys.encrypt_text)
    ntn_key = _text(rows["ntn_key"])
    staged["ntn_key"] = ntn_key
    # 13 digits in the ntn column are a cnic: without a key of its own that column is not stored.
    staged["ntn"] = _text(rows["ntn"]).where(ntn_key != "", "")
    for name in book.content:
        if name not in staged:
            staged[name] = _text(rows[name])
    return pd.DataFrame(staged)


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(TEXT).fillna("").reset_index(drop=True)


def _mapped(column: pd.Series[Any], change: Any) -> pd.Series[Any]:
    """`change` applied once to each distinct value; '' stays ''."""
    codes, values = pd.factorize(column)
    changed = pd.Series(["" if value == "" else change(value) for value in values], dtype=TEXT)
    return changed.take(codes).reset_index(drop=True)


def _issue_national_numbers(db: Session, at: datetime) -> None:
    """A number for each registration that got content and has none yet, in the order of the rows."""
    current = REGISTRATIONS.current
    unnumbered = (
        select(PLAN.c.current_id, func.row_number().over(order_by=PLAN.c.row).label("place"))
        .join(current, current.c.id == PLAN.c.current_id)
        .where(current.c.national_no.is_(None), current.c.content_seq.is_not(None), ~PLAN.c.is_closing)
        .subquery()
    )
    count = db.scalar(select(func.count()).select_from(unnumbered)) or 0
    if not count:
        return
    year = pakistani_day(at).year
    before = issue(db, f"VPN-{year}", count)
    digits = sa.cast(literal(before, Integer) + unnumbered.c.place, String)
    padded = func.substr(literal("0000000").concat(digits), func.length(digits) + 1)
    db.execute(
        update(current)
        .where(current.c.id == unnumbered.c.current_id)
        .values(national_no=literal(f"VPN-{year}-").concat(padded))
    )


def _effects(db: Session, delivery: Delivery, rows: pd.DataFrame) -> pd.DataFrame:
    current, versions = REGISTRATIONS.current, REGISTRATIONS.versions
    planned = read_frame(
        db,
        # A withdraw row needs only the ref: its subscriber is the one of the content it closed.
        select(PLAN.c.row, PLAN.c.effect, versions.c.subscriber_id)
        .join(current, current.c.id == PLAN.c.current_id)
        .outerjoin(versions, and_(PLAN.c.is_closing, versions.c.id == current.c.version_id))
        .order_by(PLAN.c.row),
        text=("effect", "subscriber_id"), whole=("row",),
    )  # fmt: skip
    filed = rows[["row", "registration_ref", "subscriber_id", "action"]].sort_values("row", ignore_index=True)
    place = np.searchsorted(filed["row"].to_numpy(), planned["row"].to_numpy())
    effect = np.full(len(filed), Effect.UNCHANGED.value, dtype=object)
    effect[place] = planned["effect"].to_numpy(dtype=object)
    subscriber = _text(filed["subscriber_id"]).to_numpy(dtype=object)
    subscriber[place] = np.where(
        subscriber[place] == "", planned["subscriber_id"].to_numpy(dtype=object), subscriber[place]
    )
    ref = _text(filed["registration_ref"])
    return pd.DataFrame(
        {
            "row": filed["row"].astype("int64"),
            "registration_ref": ref,
            "subscriber_id": pd.Series(subscriber, dtype=TEXT),
            "national_no": _national_numbers(db, delivery, ref),
            "action": _text(filed["action"]),
            "effect": pd.Series(effect, dtype=TEXT),
        }
    )


def _national_numbers(db: Session, delivery: Delivery, refs: pd.Series[Any]) -> pd.Series[Any]:
    """The number of each ref, '' where it has none."""
    current = REGISTRATIONS.current
    query = select(current.c.registration_ref, current.c.national_no).where(current.c.isp == delivery.isp)
    if delivery.name is None or delivery.name.mode is not Mode.FULL:
        # A full file names nearly the whole book: to read that is quicker than to join it.
        query = query.where(current.c.registration_ref.in_(select(ROWS.c.key)))
    known, numbers = read_texts(db, query)
    found = pc.index_in(pa.array(refs), value_set=known)
    return pd.Series(numbers.take(found).fill_null(""), dtype=TEXT)
