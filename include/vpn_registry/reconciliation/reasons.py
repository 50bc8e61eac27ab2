"""The sentence that explains each status. ISPs read it in notices: no CNIC, NTN, address, contact or name in it,
and nothing by which one ISP could learn of another (every `review` reads the same)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from vpn_registry.model import Status
from vpn_registry.reconciliation.spans import Bools, Ints

_KEY_WORDS: Final = {
    "subscriber_id": "subscriber id",
    "ntn": "tax number",
    "cnic": "identity card",
    "other_id": "document",
    "address": "address",
    "msisdn": "mobile number",
}
_FIXED: Final = {
    Status.DISPUTED: "Your answer about this client is with a person, who decides; nothing is asked of you until then.",
    Status.REVIEW: "The files do not decide whether this client is registered; a person is looking at it.",
    Status.UNDECLARED: "The client list does not say whether this client uses a VPN.",
}
_EXEMPTED: Final = {
    "case": "A decision in force exempts this client.",
    "answer": "Your answer exempts this client until your next client list, which has to say the same.",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sentences draw on; one entry per client, registrations as indices (-1 = none)."""

    clients: pd.DataFrame
    registrations: pd.DataFrame
    registration: Ints  # the one that decided
    candidate: Ints  # the nearest one that did not
    names_another_line: Bools  # the deciding registration names another subscriber of the list
    begins_late: Bools  # per registration: in the registry, but not in force by the deadline
    overruled: Bools  # per registration: a person decided that it does not count by its addresses
    rejected: Mapping[str, tuple[str, int]]  # subscriber -> file and row of its last refused registration
    list_on: date | None
    horizon: date  # what a registration has to outlive


def reasons(status: npt.NDArray[np.object_], key: npt.NDArray[np.object_], facts: Facts) -> pd.Series[str]:
    """One sentence per client."""
    texts = np.full(len(status), "", dtype=object)
    pairs = pd.DataFrame({"status": status, "key": key})
    for (one_status, one_key), group in pairs.groupby(["status", "key"], sort=False):
        rows = group.index.to_numpy()
        texts[rows] = _sentences(Status(str(one_status)), str(one_key), rows, facts)
    return pd.Series(texts, dtype="str")


def _sentences(status: Status, key: str, rows: Ints, facts: Facts) -> list[str]:
    if status in _FIXED:
        return [_FIXED[status]] * len(rows)
    if status is Status.NOT_COMPARABLE:
        return [_old_list(facts.list_on)] * len(rows)
    if status is Status.EXEMPT:
        return _exemptions(key, facts.clients.iloc[rows])
    if status is Status.REJECTED:
        refused = (facts.rejected[subscriber] for subscriber in facts.clients["subscriber_id"].iloc[rows])
        return [
            f"Your last row for this client was refused (row {row} of {file}); its findings say why."
            for file, row in refused
        ]
    if status is Status.UNREGISTERED:
        return _unregistered(rows, facts)
    return _registered(status, _KEY_WORDS[key], rows, facts)


def _old_list(list_on: date | None) -> str:
    if list_on is None:
        return "There is no accepted client list to compare with."
    return f"The client list describes {list_on}, which is too long ago to compare with; send a new one."


def _exemptions(key: str, clients: pd.DataFrame) -> list[str]:
    if key in _EXEMPTED:
        return [_EXEMPTED[key]] * len(clients)
    texts = {
        "terminated": "The client list says that the service is terminated.",
        "suspended": "The client list says that the service is suspended.",
    }
    return [texts.get(state, "The client list says that no VPN is used.") for state in clients["service_status"]]


def _unregistered(rows: Ints, facts: Facts) -> list[str]:
    plain = "The client list says that a VPN is used, and no registration of yours is this client's."
    texts = [plain] * len(rows)
    for place, candidate in enumerate(facts.candidate[rows].tolist()):
        if candidate < 0:
            continue
        found = facts.registrations.iloc[candidate]
        name = _named(found["registration_ref"], found["national_no"])
        if facts.begins_late[candidate]:
            texts[place] = f"{name} is this client's, but begins too late, on {found['valid_from']}."
        elif facts.overruled[candidate]:
            texts[place] = f"{name} has this client's address, but by a decision in force that address does not count."
    return texts


def _registered(status: Status, by: str, rows: Ints, facts: Facts) -> list[str]:
    found = facts.registrations.iloc[facts.registration[rows]]
    names = [_named(ref, no) for ref, no in zip(found["registration_ref"], found["national_no"], strict=True)]
    ends = found["valid_to"].tolist()
    if status is Status.REGISTERED:
        until = [f"until {end}" if end else "without an end date" for end in ends]
        return [f"{name} is in force {end} and matches by {by}." for name, end in zip(names, until, strict=True)]
    if status is Status.EXPIRING:
        beyond = f"but has to be in force beyond {facts.horizon}"
        return [f"{name} matches by {by}, {beyond}; it ends on {end}." for name, end in zip(names, ends, strict=True)]
    if status is Status.EXPIRED:
        return [f"{name} matches by {by}, but ended on {end}." for name, end in zip(names, ends, strict=True)]
    if status is Status.WITHDRAWN:
        closed = [f" on {day}" if day else "" for day in found["closed_on"]]
        return [f"{name} matches by {by}, but was withdrawn{day}." for name, day in zip(names, closed, strict=True)]
    return [
        f"Another line of this client is registered ({name[0].lower()}{name[1:]}), but not this one."
        if is_other
        else f"{name} matches by {by}, but has no address or number in common with the client list."
        for name, is_other in zip(names, facts.names_another_line[rows], strict=True)
    ]


def _named(ref: str, national_no: str) -> str:
    return f"Registration {ref} ({national_no})" if national_no else f"Registration {ref}"
