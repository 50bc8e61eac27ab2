"""Any past day as it held, and as known at any past instant; late corrections change the one and not the other."""

from __future__ import annotations

import itertools
import random
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from tests.unit.registry.filing import AT, add, file_clients, file_registrations, withdraw
from vpn_registry.model import Mode
from vpn_registry.registry import queries, status_runs
from vpn_registry.registry.home import Registry

Rows = dict[str, str]
File = tuple[Rows, str | None]
_SEEN = ["registration_ref", "state", "client_name", "closed_on"]
_ISPS = (f"i{number}" for number in itertools.count(1))  # one registry, new series each time


def seen(registry: Registry, isp: str = "indus", **then: Any) -> list[tuple[str, ...]]:
    """Ref, state, name and day of closing of each registration then; without `then` as it stands."""
    with registry.reading() as db:
        frame = queries.export(db, "registry", isp=isp, **then)
    return [tuple(row) for row in frame[_SEEN].itertuples(index=False)]


def day(seq: int) -> date:
    """The day that file describes."""
    return date(2026, 6, seq)


def test_a_late_correction_changes_the_day_it_describes_and_not_what_was_known_before(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", name="First"), at=AT)
    file_registrations(registry, 3, add("a", name="Third"), at=AT + timedelta(days=2))
    file_registrations(registry, 2, add("a", name="Second"), add("b"), at=AT + timedelta(days=5))
    before, after = AT + timedelta(days=3), AT + timedelta(days=6)
    held = {seq: [name for _, _, name, _ in seen(registry, on=day(seq))] for seq in (1, 2, 3)}
    assert held == {1: ["First"], 2: ["Second", "Firm"], 3: ["Third", "Firm"]}
    known = {seq: [name for _, _, name, _ in seen(registry, on=day(seq), as_of=before)] for seq in (1, 2, 3)}
    assert known == {1: ["First"], 2: ["First"], 3: ["Third"]}
    assert seen(registry, as_of=after) == seen(registry)
    assert seen(registry, on=date(2026, 5, 31)) == []


@pytest.mark.parametrize("seasons", [2, pytest.param(60, marks=pytest.mark.soak)])
def test_the_past_of_any_order_of_arrival_is_that_of_the_order_of_numbers(registry: Registry, seasons: int) -> None:
    """Each file's day holds what stood after that file when all came in order; each instant what stood at it."""
    chance = random.Random(seasons)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(seasons):
        files = [_any_file(chance) for _ in range(4)]
        straight, crooked = next(_ISPS), next(_ISPS)
        after_each = []
        for seq, one in enumerate(files, 1):
            _file(registry, straight, seq, one, AT)
            after_each.append(seen(registry, straight))
        moments: list[tuple[datetime, list[tuple[str, ...]]]] = []
        for place, seq in enumerate(chance.sample(range(1, 5), 4)):
            at = AT + timedelta(hours=place)
            _file(registry, crooked, seq, files[seq - 1], at)
            moments.append((at, seen(registry, crooked)))
        for seq, held in enumerate(after_each, 1):
            assert seen(registry, straight, on=day(seq)) == held, (files, seq)
            assert seen(registry, crooked, on=day(seq)) == held, (files, seq)
        for at, stood in moments:
            assert seen(registry, crooked, as_of=at) == stood, (files, at)


def test_clients_of_a_past_day_stand_with_the_status_told_at_its_end(registry: Registry) -> None:
    one = {"subscriber_id": "1", "client_name": "One", "vpn_use": "yes"}
    file_clients(registry, 15, one, at=AT)
    for days, status in ((0, "unregistered"), (2, "registered")):
        _compared(registry, status, AT + timedelta(days=days))
    file_clients(registry, 17, one | {"client_name": "One and Sons"}, at=AT + timedelta(days=2))
    with registry.reading() as db:
        past = [queries.export(db, "clients", on=day(seq)).iloc[0] for seq in (15, 16, 17)]
        before = queries.export(db, "clients", on=day(14))
        then = queries.explain(db, "indus", "1", queries.Then(on=day(16)))
    assert [(row["client_name"], row["status"]) for row in past] == [
        ("One", "unregistered"),
        ("One", "unregistered"),
        ("One and Sons", "registered"),
    ]
    assert len(before) == 0
    assert then is not None
    assert [(one["status"], one["ended_at"]) for one in then.statuses] == [("unregistered", None)]
    assert [one["client_name"] for one in then.client] == ["One"]


def _any_file(chance: random.Random) -> File:
    rows = {ref: chance.choice(["v", "w", "withdraw"]) for ref in "abc" if chance.random() < 0.6}
    return rows, chance.choice([None, None, "", "a"])


def _file(registry: Registry, isp: str, seq: int, file: File, at: datetime) -> None:
    """A delta, or a closing full file (second part not None) that keeps the keys in it."""
    rows, kept = file
    given = [
        withdraw(ref) if value == "withdraw" else add(ref, name=value)
        for ref, value in rows.items()
        if kept is None or (value != "withdraw" and ref not in kept)
    ]
    mode = Mode.DELTA if kept is None else Mode.FULL
    file_registrations(registry, seq, *given, mode=mode, isp=isp, at=at, protected_refs=list(kept or ""))


def _compared(registry: Registry, status: str, at: datetime) -> None:
    row = {"subscriber_id": "1", "status": status, "key": "", "registration_ref": "", "national_no": ""}
    with registry.writing() as db:
        found = pd.DataFrame([row | {"reason": "So it is.", "candidate": ""}])
        status_runs.store(db, "indus", found, at=at, rule_version="1", deadline_on=date(2026, 6, 30))
