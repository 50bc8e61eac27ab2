"""What a notice is about: which clients stand in it, and whether there is anything to tell. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd

from vpn_registry.campaign import working_day_after
from vpn_registry.model import COMPARABLE, COVERED, TO_REGISTER, Status

COLUMNS: Final = ("subscriber_id", "client_name", "status", "reason")
REGISTERING: Final = "registering"
"""Stands in place of the status while an ISP's answer `registering` is being waited for."""
MUTED: Final = "muted"
"""Stands in place of the status of a client of whom no letter speaks for now, because a person said so."""
PATIENCE_WORKING_DAYS: Final = 10
"""How long `registering` is waited for, and how long a review may be undecided before the ISP is asked."""
REVIEW_FROM: Final = -14
"""From this offset on an undecided review is put to the ISP."""

_PART_A: Final = (Status.UNREGISTERED, Status.EXPIRED, Status.WITHDRAWN, Status.REJECTED)
_PART_B: Final = (Status.EXPIRING, Status.MISMATCH, Status.UNDECLARED)
_UNSETTLED: Final = (Status.DISPUTED.value, Status.REVIEW.value, Status.NOT_COMPARABLE.value, MUTED)


class Purpose(StrEnum):
    """What a stage comes to for one ISP."""

    NOTICE = "notice"
    NOTHING_OUTSTANDING = "nothing_outstanding"
    NOTHING_TO_TELL = "nothing_to_tell"


@dataclass(frozen=True, slots=True)
class Tally:
    """Clients of one ISP by reconciliation (contract section 7)."""

    to_register: int
    covered: int
    comparable: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The clients of a notice, as frames with COLUMNS: Part A, to register, and Part B, please check."""

    to_register: pd.DataFrame
    to_check: pd.DataFrame

    @property
    def subscribers(self) -> frozenset[str]:
        return frozenset(self.to_register["subscriber_id"]) | frozenset(self.to_check["subscriber_id"])


@dataclass(frozen=True, slots=True)
class Progress:
    """Since the ISP's last notice, of that number and day: clients named now and not then, and clients named then and
    settled since."""

    new: int
    resolved: int
    since_no: str = ""  # '' in letters that were composed before they named it
    since_on: date | None = None


def tally(statuses: pd.DataFrame) -> Tally:
    """The counts behind brakes and letters, from a frame with a `status` column."""
    counts = statuses["status"].value_counts()

    def total(wanted: Collection[Status]) -> int:
        return int(sum(counts.get(status.value, 0) for status in wanted))

    return Tally(total(TO_REGISTER), total(COVERED), total(COMPARABLE))


def hide(statuses: pd.DataFrame, muted: Collection[str]) -> pd.DataFrame:
    """The same frame with MUTED in place of the status of those of these clients whom a letter could name."""
    namable = [status.value for status in (*_PART_A, *_PART_B, Status.REVIEW)]
    is_muted = statuses["subscriber_id"].isin(list(muted)) & statuses["status"].isin(namable)
    return statuses.assign(status=statuses["status"].mask(is_muted, MUTED))


def no_parts() -> Parts:
    """The parts of a letter that names nobody."""
    nobody = pd.DataFrame({name: pd.Series([], dtype="str") for name in COLUMNS})
    return Parts(nobody, nobody)


def select_parts(
    statuses: pd.DataFrame,
    *,
    offset: int,
    today: date,
    holidays: Collection[date],
    registering: Mapping[str, date] | None = None,
    review_since: Mapping[str, date] | None = None,
) -> Parts:
    """Parts A and B of the notice at stage `offset`, from one ISP's statuses (a frame with COLUMNS).

    `registering` maps the clients the ISP said it is registering to the day of its (first) answer: they are in B
    for 10 working days instead of A. `review_since` maps clients under review to the day it began.
    """
    status = statuses["status"]
    subscriber = statuses["subscriber_id"]
    awaited = [who for who, since in (registering or {}).items() if today <= _patience(since, holidays)]
    is_awaited = status.isin([one.value for one in _PART_A]) & subscriber.isin(awaited)
    is_a = status.isin([one.value for one in _PART_A]) & ~is_awaited
    is_b = status.isin([one.value for one in _PART_B]) | is_awaited
    if offset >= REVIEW_FROM:
        overdue = [who for who, since in (review_since or {}).items() if today >= _patience(since, holidays)]
        is_b |= (status == Status.REVIEW.value) & subscriber.isin(overdue)
    named = statuses[list(COLUMNS)].assign(status=status.mask(is_awaited, REGISTERING))
    return Parts(ordered(named[is_a]), ordered(named[is_b]))


def purpose_of(parts: Parts, statuses: pd.DataFrame, named_before: Collection[str]) -> Purpose:
    """Whether a notice goes out; `named_before` are the subscribers of the ISP's last sent notice.

    "Nothing outstanding" goes once: it names nobody, so that the next time nobody was named before. A client in
    dispute, under review or on a list too old to compare is not resolved, and of one who is muted nothing is said.
    """
    if parts.subscribers:
        return Purpose.NOTICE
    is_open = (statuses["status"] == MUTED).any() or _unsettled(statuses) & frozenset(named_before)
    if named_before and not is_open:
        return Purpose.NOTHING_OUTSTANDING
    return Purpose.NOTHING_TO_TELL


def since_last(
    parts: Parts, statuses: pd.DataFrame, named_before: Collection[str], *, number: str, dated_on: date
) -> Progress:
    """What changed since the ISP's last sent notice `number`, which named `named_before`."""
    before, now = frozenset(named_before), parts.subscribers
    return Progress(len(now - before), len(before - now - _unsettled(statuses)), number, dated_on)


def _patience(since: date, holidays: Collection[date]) -> date:
    return working_day_after(since, PATIENCE_WORKING_DAYS, holidays)


def _unsettled(statuses: pd.DataFrame) -> frozenset[str]:
    return frozenset(statuses.loc[statuses["status"].isin(_UNSETTLED), "subscriber_id"])


def ordered(named: pd.DataFrame) -> pd.DataFrame:
    """The clients of a part as letters list them: by status in the order of the contract, then by subscriber."""
    order = [status.value for status in (*_PART_A, *_PART_B, Status.REVIEW)] + [REGISTERING]
    place = named["status"].map({status: number for number, status in enumerate(order)})
    return named.iloc[np.lexsort([named["subscriber_id"].to_numpy(dtype=object), place.to_numpy()])].reset_index(
        drop=True
    )
