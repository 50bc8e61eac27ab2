"""A short season on folders: what is told of it, and an equality that fails when the registry has a hole."""

from __future__ import annotations

import io
import itertools
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from email import message_from_bytes
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import text

from tests.installation import Installation, foreseen_verdicts
from vpn_registry import roster
from vpn_registry.demo import season, season_report
from vpn_registry.demo.season import Season
from vpn_registry.demo.season_report import Told
from vpn_registry.model import PAKISTAN, ZoneFolder
from vpn_registry.pipeline import chase, dispatch, dossier, notify
from vpn_registry.pipeline.client_days import Why
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry.engine import engine_for

FIRST = season.first_day(roster.load_campaign(), -8, roster.load_holidays())
ISPS = ("margalla",)
OPENED_AT = datetime.combine(FIRST, time(), PAKISTAN)


@dataclass
class FolderOffice:
    """Zones that are folders and a relay in this process: what the DAGs do, without Airflow."""

    house: Installation

    def at(self, moment: datetime) -> Exchange:
        return self.house.at(moment)

    def deliver(self, isp: str, files: Mapping[str, bytes], folder: ZoneFolder) -> None:
        for named in files.items():
            self.house.drop(named, isp=isp, folder=folder)

    def collect(self) -> None:
        self.house.run()

    def chase(self) -> None:
        for isp in chase.remind(self.house.exchange):
            dispatch.send(self.house.exchange, isp, self.house.relay, holder="test")

    def send(self) -> None:
        notify.plan(self.house.exchange)
        for isp in notify.brake(self.house.exchange):
            dispatch.send(self.house.exchange, isp, self.house.relay, holder="test")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The eight days before the deadline and the two after it, with an outage over two stages."""
    house = Installation(tmp_path_factory.mktemp("season"), ISPS, opened_at=OPENED_AT)
    with foreseen_verdicts():
        days = list(Season(-8, 2, FIRST, ISPS).play(FolderOffice(house)))
    assert (days[0], days[-1], len(days)) == (date(2026, 6, 22), date(2026, 7, 2), 11)
    yield house
    engine_for(house.settings.database_url).dispose()


@pytest.fixture
def copied(played: Installation, tmp_path: Path) -> Iterator[Installation]:
    """A copy of it that a test may damage."""
    made = Installation(shutil.copytree(played.home, tmp_path / "home"), ISPS, opened_at=played.exchange.now())
    yield made
    engine_for(made.settings.database_url).dispose()


def told_of(house: Installation, received: list[str] | None = None) -> Told:
    sent = [number for (number,) in house.rows("SELECT header_message_id FROM messages WHERE state = 'sent'")]
    return season_report.read(house.exchange, FIRST, received=sent if received is None else received)


def received_by(house: Installation) -> list[str]:
    """The Message-IDs of what the relay took."""
    return [str(message_from_bytes(mail)["Message-ID"]) for _, mail in house.relay.accepted]


def change(house: Installation, statement: str) -> None:
    with house.exchange.registry.writing() as db:
        db.execute(text(statement))


def test_every_client_day_to_register_is_explained(played: Installation) -> None:
    told = told_of(played, received=received_by(played))
    assert told.is_whole
    shown = season_report.as_json(told)["client_days"]
    assert sum(shown["by_reason"].values()) == shown["total"] == len(told.client_days) > 60
    assert shown["unexplained"] == []
    reasons = (Why.LISTED, Why.NOT_DUE, Why.MERGED, Why.DISPUTED, Why.SUPPRESSED)
    assert all(shown["by_reason"][why] > 0 for why in reasons)


def test_the_calendar_says_what_was_sent_and_why_not(played: Installation) -> None:
    pages = {page.day: page for page in told_of(played).pages}
    assert [day.day for day, page in pages.items() if page.is_silent] == [23, 24]
    said = [(entry.isp, entry.what, entry.text) for entry in pages[date(2026, 6, 29)].entries]
    ours = [line for line in said if line[0] == "margalla"]
    assert [line[1] for line in ours] == ["mutes", "no letter", "no letter", "holds", "sends"]
    assert "until 02 July 2026 (case 2), by demo-operator, because: Letter No. 20 of the season" in ours[0][2]
    assert "(T-7): a later stage was due already" in ours[1][2]
    assert "(T-1): This is the first notice of the campaign to this ISP." in ours[3][2]
    assert "6 to register, 4 to check; approved by demo-operator" in ours[4][2]
    assert ("margalla", "asks") in [(entry.isp, entry.what) for entry in pages[date(2026, 6, 30)].entries]


def test_a_client_with_a_later_deadline_of_his_own_is_told_of_alone(played: Installation) -> None:
    told = told_of(played)
    lines = [entry for page in told.pages for entry in page.entries]
    [extended] = [entry for entry in lines if entry.what == "extends"]
    assert extended.isp == "margalla"
    own = [fate for fate in told.fates if fate.deadline_version == 2 and fate.left_at]
    assert [(fate.stage, len(fate.named)) for fate in own] == [("extended", 1), ("T-1", 1)]
    [who] = own[0].named
    assert f"the deadline of client {who} alone to 03 July 2026 (Letter No. 19" in extended.text
    assert (
        f"(T-1, client {who} alone)"
        in [entry.text.split(" to ")[0][14:] for entry in lines if entry.what == "sends"][-1]
    )
    [overdue] = [fate for fate in told.fates if fate.stage == "T+1"]
    assert overdue.named
    assert who not in overdue.named


def test_a_client_missing_from_a_letter_breaks_the_equality(copied: Installation) -> None:
    change(copied, "DELETE FROM notice_clients WHERE isp = 'margalla' AND subscriber_id = 'MAR-1029'")
    told = told_of(copied)
    assert not told.is_whole
    assert {(hole.isp, hole.subscriber_id) for hole in told.holes} == {("margalla", "MAR-1029")}
    letters = dict(copied.rows("SELECT stage, notice_no FROM notices WHERE deadline_version = 1 AND state = 'sent'"))
    assert {(hole.day.isoformat(), hole.detail) for hole in told.holes} == {
        ("2026-06-29", letters["T-1"]),
        ("2026-07-01", letters["T+1"]),
    }


def test_a_stage_that_left_no_trace_breaks_it_too(copied: Installation) -> None:
    """Had the planner forgotten an ISP, no row would tell of its stage."""
    of_stage = "isp = 'margalla' AND stage = 'T+1'"
    for table in ("notice_clients", "messages"):
        change(copied, f"DELETE FROM {table} WHERE notice_id IN (SELECT id FROM notices WHERE {of_stage})")  # noqa: S608 - our own words; until 2027-12-31
    change(copied, f"DELETE FROM notices WHERE {of_stage}")  # noqa: S608 - our own words; until 2027-12-31
    told = told_of(copied)
    assert {(hole.isp, hole.day.isoformat(), hole.detail) for hole in told.holes} == {
        ("margalla", day, "T+1") for day in ("2026-07-01", "2026-07-02")
    }


def test_a_letter_that_never_reached_the_sink_is_noticed(played: Installation) -> None:
    assert not told_of(played, received=received_by(played)[1:]).is_whole


def test_the_dossiers_stand_where_the_ladder_ends(played: Installation) -> None:
    whole = dossier.assemble(played.exchange, played.exchange.isps["margalla"])
    told = replace(told_of(played), dossiers=(whole,))
    screen = io.StringIO()
    season_report.show(Console(file=screen, width=200), told)
    lines = screen.getvalue()
    assert "One of them, as `vpnreg dossier margalla` prints it" in lines
    assert "  This is a record for people to decide on. Nothing has been disconnected or blocked." in lines
    assert season_report.as_json(told)["dossiers"]["margalla"]["clients"]


def test_days_follow_one_another(played: Installation) -> None:
    days = [page.day for page in told_of(played).pages]
    assert all((after - before).days == 1 for before, after in itertools.pairwise(days))
