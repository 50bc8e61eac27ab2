"""How many clients will still be unregistered when the deadline comes, from how their number fell lately. Pure.

A straight line through the last fourteen days, no more: campaigns end in a rush, so that the figure is a warning of
what happens if nothing changes and no promise. It decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean, stdev
from typing import Final

WINDOW_DAYS: Final = 14
LEAST_DAYS: Final = 3
"""With fewer daily changes than this nothing is said."""
Z: Final = 1.2816
"""The normal quantile that leaves a tenth on either side: the interval holds four times in five."""

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Clients at the deadline: the expected count, and the interval in which it lies four times in five."""

    expected: int
    low: int
    high: int


def forecast(history: Iterable[tuple[date, int]], deadline: date) -> Forecast | None:
    """The count at the end of `deadline`, from dated counts (in any order; of two for one day the later stands).

    A day without a count keeps that of the day before. None when the last fourteen days hold too few changes to tell;
    at or after the deadline it is the count itself.
    """
    counts = dict(history)
    if not counts:
        return None
    last_on = max(counts)
    last, days_left = counts[last_on], (deadline - last_on).days
    if days_left <= 0:
        return Forecast(last, last, last)
    falls = [before - after for before, after in pairwise(_daily(counts, last_on))]
    if len(falls) < LEAST_DAYS:
        return None
    expected = last - fmean(falls) * days_left
    # The days to come vary as the past ones did, and the mean of the past ones is itself uncertain.
    spread = Z * stdev(falls) * math.sqrt(days_left * (1 + days_left / len(falls)))
    return Forecast(
        max(0, round(expected)), max(0, math.floor(expected - spread)), max(0, math.ceil(expected + spread))
    )


def _daily(counts: dict[date, int], last_on: date) -> Iterator[int]:
    """One count a day of the window; days before the first count are left out."""
    known: int | None = None
    for day in sorted(counts):
        if day <= last_on - WINDOW_DAYS * _DAY:
            known = counts[day]
    day = max(min(counts), last_on - WINDOW_DAYS * _DAY)
    while day <= last_on:
        known = counts.get(day, known)
        if known is not None:
            yield known
        day += _DAY
