"""The registry follows from the files: a replay is equal, and whatever was changed by hand is found."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from tests.installation import MORNING, Cast, Installation, answer, clients, registrations, responses, withdrawals
from tests.unit.test_judging import city_is
from vpn_registry import rulebook
from vpn_registry.cli.app import app
from vpn_registry.model import Feed, Mode
from vpn_registry.pipeline import rebuild
from vpn_registry.registry import erasure
from vpn_registry.registry.engine import engine_for


@pytest.fixture(scope="module")
def filed() -> Iterator[Path]:
    """A home in which was filed: a gap and its late filler, a refused row, a held and superseded list, withdrawals."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        house = Installation(Path(folder))
        _file_season(house, Cast("indus"), Cast("kirana"))
        engine_for(house.settings.database_url).dispose()
        yield Path(folder)


def _file_season(house: Installation, indus: Cast, kirana: Cast) -> None:
    rows = indus.registered(30)
    changed = {**rows[1], "action": "update", "city": "Quetta"}
    house.drop(registrations("indus", 1, rows[:12], Mode.FULL))
    house.drop(clients("indus", 1, indus.listed))
    house.drop(registrations("kirana", 1, kirana.registered(4)))
    house.run()
    house.at(timedelta(hours=1))
    house.drop(registrations("indus", 3, [changed, {**rows[12], "action": "update"}, *withdrawals(rows[2:4])]))
    house.drop(clients("indus", 2, indus.listed[:10]))
    house.run()
    house.at(timedelta(hours=1))
    house.drop(registrations("indus", 2, [rows[12], rows[13], {**rows[14], "province": "XX"}]))
    house.drop(registrations("indus", 4, [*withdrawals(rows[2:3]), {**rows[3], "action": "add"}]))
    house.drop(clients("indus", 3, indus.listed[1:]))
    house.run()
    house.drop(registrations("indus", 5, [row for row in rows if row not in rows[4:6]], Mode.FULL))
    house.run()
    outcomes = house.rows("SELECT DISTINCT outcome FROM deliveries ORDER BY 1")
    assert outcomes == [("accepted",), ("partial",), ("superseded",)]


@pytest.fixture
def season(filed: Path, tmp_path: Path) -> Iterator[Installation]:
    """A copy of that home, to be damaged."""
    shutil.copytree(filed, tmp_path / "home")
    house = Installation(tmp_path / "home", (), opened_at=MORNING + timedelta(hours=2))
    yield house
    engine_for(house.settings.database_url).dispose()


def test_a_replay_of_the_files_gives_the_same_registry(season: Installation) -> None:
    rebuilt = rebuild.check(season.exchange)
    assert rebuilt.first == []
    assert rebuilt.deliveries == 8
    assert rebuilt.equal["registrations"] == 34
    assert sum(rebuilt.different.values()) == 0
    [(detail,)] = season.rows("SELECT detail FROM audit_events WHERE action = 'rebuild_check'")
    assert json.loads(detail) == {"deliveries": 8, "different": 0}


def test_the_scratch_registry_is_gone_afterwards(season: Installation) -> None:
    before = sorted(path.name for path in season.home.iterdir())
    rebuild.check(season.exchange)
    assert sorted(path.name for path in season.home.iterdir()) == before


DAMAGE = {
    "UPDATE registrations SET is_in_force = NOT is_in_force WHERE id = 5":
        "registrations: differs in is_in_force, content_seq",
    "UPDATE registrations SET decided_seq = 9 WHERE id = 6": "registrations: differs in decided_seq",
    "UPDATE clients SET closed_on = '2026-06-01' WHERE id = 5": "clients: differs in closed_on",
    "UPDATE registration_versions SET local_ip = '192.0.2.77' WHERE id = 5":
        "registration_versions: differs in local_ip",
    "UPDATE client_versions SET vpn_use = 'no' WHERE id = 5": "client_versions: differs in vpn_use",
    "DELETE FROM client_versions WHERE id = (SELECT max(id) FROM client_versions)":
        "client_versions: the registry lacks it",
    "INSERT INTO clients (isp, subscriber_id, is_in_force, decided_seq) VALUES ('indus', 'BY-HAND', 1, 1)":
        "clients: nothing that was filed made it",
    "UPDATE delivery_rows SET effect = 'changed' WHERE delivery_id = 1 AND row = 1":
        "delivery_rows: differs in effect",
}  # fmt: skip


