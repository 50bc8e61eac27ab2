"""A new key without a stop: old values stay readable, all of them can be brought under it, matching never changes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.unit.registry.filing import AT, add, file_clients, file_registrations
from vpn_registry.model import ConfigurationError
from vpn_registry.registry import home, queries, rotation
from vpn_registry.registry.home import Registry
from vpn_registry.registry.keys import KeyRing

CNICS = ("3520212345671", "42101-1234567-1", "6110112345673")


def filed(registry: Registry) -> None:
    file_registrations(registry, 1, *(add(ref, cnic=cnic) for ref, cnic in zip("abc", CNICS, strict=True)))
    file_clients(
        registry, 1, {"subscriber_id": "s-a", "client_name": "Firm", "other_id": "AB 12", "other_id_key": "AB12"}
    )


def rotated(registry: Registry) -> Registry:
    rotation.rotate(registry)
    return home.open_home(registry.settings)


def revealed(registry: Registry) -> list[str]:
    with registry.reading() as db:
        frame = queries.export(db, "registry", reveal=registry.keys.decrypt_text)
    return sorted(frame["cnic"])


def fingerprints(registry: Registry) -> list[Any]:
    with registry.reading() as db:
        return list(db.execute(text("SELECT cnic_fingerprint FROM registration_versions ORDER BY id")).scalars())


def keys_in_use(registry: Registry) -> set[str]:
    found = set()
    with registry.reading() as db:
        for table in ("registration_versions", "client_versions"):
            rows = db.execute(text(f"SELECT cnic_cipher, other_id_cipher FROM {table}"))  # noqa: S608 - two fixed names
            found |= {KeyRing.key_of(base64.b64decode(cipher)) for row in rows for cipher in row if cipher}
    return found


def test_after_a_rotation_old_values_are_read_and_new_ones_use_the_new_key(registry: Registry) -> None:
    filed(registry)
    renewed = rotated(registry)
    assert renewed.keys.active == "k2"
    assert revealed(renewed) == sorted(CNICS)
    file_registrations(renewed, 2, add("d", cnic=CNICS[0]))
    assert keys_in_use(renewed) == {"k1", "k2"}
    assert fingerprints(renewed)[0] == fingerprints(renewed)[3]


def test_everything_comes_under_the_newest_key_also_when_stopped_half_way(registry: Registry) -> None:
    filed(registry)
    before = fingerprints(registry)
    renewed = rotated(registry)
    batches = rotation.reencrypt_numbers(renewed, batch=2)
    assert next(batches) == 2
    assert keys_in_use(renewed) == {"k1", "k2"}
    assert list(rotation.reencrypt_numbers(renewed, batch=2)) == [1, 1]
    assert keys_in_use(renewed) == {"k2"}
    assert list(rotation.reencrypt_numbers(renewed, batch=2)) == []
    assert (revealed(renewed), fingerprints(renewed)) == (sorted(CNICS), before)
    with renewed.reading() as db:
        told = db.execute(text("SELECT count(*) FROM audit_events WHERE action IN ('rotate_keys', 'reencrypt')"))
        assert told.scalar() == 4


def test_a_number_that_somebody_changed_is_not_passed_off_as_filed(registry: Registry) -> None:
    filed(registry)
    with registry.writing() as db:
        forged = registry.keys.encrypt_text("3520200000001")
        db.execute(text("UPDATE registration_versions SET cnic_cipher = :forged WHERE id = 2"), {"forged": forged})
    with pytest.raises(rotation.WrongValueError, match="registration_versions 2: the stored cnic is not the one"):
        list(rotation.reencrypt_numbers(rotated(registry)))


def test_with_the_ciphertext_nothing_else_of_a_version_changes(registry: Registry) -> None:
    filed(registry)
    for change in (
        "client_name = 'X', cnic_cipher = 'x'",
        "cnic_cipher = NULL",
        "cnic_cipher = ''",
        "cnic_fingerprint = 'x'",
    ):
        with pytest.raises(DBAPIError), registry.writing() as db:
            db.execute(text(f"UPDATE registration_versions SET {change} WHERE id = 1"))  # noqa: S608 - fixed texts


def test_a_key_file_that_lacks_a_key_in_use_or_holds_another_stops_the_start(registry: Registry) -> None:
    path = registry.settings.key_file
    whole = path.read_text()
    rotated(registry)
    newest = json.loads(path.read_text())
    path.write_text(whole)
    with pytest.raises(ConfigurationError, match=r"key k2, .*is missing or another one"):
        home.open_home(registry.settings)
    newest["keys"]["k1"] = newest["keys"]["k2"]
    path.write_text(json.dumps(newest))
    with pytest.raises(ConfigurationError, match="key k1"):
        home.open_home(registry.settings, as_of=AT)
    with pytest.raises(ConfigurationError, match="the key file is missing"):
        home.open_home(replace(registry.settings, key_file=path.with_name("none")))


def test_a_rotation_that_died_half_way_changes_nothing_and_can_be_repeated(registry: Registry) -> None:
    path = registry.settings.key_file
    path.with_name(f".{path.name}.new").write_text("half")
    assert rotated(registry).keys.ids() == ("k1", "k2")
    assert path.stat().st_mode & 0o777 == 0o600
