"""Who is one party over all ISPs: rows that share a tax number, an identity card, another document, or an ISP's
subscriber id, directly or over others."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from vpn_registry.reconciliation.spans import Ints

NATIONAL_KEYS: Final = ("ntn", "cnic_fp", "other_id_fp")
"""Columns that mean the same party with every ISP."""


def parties(rows: pd.DataFrame) -> Ints:
    """A number per row, equal for rows of one party.

    `rows`: `isp`, `subscriber_id` and NATIONAL_KEYS as text, '' for nothing; an empty key joins nobody.
    """
    own = rows["isp"].astype("str") + "/" + rows["subscriber_id"].astype("str")
    keys = [own.where(rows["subscriber_id"] != "", ""), *(rows[name].astype("str") for name in NATIONAL_KEYS)]
    return linked(len(rows), *(_codes(key) for key in keys))


def linked(rows: int, *links: Ints) -> Ints:
    """The lowest row number that each row is joined to: rows with an equal code in one of `links` (negative: none)
    belong together, and so do rows joined by way of others."""
    number = np.arange(rows, dtype=np.int64)
    while True:
        before = number.copy()
        for codes in links:
            given = np.flatnonzero(codes >= 0)
            lowest = np.full(codes.max(initial=-1) + 1, rows, dtype=np.int64)
            np.minimum.at(lowest, codes[given], number[given])
            number[given] = np.minimum(number[given], lowest[codes[given]])
        # Whoever stands for a row may stand for less than itself by now: chains halve with each round.
        number = number[number]
        if np.array_equal(number, before):
            return number


def _codes(key: pd.Series[str]) -> Ints:
    codes, texts = pd.factorize(key)
    return np.where(np.asarray(texts == "")[codes], -1, codes).astype(np.int64)
