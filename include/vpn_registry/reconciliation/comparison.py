"""One status a client, with the reason: an ISP's client list against its registrations (contract section 7).

Pure: frames in, frames out; no database, no clock. Nothing here looks at traffic, and no verdict blocks anybody.
Text columns hold '' where there is nothing, days are ISO text. CNIC and other documents come as keyed fingerprints.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from vpn_registry.model import LIST_AGE_DAYS, Status
from vpn_registry.reconciliation import names
from vpn_registry.reconciliation.pairing import KEYS, NOBODY, Pairing
from vpn_registry.reconciliation.reasons import Facts, reasons
from vpn_registry.reconciliation.spans import Bools, Ints
from vpn_registry.reconciliation.terms import lives, ranked, tidy

RULE_VERSION: Final = "3"
"""Stored with each run; raised whenever the same input may get another status."""
OUTLIVES_DAYS: Final = 30
"""A registration has to outlive the deadline and so many days from today."""
CLIENT_COLUMNS: Final = (
    *("subscriber_id", "client_name", "ntn", "cnic_fp", "other_id_fp", "service_ips", "msisdn"),
    *("service_status", "active_since", "vpn_use"),
)
STATUS_COLUMNS: Final = ("subscriber_id", "status", "key", "registration_ref", "national_no", "reason", "candidate")


@dataclass(frozen=True, slots=True)
class Cases:
    """What people and answers say of clients, by subscriber id.

    `disputed`: an open case of a dispute or `registered_elsewhere`. `exempt`: a decision in force. `answered`: the ISP
    answered `no_vpn` or `terminated`, and no list has been accepted since. `unpaired`: a person decided that what the
    review rested on (its key) is not this client's.
    """

    disputed: Collection[str] = ()
    exempt: Collection[str] = ()
    answered: Collection[str] = ()
    unpaired: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claims:
    """Registrations, by ref, whose addresses a registration of another client claims too, whichever ISP filed that.

    `contested`: nobody has decided. `settled`: a person decided that this one counts; `overruled`: that it doesn't.
    """

    contested: Collection[str] = ()
    settled: Collection[str] = ()
    overruled: Collection[str] = ()


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
    elsewhere: Mapping[str, str] | None = None,
    last_rejected: Mapping[str, tuple[str, int]] | None = None,
    cases: Cases | None = None,
    claims: Claims | None = None,
) -> pd.DataFrame:
    """One row a client, in the order of `clients`, with STATUS_COLUMNS; `key` says which key decided.

    `clients` has CLIENT_COLUMNS, `registrations` (of the same ISP, ended ones too) REGISTRATION_COLUMNS and the bool
    `is_in_force`. `elsewhere` maps a subscriber to the kind of key ("ntn", ..) under which a registration is in force
    with another ISP; neither the key nor the ISP is needed here. `last_rejected` maps a subscriber to the file and row
    that refused its last registration. `claims` is about addresses only. `list_on` is the day the client list
    describes. `candidate` is the nearest registration that did not decide.
    """
    clients = tidy(clients, CLIENT_COLUMNS)
    cases, claims, rejected, elsewhere = cases or Cases(), claims or Claims(), last_rejected or {}, elsewhere or {}
    horizon = max(deadline, today + timedelta(days=OUTLIVES_DAYS))
    registrations = ranked(registrations)
    pairing = Pairing(clients, registrations)
    stage = lives(registrations, today=today, begins_by=max(deadline, today), horizon=horizon)
    in_force = stage["lasting"] | stage["ending"]
    refs = registrations["registration_ref"]
    is_rivalled = pairing.contested(in_force) & ~_isin(refs, claims.settled) | _isin(refs, claims.contested)
    # An overruled claim pairs with nobody by its address, and puts nobody before a person either.
    overruled = _isin(refs, claims.overruled)
    claimed_once = ~is_rivalled & ~overruled
    verdicts = _Verdicts.open(len(clients))
    subscriber = clients["subscriber_id"]

    verdicts.settle(_isin(subscriber, cases.disputed), Status.DISPUTED, "case")
    verdicts.settle(_isin(subscriber, cases.exempt), Status.EXEMPT, "case")
    _settle_pairs(verdicts, pairing, stage["lasting"], claimed_once, Status.REGISTERED)
    # Before whatever asks something of the ISP: it has answered. A registration in force is not hidden by an answer.
    verdicts.settle(_isin(subscriber, cases.answered), Status.EXEMPT, "answer")
    _settle_pairs(verdicts, pairing, stage["ending"], claimed_once, Status.EXPIRING)
    for key in KEYS:
        verdicts.settle_with(pairing.best(key, in_force), Status.MISMATCH, key)
    serves = ~_isin(clients["service_status"], ("terminated", "suspended"))
    verdicts.settle(~serves | _isin(clients["vpn_use"], ("no",)), Status.EXEMPT, "client list")
    if list_on is None or (today - list_on).days > LIST_AGE_DAYS:
        verdicts.settle(verdicts.is_open, Status.NOT_COMPARABLE, "list date")
    contested = pairing.any_by_address(in_force & ~overruled)

    def review(where: Bools, key: str) -> None:
        answered = [who for who, evidence in cases.unpaired.items() if evidence == key]
        verdicts.settle(where & ~_isin(subscriber, answered), Status.REVIEW, key)

    review(contested.address != NOBODY, "address")
    review(contested.number != NOBODY, "msisdn")
    for kind in sorted(set(elsewhere.values())):
        filed = [who for who, its_kind in elsewhere.items() if its_kind == kind]
        review(_isin(subscriber, filed), f"{kind} elsewhere")
    namesake = _namesakes(verdicts, clients, registrations, pairing, in_force & ~pairing.is_paired)
    review(namesake != NOBODY, "name")
    verdicts.settle(_isin(subscriber, rejected), Status.REJECTED, "subscriber_id")
    for status in (Status.EXPIRED, Status.WITHDRAWN):
        for key in KEYS:
            verdicts.settle_with(pairing.best(key, stage[status]), status, key)
        _settle_by_address(verdicts, pairing, stage[status] & ~overruled, status)
    verdicts.settle(~_isin(clients["vpn_use"], ("yes",)), Status.UNDECLARED)
    verdicts.settle(verdicts.is_open, Status.UNREGISTERED)

    nearest = pairing.nearest(pairing.any_by_address(in_force))
    nearest = np.where(nearest == NOBODY, namesake, nearest)
    candidate = np.where(verdicts.registration == NOBODY, nearest, NOBODY)
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
        overruled=overruled,
        rejected=rejected,
        list_on=list_on,
        horizon=horizon,
    )
    return _table(verdicts, facts)


def orphans(clients: pd.DataFrame, registrations: pd.DataFrame, today: date) -> pd.DataFrame:
    """The registrations in force on that day that pair with no client of the list, by any key, address or number."""
    registrations = ranked(registrations)
    pairing = Pairing(tidy(clients, CLIENT_COLUMNS), registrations)
    stage = lives(registrations, today=today, begins_by=date.max, horizon=today)
    alone = (stage["lasting"] | stage["ending"]) & ~pairing.is_paired
    columns = ["registration_ref", "national_no", "subscriber_id", "client_name"]
    return registrations.loc[alone, columns].sort_values("registration_ref", ignore_index=True)


def _settle_pairs(verdicts: _Verdicts, pairing: Pairing, usable: Bools, claimed_once: Bools, status: Status) -> None:
    for key in KEYS:
        verdicts.settle_with(pairing.good(key, usable), status, key)
    _settle_by_address(verdicts, pairing, usable & claimed_once, status)


def _settle_by_address(verdicts: _Verdicts, pairing: Pairing, usable: Bools, status: Status) -> None:
    found = pairing.good_by_address(usable)
    verdicts.settle_with(found.address, status, "address")
    verdicts.settle_with(found.number, status, "msisdn")


def _namesakes(
    verdicts: _Verdicts, clients: pd.DataFrame, registrations: pd.DataFrame, pairing: Pairing, free: Bools
) -> Ints:
    """Per client still open: the registration that is nobody's and has the most similar name, else NOBODY.

    Where both give an id of one kind, and so another one, the names have to be all but equal: trades and places recur.
    """
    found = np.full(len(clients), NOBODY, dtype=np.int64)
    asked, offered = np.flatnonzero(verdicts.is_open), np.flatnonzero(free)
    if len(asked) and len(offered):
        near = names.nearest(clients["client_name"].iloc[asked], registrations["client_name"].iloc[offered])
        alike = np.flatnonzero(near.place >= 0)
        client, registration = asked[alike], offered[near.place[alike]]
        kept = ~pairing.contradict(client, registration) | (near.score[alike] >= names.ALL_BUT_EQUAL)
        found[client[kept]] = registration[kept]
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
