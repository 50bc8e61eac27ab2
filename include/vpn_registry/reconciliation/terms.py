"""Registrations by the days on which they hold: lasting, ending, beginning too late, expired, withdrawn.

Text columns hold '' where there is nothing, days are ISO text and compare as such.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from vpn_registry.model import Status
from vpn_registry.reconciliation.spans import Bools

REGISTRATION_COLUMNS: Final = (
    *("registration_ref", "national_no", "subscriber_id", "client_name", "ntn", "cnic_fp", "other_id_fp"),
    *("local_ip", "msisdn", "valid_from", "valid_to", "closed_on"),
)


def tidy(frame: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """These columns as text without missing values, rows numbered from 0."""
    return frame[list(columns)].astype("str").fillna("").reset_index(drop=True)


def ranked(registrations: pd.DataFrame) -> pd.DataFrame:
    """The registrations, tidied, the one that lasts longest first; equal input in any order gives equal output."""
    tidied = tidy(registrations, REGISTRATION_COLUMNS)
    tidied["is_in_force"] = registrations["is_in_force"].to_numpy(dtype=bool)
    ended = tidied["closed_on"].where(~tidied["is_in_force"] & (tidied["closed_on"] != ""), tidied["valid_to"])
    tidied["ends"] = ended.where(ended != "", date.max.isoformat())
    return tidied.sort_values(["ends", "registration_ref"], ascending=[False, True], ignore_index=True)


def lives(registrations: pd.DataFrame, *, today: date, begins_by: date, horizon: date) -> dict[str, Bools]:
    """Masks over the registrations: lasting (outlives the horizon), ending, later (begins late), expired, withdrawn.

    A registration that begins after today but by the deadline counts as in force: nobody is chased for it.
    """
    until, closed_on = registrations["valid_to"], registrations["closed_on"]
    is_open = registrations["is_in_force"].to_numpy(dtype=bool)
    is_past = np.asarray((until != "") & (until < today.isoformat()), dtype=bool)
    is_later = is_open & ~is_past & np.asarray(registrations["valid_from"] > begins_by.isoformat(), dtype=bool)
    is_current = is_open & ~is_past & ~is_later
    outlives = np.asarray((until == "") | (until > horizon.isoformat()), dtype=bool)
    ran_out_first = is_past & np.asarray((closed_on == "") | (until < closed_on), dtype=bool)
    return {
        "lasting": is_current & outlives,
        "ending": is_current & ~outlives,
        "later": is_later,
        Status.EXPIRED: is_past & (is_open | ran_out_first),
        Status.WITHDRAWN: ~is_open & ~ran_out_first,
    }
