"""kill -9 at every point of a pass: after at most two more passes nothing is lost, doubled or different."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from tests.integration.faults.copies import Copies
from tests.integration.faults.kills import World, differences, states, whole_pass
from tests.integration.faults.points import in_child
from tests.integration.faults.tally import Tally

ONCE, AGAIN = "kill -9", "kill -9, again and again"
STEP = 45
"""A pass of a chain dies at one of its first so many points: far enough to bring a file on, too early to end."""


@dataclass
class Record:
    """What kills led to: differences that remained, and the states things were in right after a kill."""

    tally: Tally
    failures: dict[tuple[int, ...], list[str]] = field(default_factory=dict)
    deliveries: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)


def killed(copies: Copies, kills: Iterable[tuple[int, ...]], kind: str = AGAIN) -> Record:
    """Kill one pass after the other, each at its point, until one gets through; then compare after two more."""
    record = Record(Tally(kind, copies.database))
    for points in kills:
        home, url = copies.copy()
        dead = 0
        for point in points:
            if in_child(partial(whole_pass, home, url, f"killed {dead}"), point) is not None:
                break
            dead += 1
            deliveries, messages = states(home, url)
            record.deliveries |= deliveries
            record.messages |= messages
        afterwards = copies.recovered(home, url)
        record.tally.add(copies.undisturbed, afterwards, injected=dead)
        if different := differences(copies.undisturbed, afterwards):
            record.failures[points] = different
    return record


def chains(count: int, seed: int) -> Iterator[tuple[int, ...]]:
    """Chains of up to 60 kills, each soon after the last one."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose; until 2027-12-31
    for _ in range(count):
        yield tuple(dice.randint(1, STEP) for _ in range(60))


def test_the_undisturbed_pass_has_done_everything(on_sqlite: Copies) -> None:
    done = on_sqlite.undisturbed
    assert set(done.states.values()) == {"answered"}
    assert set(done.messages.values()) == set(done.notices.values()) == {"sent"}
    assert done.lying == []
    assert differences(done, done) == []
    assert on_sqlite.points > 100


def test_a_loss_or_a_double_would_be_seen(on_sqlite: Copies) -> None:
    done = on_sqlite.undisturbed
    again = World(**{**vars(done), "mails": done.mails * 2})
    assert len(differences(done, again)) == 2
    lost = World(**{**vars(done), "tables": {**done.tables, "registrations": done.tables["registrations"][1:]}})
    assert differences(done, lost) == ["registrations"]


def test_passes_that_are_killed_again_and_again_are_made_good_on_sqlite(on_sqlite: Copies) -> None:
    record = killed(on_sqlite, chains(1, seed=9))
    assert record.failures == {}
    assert record.tally.injected > 10
    assert record.deliveries >= {"seen", "stored", "judged", "answered"}
    assert record.messages >= {"approved", "sending", "sent"}


@pytest.mark.postgres
def test_passes_that_are_killed_again_and_again_are_made_good_on_postgresql(on_postgresql: Copies) -> None:
    record = killed(on_postgresql, chains(1, seed=2))
    assert record.failures == {}
    assert record.tally.injected > 10


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_every_single_point_may_be_fatal(
    database: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    copies: Copies = request.getfixturevalue(f"on_{database}")
    record = killed(copies, ((point,) for point in range(1, copies.points + 1)), ONCE)
    record.tally.tell(record_property)
    assert record.failures == {}


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_those_that_recover_may_be_killed_too(
    database: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    copies: Copies = request.getfixturevalue(f"on_{database}")
    record = killed(copies, chains(12, seed=3))
    record.tally.tell(record_property)
    assert record.failures == {}
    assert record.tally.injected > 150
