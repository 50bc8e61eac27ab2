"""Which registration pairs with which client of one ISP: by id first, then by address or mobile number.

Every step is a join on whole columns and linear in clients plus registrations, so that a list in which everybody
shares one tax number or one address costs no more than another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from vpn_registry.reconciliation import spans
from vpn_registry.reconciliation.spans import Bools, Ints

NOBODY: Final = -1
KEYS: Final = ("subscriber_id", "ntn", "cnic", "other_id")
"""The keys that identify a client, in the order in which they decide (contract section 7)."""
_COLUMN: Final = {"subscriber_id": "subscriber_id", "ntn": "ntn", "cnic": "cnic_fp", "other_id": "other_id_fp"}


@dataclass(frozen=True, slots=True)
class ByAddress:
    """Per client: the registration found by an address, and by a mobile number, else NOBODY; never both."""

    address: Ints
    number: Ints


class Pairing:
    """Clients and registrations as numbers, ready to be paired; frames as comparison.tidy makes them.

    Of several registrations the first in the frame is preferred: the caller sorts the best to the top. Masks named
    `usable` choose registrations; results hold one registration index per client, else NOBODY.
    """

    def __init__(self, clients: pd.DataFrame, registrations: pd.DataFrame) -> None:
        self._clients, self._registrations = spans.spans_of(
            (clients["service_ips"], clients["msisdn"]), (registrations["local_ip"], registrations["msisdn"])
        )
        self._groups = {key: spans.text_groups(clients[name], registrations[name]) for key, name in _COLUMN.items()}
        identified = [np.isin(theirs, ours[ours >= 0]) for ours, theirs in self._groups.values()]
        self._names_a_line = identified[0]
        self._is_identified: Bools = np.logical_or.reduce(identified)

    @property
    def _registered_client(self) -> Ints:
        """Per registration: a number for the client it names, by the first id that it gives; NOBODY without any."""
        number, base = np.full(self._registrations.rows, NOBODY, dtype=np.int64), 0
        for key in ("ntn", "cnic", "other_id", "subscriber_id"):
            _, theirs = self._groups[key]
            new = (number == NOBODY) & (theirs >= 0)
            number[new] = base + theirs[new]
            base += theirs.max(initial=NOBODY) + 1
        return number

    @property
    def is_paired(self) -> Bools:
        """Per registration: whether any client of the list pairs with it, by whatever."""
        return self._is_identified | (self._client_at() >= 0)

    def good(self, key: str, usable: Bools) -> Ints:
        """Registrations that pair by this id and are not contradicted by addresses or numbers.

        Either one is in common, or one side gives none. A registration that names another line of the list (the same
        tax number, another subscriber id) covers this line only if one is in common.
        """
        ours, theirs = self._groups[key]
        candidates = self._registrations.within(usable)
        span = spans.find_overlap(self._clients, ours, candidates, theirs)
        shared = _owner(candidates, span)
        if key != "subscriber_id":
            usable = usable & ~self._names_a_line
        silent = usable & ~self._registrations.given
        quiet = np.where(self._clients.given, self.best(key, silent), self.best(key, usable))
        return np.where(shared != NOBODY, shared, quiet)

    def best(self, key: str, usable: Bools) -> Ints:
        """The first usable registration with the same id, whatever the addresses say."""
        ours, theirs = self._groups[key]
        first = np.full(max(ours.max(initial=NOBODY), theirs.max(initial=NOBODY)) + 2, NOBODY, dtype=np.int64)
        index = np.flatnonzero(usable & (theirs >= 0))[::-1]
        first[theirs[index]] = index
        return first[ours]  # group -1 reads the last place, which stays NOBODY

    def good_by_address(self, usable: Bools) -> ByAddress:
        """Registrations that pair by address or number alone, and with one client only.

        Not used: one that belongs to a client of the list by id, one that several clients share, and one that
        gives an id of a kind which this client gives too (they differ, or it would have paired by it).
        """
        free = usable & ~self._is_identified
        client = _owner(self._clients, self._client_at(free))
        candidates = self._registrations.within(free)
        total = spans.count_overlaps(candidates, _everybody(candidates), self._clients, _everybody(self._clients))
        own = spans.count_overlaps(candidates, client, self._clients, np.arange(self._clients.rows))
        shared = np.zeros(len(client), dtype=bool)
        shared[candidates.owner[total > own]] = True
        good = np.flatnonzero((client != NOBODY) & ~shared)
        for key in ("ntn", "cnic", "other_id"):
            ours, theirs = self._groups[key]
            good = good[(ours[client[good]] < 0) | (theirs[good] < 0)]
        is_good = np.zeros(len(client), dtype=bool)
        is_good[good] = True
        by_address = self._client_at(is_good, is_number=False) != NOBODY
        return _addresses_first(self._first_of(client, good[by_address[good]]), self._first_of(client, good))

    def contested(self, in_force: Bools) -> Bools:
        """Per registration: whether one in force of another client claims an address or number of it as well.

        Registrations are one client's when their tax number, else identity card, document or subscriber id is equal.
        """
        client, rivals = self._registered_client, self._registrations.within(in_force)
        total = spans.count_overlaps(self._registrations, _everybody(rivals), rivals, _everybody(rivals))
        own = spans.count_overlaps(self._registrations, client, rivals, client)
        found = np.zeros(self._registrations.rows, dtype=bool)
        found[self._registrations.owner[total > own]] = True
        return found

    def any_by_address(self, usable: Bools) -> ByAddress:
        """Registrations that share an address or number with the client, contested or not."""
        candidates = self._registrations.within(usable)
        found = []
        for is_number in (False, True):
            ours, theirs = self._clients.of_kind(is_number=is_number), candidates.of_kind(is_number=is_number)
            span = spans.find_overlap(ours, _everybody(ours), theirs, _everybody(theirs))
            found.append(_owner(theirs, span))
        return _addresses_first(*found)

    def nearest(self, contested: ByAddress) -> Ints:
        """The nearest registration, in force or not, for the data team to look at."""
        everything = np.ones(self._registrations.rows, dtype=bool)
        found = np.maximum(contested.address, contested.number)
        for key in reversed(KEYS):
            by_key = self.best(key, everything)
            found = np.where(by_key != NOBODY, by_key, found)
        return found

    def contradict(self, client: Ints, registration: Ints) -> Bools:
        """Per pair that has no id in common: whether both give an id of one kind all the same."""
        found = np.zeros(len(client), dtype=bool)
        for key in ("ntn", "cnic", "other_id"):
            ours, theirs = self._groups[key]
            found |= (ours[client] >= 0) & (theirs[registration] >= 0)
        return found

    def names_another_line(self, client: Ints, registration: Ints) -> Bools:
        """Per pair: whether the registration names another subscriber id of the list."""
        ours, theirs = self._groups["subscriber_id"]
        differs: Bools = ours[client] != theirs[registration]
        return self._names_a_line[registration] & differs

    def _client_at(self, usable: Bools | None = None, *, is_number: bool | None = None) -> Ints:
        """Per registration: the index of a client's span (of that kind) that overlaps it, else negative."""
        candidates = self._registrations if usable is None else self._registrations.within(usable)
        clients = self._clients
        if is_number is not None:
            candidates, clients = candidates.of_kind(is_number=is_number), clients.of_kind(is_number=is_number)
        return spans.find_overlap(candidates, _everybody(candidates), clients, _everybody(clients))

    def _first_of(self, client: Ints, registrations: Ints) -> Ints:
        """Per client: the first of these registrations that is his, else NOBODY."""
        found = np.full(self._clients.rows, NOBODY, dtype=np.int64)
        found[client[registrations[::-1]]] = registrations[::-1]
        return found


def _everybody(of: spans.Spans) -> Ints:
    """One group for all rows."""
    return np.zeros(of.rows, dtype=np.int64)


def _owner(of: spans.Spans, span: Ints) -> Ints:
    owner = np.full(len(span), NOBODY, dtype=np.int64)
    owner[span >= 0] = of.owner[span[span >= 0]]
    return owner


def _addresses_first(address: Ints, number: Ints) -> ByAddress:
    return ByAddress(address, np.where(address == NOBODY, number, NOBODY))
