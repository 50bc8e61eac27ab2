"""A backup restored, on both databases: nothing that came after it is lost, sent again or numbered twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.installation import Cast, Installation, clients, no_sleep, registrations
from vpn_registry.model import ConfigurationError, Mode
from vpn_registry.pipeline import backup, collect, dispatch, notify
from vpn_registry.pipeline import house as keeping
from vpn_registry.pipeline.restore import Restored, restore
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.keys import KeyRing
from vpn_registry.retention import Kept, load_retention


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server_url")
        url = f"{server}restored_{tmp_path.name[-40:].replace('-', '_')}"
    made = Installation(tmp_path / "home", database_url=url)
    yield made
    engine_for(made.settings.database_url).dispose()


def filed(home: Installation, indus: Cast, seq: int) -> str:
    """Two more registrations and a client that has none; the registrations file's name."""
    named = registrations("indus", seq, indus.registered(2), Mode.DELTA)
    home.drop(named)
    indus.open(1)
    home.drop(clients("indus", seq, indus.listed))
    home.run()
    return named[0]


def sent(home: Installation) -> list[str]:
    """Plan, brake, approve and send whatever is due; who got something."""
    before = len(home.relay.accepted)
    notify.plan(home.exchange)
    notify.brake(home.exchange)
    notify.approve(home.exchange.registry, actor="tester", reason="figures checked")
    dispatch.send(home.exchange, "indus", home.relay, holder="test", sleep=no_sleep)
    return home.relay.recipients[before:]


def put_back(home: Installation, folder: Path, *, is_replacing: bool = True) -> Restored:
    return restore(home.settings, folder, lambda: home.at(timedelta(0)), replace=is_replacing)


def numbers(home: Installation) -> dict[object, object]:
    query = "SELECT registration_ref, national_no FROM registrations"
    return dict(home.rows(query))


def test_what_happened_after_the_backup_is_made_good(home: Installation, indus: Cast, tmp_path: Path) -> None:
    filed(home, indus, 1)
    made = backup.make(home.exchange, tmp_path / "backups")
    assert not [path for path in made.rglob("*") if "key" in path.name]
    later = filed(home, indus, 2)
    told = numbers(home)
    assert sent(home) == ["compliance@indus.example"]

    done = put_back(home, tmp_path / "backups")
    assert sorted(done.again) == sorted(
        ["indus incoming/" + later, "indus incoming/" + later.replace("registrations_delta", "clients_full")]
    )
    assert (done.lost, done.missing, done.broken_at, done.knows_after) == ([], [], None, True)
    assert done.uncertain == ["N-2026-000001"]
    assert home.rows("SELECT state FROM messages") == [("uncertain",)]
    assert home.rows("SELECT kind FROM cases WHERE closed_at IS NULL") == [("uncertain_message",)]

    home.run()
    assert home.result("indus", later)["outcome"] == "accepted"
    after = numbers(home)
    assert after.keys() == told.keys()
    assert [after[ref] for ref in told if after[ref] != told[ref] and after[ref] in told.values()] == []
    assert sent(home) == []
    assert home.relay.recipients == ["compliance@indus.example"]
    assert put_back(home, made).again == done.again


def test_a_file_that_was_listed_before_the_backup_and_taken_after_it_is_taken_once(
    home: Installation, indus: Cast, tmp_path: Path
) -> None:
    name, data = registrations("indus", 1, indus.registered(2), Mode.DELTA)
    home.drop((name, data))
    collect.zones_with_mail(home.exchange, sleep=no_sleep)
    assert home.rows("SELECT state FROM deliveries") == [("seen",)]
    backup.make(home.exchange, tmp_path / "backups")
    home.run()

    assert put_back(home, tmp_path / "backups").again == [f"indus incoming/{name}"]
    home.run()
    assert home.rows("SELECT state, outcome FROM deliveries") == [("answered", "accepted")]