def test_each_row_changed_by_hand_is_found(season: Installation) -> None:
    with season.exchange.registry.writing() as db:
        for name in db.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
            db.execute(text(f"DROP TRIGGER {name}"))
        for statement in DAMAGE:
            db.execute(text(statement))
    rebuilt = rebuild.check(season.exchange)
    assert sorted(f"{one.table}: {one.what}" for one in rebuilt.first) == sorted(DAMAGE.values())
    assert sum(rebuilt.different.values()) == len(DAMAGE)


def test_answers_to_notices_are_replayed_too(asked: Installation, indus: Cast) -> None:
    told = [client["subscriber_id"] for client in indus.listed[-3:]]
    asked.drop(responses("indus", 2, [answer(told[0], "no_vpn"), answer(told[1], "dispute")]))
    asked.run()
    asked.drop(responses("indus", 1, [answer(told[0], "registering"), answer(told[2], "no_vpn", notice_no="N-1")]))
    asked.run()
    rebuilt = rebuild.check(asked.exchange)
    assert (rebuilt.first, rebuilt.equal["responses"]) == ([], 3)
    with asked.exchange.registry.writing() as db:
        db.execute(text("DROP TRIGGER guard_responses_update_kept"))
        db.execute(text("UPDATE responses SET response = 'no_vpn' WHERE response = 'dispute'"))
    [difference] = rebuild.check(asked.exchange).first
    assert (difference.table, difference.what) == ("responses", "differs in response")


def test_missing_bytes_are_named_by_their_delivery(season: Installation) -> None:
    [(sha256,)] = season.rows("SELECT sha256 FROM deliveries WHERE id = 3")
    season.exchange.landing.discard(str(sha256))
    rebuilt = rebuild.check(season.exchange)
    assert (rebuilt.first[0].table, rebuilt.first[0].key) == ("deliveries", "3")
    assert "bytes are missing" in rebuilt.first[0].what


def test_what_deliveries_past_their_retention_touched_is_left_out(season: Installation) -> None:
    [(sha256,)] = season.rows("SELECT sha256 FROM deliveries WHERE id = 3")
    season.exchange.landing.discard(str(sha256))
    with season.exchange.registry.writing() as db:
        erasure.record_discards(db, [3], at=MORNING)
    rebuilt = rebuild.check(season.exchange)
    assert rebuilt.first == []
    assert (rebuilt.discarded, rebuilt.deliveries) == (1, 7)
    assert rebuilt.equal["registrations"] == 30


def test_files_are_judged_again_by_the_rulebook_of_their_day(
    season: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = (*rulebook.rules_of(Feed.REGISTRATIONS), city_is("Quetta", since="1.1"))
    monkeypatch.setitem(rulebook._BY_FEED, Feed.REGISTRATIONS, rules)
    assert "delivery_rows" in {one.table for one in rebuild.check(season.exchange).first}
    with season.exchange.registry.writing() as db:
        db.execute(text("DROP TRIGGER guard_validation_results_update_kept"))
        db.execute(text("UPDATE validation_results SET rulebook_version = '1.0'"))
    assert rebuild.check(season.exchange).is_equal


def test_files_of_rulebooks_that_are_kept_no_longer_are_merged_by_their_verdicts(season: Installation) -> None:
    with season.exchange.registry.writing() as db:
        db.execute(text("DROP TRIGGER guard_validation_results_update_kept"))
        db.execute(text("UPDATE validation_results SET rulebook_version = '0.9'"))
    assert rebuild.check(season.exchange).is_equal


def test_the_command_ends_with_one_when_something_differs(
    season: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "isps"):
        monkeypatch.setenv(f"VPN_REGISTRY_{name.upper()}", str(getattr(season.settings, name)))
    told = CliRunner().invoke(app, ["rebuild", "--check"])
    assert (told.exit_code, "8 deliveries replayed" in told.output) == (0, True)
    assert CliRunner().invoke(app, ["rebuild"]).exit_code == 2
    with season.exchange.registry.writing() as db:
        db.execute(text("UPDATE clients SET decided_seq = 9 WHERE id = 1"))
    told = CliRunner().invoke(app, ["rebuild", "--check", "--json"])
    assert told.exit_code == 1
    assert json.loads(told.output)["different"]["clients"] == 1
