"""Setting a home up, its keys, and its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from tests.unit.registry.filing import AT, add, file_registrations
from vpn_registry.model import ConfigurationError
from vpn_registry.registry import home, ledger
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.home import Registry
from vpn_registry.registry.keys import KeyRing
from vpn_registry.registry.tables import metadata
from vpn_registry.settings import Settings, load

MakeSettings = Callable[[], Settings]


def test_a_home_that_is_not_set_up_is_refused_in_one_sentence(make_settings: MakeSettings) -> None:
    with pytest.raises(ConfigurationError, match="run `vpnreg db upgrade`"):
        home.open_home(make_settings())


def test_an_upgrade_sets_up_and_may_be_repeated(make_settings: MakeSettings) -> None:
    settings = make_settings()
    assert home.upgrade(settings) == home.upgrade(settings)
    registry = home.open_home(settings)
    assert not registry.is_simulated
    assert registry.now().tzinfo is not None


@pytest.mark.parametrize(
    ("schema", "remedy"),
    [("0001", "run `vpnreg db upgrade`"), ("9999", "run the newer program, or restore")],
)
def test_another_schema_is_refused(schema: str, remedy: str, make_settings: MakeSettings) -> None:
    settings = make_settings()
    home.upgrade(settings)
    with home.open_home(settings).writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = :schema"), {"schema": schema})
    with pytest.raises(ConfigurationError, match=f"is at schema {schema}.*{remedy}"):
        home.open_home(settings)


def test_an_upgrade_refuses_a_newer_programs_database(make_settings: MakeSettings) -> None:
    settings = make_settings()
    home.upgrade(settings)
    with home.open_home(settings).writing() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match=r"is at schema 9999, newer than .* run the newer program"):
        home.upgrade(settings)


def test_a_home_that_is_no_folder_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file", "ascii")
    with pytest.raises(ConfigurationError, match=r"/var can't be made a folder .*check VPN_REGISTRY_HOME"):
        home.upgrade(load({"VPN_REGISTRY_HOME": str(tmp_path / "var")}))


def test_the_migrations_lead_to_the_tables_as_declared(registry: Registry) -> None:
    with engine_for(registry.settings.database_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_missing_key_file_is_refused_and_never_made_anew(make_settings: MakeSettings) -> None:
    settings = make_settings()
    home.upgrade(settings)
    settings.key_file.unlink()
    for start in (home.open_home, home.upgrade):
        with pytest.raises(ConfigurationError, match="the key file is missing"):
            start(settings)


def test_another_registrys_key_file_is_refused(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    home.upgrade(settings)
    KeyRing.create(tmp_path / "other.key")
    for start in (home.open_home, home.upgrade):
        with pytest.raises(ConfigurationError, match="not the key file this registry was set up with"):
            start(replace(settings, key_file=tmp_path / "other.key"))


def test_an_empty_home_becomes_simulated_and_its_clock_moves_forward_only(make_settings: MakeSettings) -> None:
    settings = make_settings()
    assert home.open_home(settings, as_of=AT).now() == AT
    later = AT + timedelta(days=1)
    assert home.open_home(settings, as_of=later).now() == later
    assert home.open_home(settings).now() == later
    with pytest.raises(ConfigurationError, match="lies before"):
        home.open_home(settings, as_of=AT)


def test_a_home_in_use_never_becomes_simulated(make_settings: MakeSettings) -> None:
    settings = make_settings()
    home.upgrade(settings)
    file_registrations(home.open_home(settings), 1, add("a"))
    with pytest.raises(ConfigurationError, match="only for a simulated home"):
        home.open_home(settings, as_of=AT)


def test_a_naive_instant_is_refused(registry: Registry) -> None:
    naive = AT.replace(tzinfo=None)
    with pytest.raises(ConfigurationError, match="names no time zone"):
        home.open_home(registry.settings, as_of=naive)
    with pytest.raises(StatementError, match="has no time zone"), registry.writing() as db:
        ledger.record_listing(db, "indus", at=naive, error=None)


def test_a_failed_block_writes_nothing(registry: Registry) -> None:
    with pytest.raises(IntegrityError), registry.writing() as db:
        _list_and_fail(db)
    with registry.reading() as db:
        assert ledger.isps_with_work(db) == set()


def _list_and_fail(db: Session) -> None:
    ledger.record_listing(db, "indus", at=AT, error="It does not answer.")
    db.execute(text("INSERT INTO counters (series) VALUES ('x')"))


def test_keys_match_encrypt_and_show_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "registry.key"
    ring = KeyRing.create(path)
    again = KeyRing.load(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ring.fingerprint("42101") == again.fingerprint("42101") != ring.fingerprint("42102")
    assert again.decrypt(ring.encrypt(b"secret")) == b"secret"
    assert ring.encrypt(b"secret") != ring.encrypt(b"secret")
    assert repr(ring) == "KeyRing(active='k1')"
    with pytest.raises(ConfigurationError, match="never overwritten"):
        KeyRing.create(path)


@pytest.mark.parametrize("position", [0, 4, 8, 20, -1])
def test_a_damaged_ciphertext_is_refused(tmp_path: Path, position: int) -> None:
    ring = KeyRing.create(tmp_path / "registry.key")
    cipher = bytearray(ring.encrypt(b"secret"))
    cipher[position] ^= 1
    with pytest.raises(ValueError, match="stored ciphertext"):
        ring.decrypt(bytes(cipher))


def test_a_key_file_others_may_read_or_that_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.key"
    KeyRing.create(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="others may read"):
        KeyRing.load(path)
    path.chmod(0o600)
    path.write_text('{"active": "k1"}')
    with pytest.raises(ConfigurationError, match="damaged"):
        KeyRing.load(path)
