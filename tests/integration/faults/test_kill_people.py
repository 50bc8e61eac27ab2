"""kill -9 at every point at which letters leave, and at which people's words are carried out.

What a person decided is there whole or not at all, and may be said again; a letter is sent once, or is flagged for a
person who finds out.
"""

from __future__ import annotations

import email
import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.installation import MORNING, Cast, Installation, answer, clients, registrations, responses, send_notices
from tests.integration.faults.kills import FolderRelay, tables_of
from tests.integration.faults.points import in_child
from tests.integration.faults.tally import Tally
from vpn_registry.model import Mode, Response
from vpn_registry.pipeline import decisions, dispatch, extension, notify, reconcile
from vpn_registry.registry import cases
from vpn_registry.registry.engine import engine_for

Work = Callable[[Path, str], None]
Record = Callable[[str, object], None]

LATER = date(2026, 7, 31)
T_7, T_3 = timedelta(days=7), timedelta(days=8)
OUTCOMES = {cases.HELD_DELIVERY: "release", cases.DISPUTE: "uphold", cases.EXTENSION: "approve"}
_numbers = itertools.count(1)


def told(house: Installation) -> None:
    """Both ISPs have filed, and got the letters of T-14 and T-7."""
    for isp in ("indus", "kirana"):
        cast = Cast(isp)
        house.drop(registrations(isp, 1, cast.registered(20), Mode.FULL))
        cast.open(12)
        house.drop(clients(isp, 1, cast.listed))
    house.run()
    send_notices(house)
    house.at(T_7)


def undecided(house: Installation) -> None:
    """On the day of T-7 a shrunken list of indus waits for a person, and a dispute, and a letter to kirana."""
    told(house)
    cast = Cast("indus")
    cast.registered(20)
    asked = cast.open(12)
    house.drop(clients("indus", 2, cast.listed[8:], age=-6))
    house.drop(responses("indus", 1, [answer(asked[0], Response.DISPUTE, responded_on="2026-06-23")], age=-7))
    house.run()
    more = Cast("kirana")
    more.registered(20)
    more.open(30)  # 18 more clients to register: the brake holds the letter
    house.drop(clients("kirana", 2, more.listed, age=-6))
    house.run()
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    assert {one.kind for one in decisions.waiting(house.exchange)} == {cases.HELD_DELIVERY, cases.DISPUTE}
    assert house.rows("SELECT isp FROM notices WHERE state = 'held'") == [("kirana",)]


def people_decide(home: Path, holder: str) -> None:
    """One says when indus has time until; another one decides whatever waits; what follows goes out."""
    house = Installation(home, opened_at=MORNING + T_7)
    if len(house.exchange.campaign.deadlines) == 1:
        extension.propose(house.exchange, LATER, source="Letter 12", actor="amna", reason="floods", isp="indus")
    for one in decisions.waiting(house.exchange):
        if one.kind in OUTCOMES:  # what became of a letter nobody knows is found out by telephone
            decisions.decide(house.exchange, one.case, outcome=OUTCOMES[one.kind], reason="looked into", actor="bilal")
    notify.approve(house.exchange.registry, actor="bilal", reason="figures checked", isp="kirana")
    house.at(timedelta())  # opened anew, with the deadline that was approved
    house.run(holder=holder)
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    notify.approve(house.exchange.registry, actor="bilal", reason="figures checked", isp="indus")
    send_approved(house, home, holder)


def approved(house: Installation) -> None:
    """The letters of T-3 may go, two copies to each ISP."""
    told(house)
    house.at(T_3 - T_7)
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    notify.approve(house.exchange.registry, actor="bilal", reason="figures checked")
    assert house.rows("SELECT count(*) FROM messages WHERE state = 'approved'") == [(4,)]


def letters_leave(home: Path, holder: str) -> None:
    house = Installation(home, opened_at=MORNING + T_3)
    send_approved(house, home, holder)
    house.run(holder=holder)  # collecting writes what a dead sender left for the zones


def send_approved(house: Installation, home: Path, holder: str) -> None:
    for isp in house.exchange.isps:
        dispatch.send(house.exchange, isp, FolderRelay(home / "mail"), holder=holder)


@dataclass(frozen=True)
class Left:
    """What is left: tables, each message's state, what the relay accepted, and the cases about messages in doubt."""

    tables: dict[str, list[str]] = field(repr=False)
    messages: dict[str, str]
    mails: Counter[str]
    in_doubt: int

    def things(self) -> Counter[tuple[str, str]]:
        """Messages that are on their way or known to be a person's case, and mails."""
        gone = (("message", number) for number, state in self.messages.items() if state in ("sent", "uncertain"))
        return Counter(gone) + Counter({("mail", number): count for number, count in self.mails.items()})

    def flagged(self) -> Counter[tuple[str, str]]:
        return Counter(("mail", number) for number, state in self.messages.items() if state == "uncertain")


