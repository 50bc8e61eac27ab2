"""What the database itself keeps: versions, numbers and audit events; and that both databases keep the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from tests.unit.registry.filing import AT, add, file_clients, file_registrations, withdraw
from vpn_registry.model import Mode
from vpn_registry.registry import audit, cases, home
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import metadata
from vpn_registry.settings import Settings

VERSION_TEXTS = ("client_name", "ntn", "ntn_key", "cnic_fingerprint", "cnic_cipher", "other_id_fingerprint")


def event(registry: Registry, object_id: str) -> None:
    with registry.writing() as db:
        audit.record(
            db, actor="tester", action="try", object_type="delivery", object_id=object_id, detail={"n": 1}, at=AT
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registration_versions SET client_name = 'X'",
        "UPDATE registration_versions SET client_name = NULL",
        "DELETE FROM registration_versions",
        "UPDATE registrations SET national_no = 'VPN-2026-0000009'",
        "DELETE FROM registrations",
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "UPDATE audit_seals SET sha256 = 'x'",
        "DELETE FROM audit_seals",
    ],
)
def test_history_is_only_added_to(registry: Registry, statement: str) -> None:
    file_registrations(registry, 1, add("a"))
    event(registry, "1")
    audit.seal(registry, AT)
    with pytest.raises(DBAPIError), registry.writing() as db:
        db.execute(text(statement))


def test_erasing_the_personal_columns_keeps_the_lineage(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    table = metadata.tables["registration_versions"]
    kept = {"id", "row", "seq", "action", "is_overtaken", "learnt_at", "content_sha256", "current_id", "delivery_id"}
    erased: dict[str, Any] = {column.name: None for column in table.columns if column.name not in kept}
    with registry.writing() as db:
        db.execute(table.update().values(**{**erased, "erased_at": AT}))
    with registry.reading() as db:
        row = db.execute(select(table)).one()
    assert (row.client_name, row.seq, row.erased_at) == (None, 1, AT)


def test_the_audit_chain_holds_and_tells_its_unsealed_tail(registry: Registry) -> None:
    for number in range(3):
        event(registry, str(number))
    assert audit.seal(registry, AT) == 3
    event(registry, "4")
    with registry.reading() as db:
        chain = audit.verify(db)
    assert (chain.sealed, chain.unsealed, chain.broken_at) == (3, 1, None)
    assert audit.seal(registry, AT) == 1
    assert audit.seal(registry, AT) == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit_events SET actor = 'nobody' WHERE object_id = '1'",
        "UPDATE audit_events SET object_id = '7' WHERE object_id = '1'",
        "UPDATE audit_seals SET previous_sha256 = sha256 WHERE id = 2",
        "DELETE FROM audit_seals WHERE id = 2",
    ],
)
def test_a_change_behind_the_triggers_is_found(registry: Registry, damage: str) -> None:
    for number in range(3):
        event(registry, str(number))
    audit.seal(registry, AT)
    with registry.writing() as db:
        for table in ("audit_events", "audit_seals"):
            for action in ("update", "delete"):
                on_table = "" if db.get_bind().dialect.name == "sqlite" else f" ON {table}"
                db.execute(text(f"DROP TRIGGER guard_{table}_{action}_kept{on_table}"))
        db.execute(text(damage))
    with registry.reading() as db:
        broken_at = audit.verify(db).broken_at
    assert broken_at is not None
    assert broken_at > 1


def test_a_subject_has_one_open_case_of_a_kind(registry: Registry) -> None:
    with registry.writing() as db:
        first = cases.open_case(db, "indus", "conflict", "a", reason="Two claim it.", at=AT)
        assert cases.open_case(db, "indus", "conflict", "a", reason="Again.", at=AT) == first
        assert cases.open_case(db, "indus", "conflict", "b", reason="Another.", at=AT) != first
        assert len(cases.open_cases(db, "indus")) == 2
        assert cases.open_cases(db, "ravi") == []


def _season(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", cnic="3520212345671"), add("b", name='"Quoted, Ltd", اردو'), add("c"))
    file_registrations(registry, 4, add("a", name="New"), withdraw("c"), withdraw("x"))
    file_registrations(registry, 3, add("a", name="Old"), add("d"))
    file_registrations(registry, 6, add("a", name="New"), mode=Mode.FULL, protected_refs=["b"])
    file_registrations(registry, 5, add("e"), add("b"))
    for seq, names in ((1, "12"), (3, "23"), (2, "14")):
        file_clients(registry, seq, *({"subscriber_id": s, "client_name": f"Client {s}"} for s in names))
    event(registry, "1")
    audit.seal(registry, AT + timedelta(hours=1))


def _dump(registry: Registry) -> str:
    """Every table in full; ciphertext is another each time, and what depends on the keys of a home is left out."""
    dumped: dict[str, list[str]] = {}
    with registry.reading() as db:
        for table in metadata.sorted_tables:
            columns = [column for column in table.columns if not column.name.endswith(("_cipher", "_mark"))]
            rows = db.execute(select(*columns).order_by(*table.primary_key.columns))
            dumped[table.name] = [str(tuple(row)) for row in rows]
    return json.dumps(dumped, indent=1)


@pytest.mark.postgres
def test_sqlite_and_postgresql_keep_the_same(tmp_path: Path, postgres_server_url: str) -> None:
    urls: dict[str, Callable[[Path], str]] = {
        "sqlite": lambda folder: f"sqlite:///{folder / 'registry.sqlite'}",
        "postgresql": lambda _: f"{postgres_server_url}equal_dumps",
    }
    with psycopg.connect(f"{postgres_server_url}postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE equal_dumps"))
    dumps = []
    for kind, url in urls.items():
        folder = tmp_path / kind
        settings = Settings(folder, url(folder), folder, tmp_path / "registry.key")
        registry = home.open_home(settings, as_of=AT)
        _season(registry)
        dumps.append(_dump(registry))
        engine_for(settings.database_url).dispose()
    assert dumps[0] == dumps[1]
