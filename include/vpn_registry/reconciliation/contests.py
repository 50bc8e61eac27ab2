"""Addresses that several clients claim, whichever ISPs registered them (contract section 6).

Sorted searches on whole columns: a gateway that ten thousand registrations name costs no more than ten thousand
addresses, because rivals are counted and never listed in pairs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from vpn_registry.reconciliation import spans
from vpn_registry.reconciliation.parties import linked, parties
from vpn_registry.reconciliation.spans import Bools, Ints, Spans

SPAN_COLUMNS: Final = ("registration_id", "first", "last")
PARTY_COLUMNS: Final = ("registration_id", "isp", "subscriber_id", "ntn", "cnic_fp", "other_id_fp")


def crowded(claims: pd.DataFrame) -> Ints:
    """The registrations that share an address with any other registration, sorted; `claims` has SPAN_COLUMNS."""
    line, ids = _on_a_line(claims)
    return ids[_has_rivals(line, np.arange(line.rows, dtype=np.int64))]


def contested(claims: pd.DataFrame, filed: pd.DataFrame) -> dict[int, int]:
    """Registration -> a number that is equal for all whose contested addresses hang together.

    A registration is contested when one of another party claims an address of it. `claims` has SPAN_COLUMNS, `filed`
    PARTY_COLUMNS, one row for each registration in `claims`; others only tell who is one party.
    """
    line, ids = _on_a_line(claims)
    numbers = pd.Series(parties(filed.reset_index(drop=True)), index=filed["registration_id"].to_numpy())
    party = numbers.loc[list(ids)].to_numpy(dtype=np.int64)
    is_contested = _has_rivals(line, party)
    rivals = line.within(is_contested)
    if not len(rivals.owner):
        return {}
    stretch = _stretches(rivals)
    places = np.arange(len(stretch))
    joined = linked(len(places), rivals.owner, stretch)
    number = np.full(line.rows, -1, dtype=np.int64)
    number[rivals.owner[places]] = joined
    return dict(zip(ids[is_contested].tolist(), number[is_contested].tolist(), strict=True))


def _on_a_line(claims: pd.DataFrame) -> tuple[Spans, Ints]:
    """The claims by rank among themselves (128 bits don't fit a number), with the registration behind each row."""
    owner, ids = pd.factorize(claims["registration_id"].to_numpy(dtype=np.int64), sort=True)
    first, last = (claims[name].to_numpy(dtype="S32") for name in ("first", "last"))
    ranks = np.unique(np.concatenate([first, last]))
    line = Spans(len(ids), owner.astype(np.int64), np.searchsorted(ranks, first), np.searchsorted(ranks, last))
    return line, np.asarray(ids, dtype=np.int64)


def _has_rivals(line: Spans, party: Ints) -> Bools:
    """Per registration: whether more claims overlap one of its own than its party's."""
    everybody = np.zeros(line.rows, dtype=np.int64)
    rivals = spans.count_overlaps(line, everybody, line, everybody) > spans.count_overlaps(line, party, line, party)
    found = np.zeros(line.rows, dtype=bool)
    found[line.owner[rivals]] = True
    return found


def _stretches(line: Spans) -> Ints:
    """Per span: the number of the unbroken stretch of overlapping spans in which it lies."""
    order = np.argsort(line.first, kind="stable")
    reach = np.maximum.accumulate(line.last[order])
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = line.first[order][1:] > reach[:-1]
    stretch = np.empty(len(order), dtype=np.int64)
    stretch[order] = np.cumsum(begins) - 1
    return stretch
