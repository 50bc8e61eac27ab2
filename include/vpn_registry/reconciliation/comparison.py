"""One status a client, with the reason: an ISP's client list against its registrations (contract section 7).

Pure: frames in, frames out; no database, no clock. Nothing here looks at traffic, and no verdict blocks anybody.
Text columns hold '' where there is nothing, days are ISO text. CNIC and other documents come as keyed fingerprints.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from vpn_registry.model import COMPARABLE, COVERED, TO_REGISTER, Status
from vpn_registry.reconciliation.pairing import KEYS, NOBODY, Pairing
from vpn_registry.reconciliation.reasons import Facts, reasons
from vpn_registry.reconciliation.spans import Bools, Ints

RULE_VERSION: Final = "1"
"""Stored with each run; raised whenever the same input may get another status."""
LIST_AGE_DAYS: Final = 35
"""A client list older than this by the date in its name accuses nobody."""
OUTLIVES_DAYS: Final = 30
"""A registration has to outlive the deadline and so many days from today."""
CLIENT_COLUMNS: Final = (
    *("subscriber_id", "client_name", "ntn", "cnic_fp", "other_id_fp", "service_ips", "msisdn"),
    *("service_status", "active_since", "vpn_use"),
)
REGISTRATION_COLUMNS: Final = (
    *("registration_ref", "national_no", "subscriber_id", "client_name", "ntn", "cnic_fp", "other_id_fp"),
    *("local_ip", "msisdn", "valid_from", "valid_to", "closed_on"),
)
STATUS_COLUMNS: Final = ("subscriber_id", "status", "key", "registration_ref", "national_no", "reason", "candidate")


@dataclass(frozen=True, slots=True)
class Cases:
    """Subscriber ids with an open dispute (or `registered_elsewhere`), and those a decision in force exempts."""

    disputed: Collection[str] = ()
    exempt: Collection[str] = ()


@dataclass(slots=True)
class _Verdicts:
    """What is decided so far, per client; `status` is '' while open, `registration` NOBODY without one."""

    status: npt.NDArray[np.object_]
    key: npt.NDArray[np.object_]
    registration: Ints

    @classmethod
    def open(cls, rows: int) -> _Verdicts:
        return cls(np.full(rows, "", object), np.full(rows, "", object), np.full(rows, NOBODY, dtype=np.int64))

    @property
    def is_open(self) -> Bools:
        return np.asarray(self.status == "", dtype=bool)

    def settle(self, where: Bools, status: Status, key: str = "") -> None:
        where = where & self.is_open
        self.status[where] = status.value
        self.key[where] = key

    def settle_with(self, registration: Ints, status: Status, key: str) -> None:
        """Settle the open clients for which a registration was found (its index, else NOBODY)."""
        found = (registration != NOBODY) & self.is_open
        self.registration[found] = registration[found]
        self.settle(found, status, key)


def compare(
    clients: pd.DataFrame,
    registrations: pd.DataFrame,
    *,
    deadline: date,
    today: date,
    list_on: date | None,
    elsewhere: pd.DataFrame | None = None,
    last_rejected: Mapping[str, tuple[int, int]] | None = None,
    cases: Cases | None = None,
) -> pd.DataFrame:
    """One row a client, in the order of `clients`, with STATUS_COLUMNS; `key` says which key decided.

    `clients` has CLIENT_COLUMNS, `registrations` (of the same ISP, ended ones too) REGISTRATION_COLUMNS and the bool
    `is_in_force`. `elsewhere` has the columns key ("ntn", "cnic", "other_id") and value: keys registered with other
    ISPs. `last_rejected` maps a subscriber to the delivery and row that refused its last registration. `list_on` is
    the day the client list describes. `candidate` is the nearest registration that did not decide.
    """
    clients = tidy(clients, CLIENT_COLUMNS)
    cases = cases or Cases()
    rejected = last_rejected or {}
    horizon = max(deadline, today + timedelta(days=OUTLIVES_DAYS))
    registrations = _ranked(registrations)
    pairing = Pairing(clients, registrations)
    stage = _lives(registrations, today=today, begins_by=max(deadline, today), horizon=horizon)
    verdicts = _Verdicts.open(len(clients))
    subscriber = clients["subscriber_id"]

    verdicts.settle(_isin(subscriber, cases.disputed), Status.DISPUTED, "case")
    verdicts.settle(_isin(subscriber, cases.exempt), Status.EXEMPT, "case")
    _settle_pairs(verdicts, pairing, stage["lasting"], Status.REGISTERED)
    _settle_pairs(verdicts, pairing, stage["ending"], Status.EXPIRING)
    in_force = stage["lasting"] | stage["ending"]
    for key in KEYS:
        verdicts.settle_with(pairing.best(key, in_force), Status.MISMATCH, key)
    serves = ~_isin(clients["service_status"], ("terminated", "suspended"))
    verdicts.settle(~serves | _isin(clients["vpn_use"], ("no",)), Status.EXEMPT, "client list")
    if list_on is None or (today - list_on).days > LIST_AGE_DAYS:
        verdicts.settle(verdicts.is_open, Status.NOT_COMPARABLE)
    contested = pairing.any_by_address(in_force)
    verdicts.settle(contested.address != NOBODY, Status.REVIEW, "address")
    verdicts.settle(contested.number != NOBODY, Status.REVIEW, "msisdn")
    verdicts.settle(_is_elsewhere(clients, elsewhere), Status.REVIEW, "elsewhere")
    verdicts.settle(_isin(subscriber, rejected), Status.REJECTED, "subscriber_id")
    for status in (Status.EXPIRED, Status.WITHDRAWN):
        for key in KEYS:
            verdicts.settle_with(pairing.best(key, stage[status]), status, key)
        _settle_by_address(verdicts, pairing, stage[status], status)
    verdicts.settle(~_isin(clients["vpn_use"], ("yes",)), Status.UNDECLARED)
    verdicts.settle(verdicts.is_open, Status.UNREGISTERED)

    candidate = np.where(verdicts.registration == NOBODY, pairing.nearest(contested), NOBODY)
    decided = np.flatnonzero(verdicts.registration != NOBODY)
    is_other_line = np.zeros(len(clients), dtype=bool)
    is_other_line[decided] = pairing.names_another_line(decided, verdicts.registration[decided])
    facts = Facts(
        clients=clients,
        registrations=registrations,
        registration=verdicts.registration,
        candidate=candidate,
        names_another_line=is_other_line,
        begins_late=stage["later"],
        rejected=rejected,
        list_on=list_on,
        horizon=horizon,
    )
    return _table(verdicts, facts)


def orphans(clients: pd.DataFrame, registrations: pd.DataFrame, today: date) -> pd.DataFrame:
    """The registrations in force on that day that pair with no client of the list, by any key, address or number."""
    registrations = _ranked(registrations)
    pairing = Pairing(tidy(clients, CLIENT_COLUMNS), registrations)
    stage = _lives(registrations, today=today, begins_by=date.max, horizon=today)
    alone = (stage["lasting"] | stage["ending"]) & ~pairing.is_paired
    columns = ["registration_ref", "national_no", "subscriber_id", "client_name"]
    return registrations.loc[alone, columns].sort_values("registration_ref", ignore_index=True)


def coverage(counts: Mapping[str, int]) -> float | None:
    """(registered + expiring) / comparable, from 0 to 1; None when nothing is comparable."""
    comparable = sum(counts.get(status, 0) for status in COMPARABLE)
    return sum(counts.get(status, 0) for status in COVERED) / comparable if comparable else None


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Who differs between two runs (frames with subscriber_id and status): subscriber_id, before, after, change.

    `new`: to register now and not before; `resolved`: the reverse, and still on the list; `gone`: not on the list
    any more; `changed`: every other difference, first appearances included ('' as the status before).
    """
    left = before[["subscriber_id", "status"]].rename(columns={"status": "before"})
    right = after[["subscriber_id", "status"]].rename(columns={"status": "after"})
    both = left.merge(right, on="subscriber_id", how="outer").fillna("")
    both = both[both["before"] != both["after"]].sort_values("subscriber_id", ignore_index=True)
    was, is_now = _isin(both["before"], TO_REGISTER), _isin(both["after"], TO_REGISTER)
    is_gone = np.asarray(both["after"] == "", dtype=bool)
    both["change"] = np.select([is_gone, is_now & ~was, was & ~is_now], ["gone", "new", "resolved"], "changed")
    return both