def left(home: Path) -> Left:
    house = Installation(home, opened_at=MORNING + T_3)
    earlier = house.rows("SELECT count(*) FROM messages m JOIN notices n ON n.id = m.notice_id WHERE n.stage = 'T-14'")
    assert earlier == [(2,)]
    messages = house.rows(
        """SELECT m.header_message_id, m.state FROM messages m JOIN notices n ON n.id = m.notice_id
           WHERE n.stage <> 'T-14' AND n.stage <> 'T-7' OR n.isp = 'kirana' AND n.stage = 'T-7'"""
    )
    accepted = [email.message_from_bytes(path.read_bytes()) for path in (home / "mail").glob("*")]
    return Left(
        tables=tables_of(house),
        messages={str(number): str(state) for number, state in messages if state != "cancelled"},
        mails=Counter(str(mail["Message-ID"]) for mail in accepted),
        in_doubt=len(house.rows("SELECT id FROM cases WHERE kind = :kind", kind=cases.UNCERTAIN_MESSAGE)),
    )


@dataclass
class Scene:
    """A home of which every kill gets a copy, the work that is killed on it, and what is left after no kill."""

    kind: str
    folder: Path
    prepare: Callable[[Installation], None]
    work: Work
    points: int = 0

    def __post_init__(self) -> None:
        house = Installation(self.folder / f"{self.kind} template")
        self.prepare(house)
        engine_for(house.settings.database_url).dispose()
        home = self.copy()
        self.work(home, "undisturbed")  # in this process, so that everything is imported once for all children
        self.undisturbed = left(home)
        self.discard(home)
        home = self.copy()
        self.points = in_child(partial(self.work, home, "counted")) or 0
        self.discard(home)

    def copy(self) -> Path:
        return Path(shutil.copytree(self.folder / f"{self.kind} template", self.folder / f"home{next(_numbers)}"))

    def discard(self, home: Path) -> None:
        engine_for(f"sqlite:///{home / 'registry.sqlite'}").dispose()
        shutil.rmtree(home)

    def killed(self, points: Iterable[int]) -> Left:
        """What is left when one try after the other was killed at its point, and the next one was not."""
        home = self.copy()
        for number, point in enumerate(points):
            in_child(partial(self.work, home, f"killed {number}"), point)
        in_child(partial(self.work, home, "recovering"))
        found = left(home)
        self.discard(home)
        return found


def tried(scene: Scene, kills: Iterable[tuple[int, ...]]) -> tuple[Tally, set[str]]:
    """What the kills cost, and the tables that did not come out the same."""
    tally, differing = Tally(scene.kind, "SQLite"), set[str]()
    for points in kills:
        found = scene.killed(points)
        assert found.in_doubt == found.flagged().total()  # each is a person's case
        tally.add(scene.undisturbed, found, injected=len(points))
        differing |= {name for name, rows in scene.undisturbed.tables.items() if found.tables[name] != rows}
    return tally, differing


@pytest.fixture(scope="module")
def sending(folder: Path) -> Scene:
    return Scene("kill while letters leave", folder, approved, letters_leave)


@pytest.fixture(scope="module")
def deciding(folder: Path) -> Scene:
    return Scene("kill while people decide", folder, undecided, people_decide)


def test_the_undisturbed_scenes_have_done_everything(sending: Scene, deciding: Scene) -> None:
    assert list(sending.undisturbed.messages.values()) == ["sent"] * 4
    assert set(deciding.undisturbed.messages.values()) == {"sent"}
    assert len(deciding.undisturbed.messages) == 2  # T-7 to kirana, and to indus its new deadline
    for scene in (sending, deciding):
        assert set(scene.undisturbed.mails) == set(scene.undisturbed.messages)
    assert len(deciding.undisturbed.tables["decisions"]) == 3
    assert min(sending.points, deciding.points) > 30


def test_a_letter_lost_or_doubled_would_be_seen(sending: Scene) -> None:
    done = sending.undisturbed
    number = next(iter(done.messages))
    tally = Tally("none", "SQLite")
    tally.add(done, Left(done.tables, done.messages, done.mails - Counter([number]), 0))
    tally.add(done, Left(done.tables, done.messages, done.mails + Counter([number]), 0))
    tally.add(done, Left(done.tables, done.messages | {number: "uncertain"}, done.mails - Counter([number]), 1))
    tally.add(done, Left(done.tables, done.messages | {number: "approved"}, done.mails, 0))
    assert (tally.lost, tally.doubled, tally.flagged) == (2, 1, 1)


def test_letters_and_decisions_survive_kills_here_and_there(sending: Scene, deciding: Scene) -> None:
    for scene in (sending, deciding):
        tally, differing = tried(scene, ((point,) for point in range(12, scene.points + 1, scene.points // 2)))
        assert (tally.lost, tally.doubled, differing) == (0, 0, set())


@pytest.mark.soak
def test_letters_may_be_killed_five_hundred_times(sending: Scene, record_property: Record) -> None:
    dice = random.Random(2)  # noqa: S311 - repeatable on purpose; until 2027-12-31
    every: list[tuple[int, ...]] = [(point,) for point in range(1, sending.points + 1)]
    pairs = [(dice.randint(1, sending.points), dice.randint(1, sending.points // 2)) for _ in range(500 - len(every))]
    tally, differing = tried(sending, [*every, *pairs])
    tally.tell(record_property)
    assert (tally.lost, tally.doubled, differing) == (0, 0, set())
    assert tally.flagged > 0


@pytest.mark.soak
def test_decisions_may_be_killed_at_every_single_point(deciding: Scene, record_property: Record) -> None:
    tally, differing = tried(deciding, ((point,) for point in range(1, deciding.points + 1)))
    tally.tell(record_property)
    assert (tally.lost, tally.doubled, differing) == (0, 0, set())
