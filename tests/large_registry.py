"""A registry of any size, made by SQL: what counts is how many rows there are, not how they came."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from vpn_registry.registry.engine import WRITER, engine_for
from vpn_registry.registry.home import Registry

AT: Final = datetime(2026, 6, 16, 4, 0, tzinfo=UTC)
_SQL: Final = Path(__file__).with_suffix(".sql")
_STAGES: Final = 40
"""Notices that each ISP got, the last one held."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many of what there are: `runs` and `files` of each ISP, `findings` in delivery 77, all else altogether.

    ISPs are called isp0, isp1 .., their clients c0-0, c0-1 .. Pages are asked of isp7 and of its client c7-100.
    """

    isps: int
    clients: int
    registrations: int
    runs: int
    files: int
    findings: int
    cases: int
    events: int


def fill(registry: Registry, size: Size) -> None:
    """Rows straight into the tables of an empty registry, and statistics on them."""
    each = size.clients // size.isps
    counts = {"registered": each * 7 // 10, "unregistered": each // 5, "expired": each // 20, "exempt": each // 20}
    given = asdict(size) | {
        "deliveries": size.isps * size.files, "now": f"{AT:%Y-%m-%d %H:%M:%S.%f}", "counts": json.dumps(counts),
        "found": json.dumps({"H101": 2, "H110": 1, "W105": 3}),
        "counted": json.dumps({"to_register": each // 4, "comparable": each, "covered": each * 7 // 10}),
        "told": json.dumps({"isp": "isp7", "run": "collect_deliveries/scheduled__2026-06-16"}),
    }  # fmt: skip
    with registry.writing() as db:
        _provide(db)
        for statement in _SQL.read_text(encoding="utf-8").split(";"):
            if statement.strip():
                db.execute(text(statement), given)
    with engine_for(registry.settings.database_url).connect() as connection:
        outside = connection.execution_options(
            isolation_level="AUTOCOMMIT", **{WRITER: True}
        )  # what PostgreSQL's own housekeeping does
        outside.execute(text("VACUUM ANALYZE" if outside.dialect.name == "postgresql" else "ANALYZE"))


def pages(size: Size) -> tuple[str, ...]:
    """Addresses of the page that show something of such a registry, those behind long lists too."""
    notice = f"N-2026-{100_000 + (_STAGES - 2) * size.isps + 7}"
    return (
        "/", "/isps/isp7", "/deliveries", "/deliveries?told=rejected&page=3", "/deliveries?code=H101", "/deliveries/77",
        "/deliveries/77/findings?page=30", "/isps/isp7/clients", "/isps/isp7/clients?status=expired&page=20",
        "/isps/isp7/clients/c7-100", "/filers", "/cases", "/cases?show=all&page=30", "/notices", f"/notices/{notice}",
        "/rules", "/find?q=c7-100",
    )  # fmt: skip


def write_roster(folder: Path, size: Size) -> None:
    """The file of each ISP, as it is on a machine that looks at such a registry."""
    contact = '[[contacts]]\nname = "Desk"\nemail = "desk@isp.example"\nrole = "compliance"\n'
    for number in range(size.isps):
        own = f'name = "ISP {number}"\nlicence = "L"\nfolder = "zones/isp{number}"\nprefixes = []\n'
        (folder / f"isp{number}.toml").write_text(own + contact, encoding="utf-8")


def _provide(db: Any) -> None:
    """What the SQL calls and the databases don't have alike."""
    if db.get_bind().dialect.name == "sqlite":
        connection = db.connection().connection.driver_connection
        connection.create_function("ago", 2, _ago, deterministic=True)
        connection.create_function("as_json", 1, str, deterministic=True)
        return
    for statement in (
        "CREATE FUNCTION ago(now text, days bigint) RETURNS timestamptz LANGUAGE sql STABLE"
        " AS $$SELECT (now || '+00')::timestamptz - days * interval '1 day'$$",
        "CREATE FUNCTION as_json(value text) RETURNS json LANGUAGE sql STABLE AS $$SELECT value::json$$",
    ):
        db.connection().exec_driver_sql(statement)


def _ago(now: str, days: int) -> str:
    return f"{datetime.fromisoformat(now) - timedelta(days=days):%Y-%m-%d %H:%M:%S.%f}"