def successors(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, str]:
    """Old subscriber id -> new one, where one vanished and exactly one new one has its ntn, cnic or other document.

    Both are client lists with CLIENT_COLUMNS. Cases, decisions and history follow (contract section 7).
    """
    before, after = tidy(before, CLIENT_COLUMNS), tidy(after, CLIENT_COLUMNS)
    vanished = before[~_isin(before["subscriber_id"], after["subscriber_id"])]
    arrived = after[~_isin(after["subscriber_id"], before["subscriber_id"])]
    pairs = [
        vanished[vanished[key] != ""].merge(arrived, on=key, suffixes=("", "_new"))[
            ["subscriber_id", "subscriber_id_new"]
        ]
        for key in ("ntn", "cnic_fp", "other_id_fp")
    ]
    found = pd.concat(pairs).drop_duplicates()
    single = ~found["subscriber_id"].duplicated(keep=False) & ~found["subscriber_id_new"].duplicated(keep=False)
    return dict(found[single].itertuples(index=False, name=None))


def tidy(frame: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """These columns as text without missing values, rows numbered from 0."""
    return frame[list(columns)].astype("str").fillna("").reset_index(drop=True)


def _ranked(registrations: pd.DataFrame) -> pd.DataFrame:
    """The registrations, tidied, the one that lasts longest first; equal input in any order gives equal output."""
    tidied = tidy(registrations, REGISTRATION_COLUMNS)
    tidied["is_in_force"] = registrations["is_in_force"].to_numpy(dtype=bool)
    ended = tidied["closed_on"].where(~tidied["is_in_force"] & (tidied["closed_on"] != ""), tidied["valid_to"])
    tidied["ends"] = ended.where(ended != "", date.max.isoformat())
    return tidied.sort_values(["ends", "registration_ref"], ascending=[False, True], ignore_index=True)


def _lives(registrations: pd.DataFrame, *, today: date, begins_by: date, horizon: date) -> dict[str, Bools]:
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


def _settle_pairs(verdicts: _Verdicts, pairing: Pairing, usable: Bools, status: Status) -> None:
    for key in KEYS:
        verdicts.settle_with(pairing.good(key, usable), status, key)
    _settle_by_address(verdicts, pairing, usable, status)


def _settle_by_address(verdicts: _Verdicts, pairing: Pairing, usable: Bools, status: Status) -> None:
    found = pairing.good_by_address(usable)
    verdicts.settle_with(found.address, status, "address")
    verdicts.settle_with(found.number, status, "msisdn")


def _is_elsewhere(clients: pd.DataFrame, elsewhere: pd.DataFrame | None) -> Bools:
    found = np.zeros(len(clients), dtype=bool)
    if elsewhere is not None:
        for key, column in (("ntn", "ntn"), ("cnic", "cnic_fp"), ("other_id", "other_id_fp")):
            values = elsewhere.loc[elsewhere["key"] == key, "value"]
            found |= _isin(clients[column], values[values != ""])
    return found


def _table(verdicts: _Verdicts, facts: Facts) -> pd.DataFrame:
    def of(index: Ints, column: str) -> pd.Series[str]:
        values = np.append(facts.registrations[column].to_numpy(dtype=object), "")
        return pd.Series(values[index], dtype="str")  # index -1 reads the '' at the end

    return pd.DataFrame(
        {
            "subscriber_id": facts.clients["subscriber_id"],
            "status": pd.Series(verdicts.status, dtype="str"),
            "key": pd.Series(verdicts.key, dtype="str"),
            "registration_ref": of(verdicts.registration, "registration_ref"),
            "national_no": of(verdicts.registration, "national_no"),
            "reason": reasons(verdicts.status, verdicts.key, facts),
            "candidate": of(facts.candidate, "registration_ref"),
        }
    )


def _isin(column: pd.Series[str], values: Collection[str] | pd.Series[str]) -> Bools:
    return np.asarray(column.isin(list(values)), dtype=bool)