def test_an_approved_message_that_was_sent_after_the_backup_waits_for_a_person(
    home: Installation, indus: Cast, tmp_path: Path
) -> None:
    filed(home, indus, 1)
    notify.plan(home.exchange)
    backup.make(home.exchange, tmp_path / "backups")
    assert sent(home) == ["compliance@indus.example"]
    assert put_back(home, tmp_path / "backups").uncertain == ["N-2026-000001"]
    assert home.rows("SELECT m.state, n.state FROM messages m JOIN notices n ON n.id = m.notice_id") == [
        ("uncertain", "uncertain")
    ]
    assert sent(home) == []


def test_a_lost_home_is_filled_from_the_backup_and_what_is_unknown_is_said(
    home: Installation, indus: Cast, tmp_path: Path
) -> None:
    filed(home, indus, 1)
    backup.make(home.exchange, tmp_path / "backups")
    later = filed(home, indus, 2)
    shutil.rmtree(home.settings.landing)
    done = put_back(home, tmp_path / "backups")
    assert done.again == []
    assert f"indus incoming/{later}" in done.lost
    assert len(list(home.exchange.landing)) == 2
    home.settings.journal.unlink()
    assert not put_back(home, tmp_path / "backups").knows_after
    assert home.settings.journal.exists()


@pytest.fixture
def make_backup(house: Installation, tmp_path: Path) -> Callable[[], Path]:
    return lambda: backup.make(house.exchange, tmp_path / "backups")


def test_a_backup_costs_what_is_new_and_appears_whole(
    house: Installation, make_backup: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sha256 = house.exchange.landing.put(b"one")
    first = make_backup()
    second = make_backup()
    place = f"landing/{sha256[:2]}/{sha256}.enc"
    assert (first / place).samefile(second / place)
    house.exchange.landing.renew(sha256)
    assert not (make_backup() / place).samefile(first / place)

    def is_full(*_: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(backup, "_copy_landing", is_full)
    with pytest.raises(OSError, match="no space"):
        make_backup()
    assert len(list((tmp_path / "backups").iterdir())) == 3


def test_old_backups_go_and_the_newest_stays(
    house: Installation, make_backup: Callable[[], Path], tmp_path: Path
) -> None:
    first, second = make_backup(), make_backup()
    settings = replace(house.settings, backups=tmp_path / "backups")
    exchange = replace(house.exchange, registry=replace(house.exchange.registry, settings=settings))
    assert keeping.erase(exchange)["backups"] == 0
    old = [path.rename(path.with_name(f"2025{path.name[4:]}")) for path in (first, second)]
    assert keeping.erase(exchange)["backups"] == 1
    assert backup.made(tmp_path / "backups") == old[1:]
    assert keeping.backup(house.exchange) == ""
    assert keeping.backup(exchange) == backup.made(tmp_path / "backups")[-1].name


def test_nothing_is_put_back_over_a_registry_without_a_word_or_without_its_key(
    house: Installation, make_backup: Callable[[], Path], tmp_path: Path
) -> None:
    made = make_backup()
    with pytest.raises(ConfigurationError, match="--replace puts the backup in its place"):
        put_back(house, made, is_replacing=False)
    with pytest.raises(ConfigurationError, match="there is no backup in this folder"):
        put_back(house, tmp_path)
    key = house.settings.key_file.rename(house.home / "kept.key")
    with pytest.raises(ConfigurationError, match="the key file is missing"):
        put_back(house, made)
    KeyRing.create(house.settings.key_file)
    with pytest.raises(ConfigurationError, match="not the key file this registry was set up with"):
        put_back(house, made)
    key.replace(house.settings.key_file)
    (made / "registry.sqlite").write_bytes(b"damaged")
    with pytest.raises(ConfigurationError, match="the copy of the database is damaged"):
        put_back(house, made)


def test_the_rules_of_retention_hold_for_backups_too() -> None:
    assert load_retention()[Kept.BACKUPS].days == 35
