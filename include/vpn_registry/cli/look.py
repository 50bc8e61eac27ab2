"""Commands that look: status, explain, export."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from vpn_registry import settings, terminal
from vpn_registry.cli.exporting import WRITERS
from vpn_registry.cli.options import AsJson, Isp, KnownAt, On, known_isp, refuse_words
from vpn_registry.model import iso_utc, pakistani_day

if TYPE_CHECKING:
    from vpn_registry.pipeline.exchange import Exchange
    from vpn_registry.registry.home import Registry

commands = typer.Typer()

VIEWS = ("registry", "clients", "notices", "findings", "deliveries")


@commands.command()
def status(as_json: AsJson = False) -> None:
    """ISPs, clients by status, coverage, deliveries and notices by state, days to the deadline."""
    from vpn_registry.pipeline.overview import overview

    told = overview(_exchange())
    if as_json:
        typer.echo(json.dumps(told.as_json(), indent=2, ensure_ascii=False))
    else:
        terminal.show_overview(terminal.console(), told)


@commands.command()
def explain(
    isp: Annotated[str, typer.Argument(metavar="ISP")],
    subscriber_id: Annotated[str, typer.Argument(metavar="SUBSCRIBER_ID")],
    on: On = None,
    as_of: KnownAt = None,
    as_json: AsJson = False,
) -> None:
    """Why this client has this status: the key that decided, the registration, the rows and notices that touched it."""
    from vpn_registry.cli.explanation import as_values, show
    from vpn_registry.registry import home, queries

    known_isp(isp)
    registry = home.open_home(settings.load())
    with registry.reading() as db:
        explanation = queries.explain(db, isp, subscriber_id, queries.Then(on, as_of))
    detail = {"isp": isp, "subscriber_id": subscriber_id} | asked_past(on, as_of)
    audit_read(registry, "explain", isp, detail)
    if explanation is None:
        when = "had named it then" if on or as_of else "ever named it"
        typer.echo(f"{isp} {subscriber_id}: no list and no registration {when}.", err=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps(as_values(explanation), indent=2, ensure_ascii=False))
    else:
        show(terminal.console(), isp, subscriber_id, explanation, on or pakistani_day(as_of or registry.now()))


@commands.command()
def export(
    view: Annotated[str, typer.Argument(metavar="VIEW", help=f"One of {', '.join(VIEWS)}.")],
    fmt: Annotated[str, typer.Option("--format", help="csv, json or parquet.")] = "csv",
    isp: Isp = None,
    on: On = None,
    as_of: KnownAt = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file (mode 0600) instead of the screen.")
    ] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show cnic and other_id; needs --reason.")] = False,
    reason: Annotated[str, typer.Option(help="Why they have to be seen; kept in the audit trail.")] = "",
) -> None:
    """One of the registry's views; the export is audited. Identity numbers are hidden unless --reveal says why."""
    from vpn_registry.registry import home, queries

    if view not in VIEWS:
        raise typer.BadParameter(f"{view!r} is none of {', '.join(VIEWS)}")
    if fmt not in WRITERS:
        raise typer.BadParameter(f"{fmt!r} is none of {', '.join(WRITERS)}")
    if reveal:
        why = "say in --reason why identity numbers have to be seen; it is kept in the audit trail"
        refuse_words("reason", reason, why)
    known_isp(isp)
    registry = home.open_home(settings.load())
    decrypt = registry.keys.decrypt_text if reveal else None
    with registry.reading() as db:
        told = queries.stream(db, view, isp=isp, on=on, as_of=as_of, reveal=decrypt)
        detail = {"isp": isp, "rows": told.count, "format": fmt} | asked_past(on, as_of)
        # Before anything is shown: who has seen identity numbers stands in the trail, whatever happens afterwards.
        audit_read(registry, "reveal" if reveal else "export", view, detail | ({"reason": reason} if reveal else {}))
        with shown_or_written(output) as sink:
            WRITERS[fmt](told, sink)


def asked_past(on: date | None, as_of: datetime | None) -> dict[str, str]:
    """Which past was asked for, as the audit trail tells it."""
    told = {"on": on.isoformat() if on else "", "as_of": iso_utc(as_of) if as_of else ""}
    return {name: text for name, text in told.items() if text}


def show_or_write(content: bytes, output: Path | None) -> None:
    """Onto the screen, or into a file that only its owner may read."""
    with shown_or_written(output) as sink:
        sink.write(content)


@contextmanager
def shown_or_written(output: Path | None) -> Iterator[BinaryIO]:
    """Where content goes: the screen, or a file that only its owner may read; BadParameter where there can be none."""
    if output is None:
        yield sys.stdout.buffer
        return
    try:
        opened = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise typer.BadParameter(f"{output} can't be written ({error.strerror})") from None
    with os.fdopen(opened, "wb") as file:
        output.chmod(0o600)  # an older file may have had another mode
        yield file


def _exchange() -> Exchange:
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline.exchange import open_exchange

    return open_exchange(settings.load(), open_sftp=no_sftp)


def audit_read(registry: Registry, action: str, what: str, detail: dict[str, Any]) -> None:
    """Say in the audit trail that somebody looks."""
    from vpn_registry.registry import audit

    with registry.writing() as db:
        audit.record(
            db,
            actor="vpnreg",
            action=action,
            object_type="registry",
            object_id=what,
            detail=detail,
            at=registry.now(),
        )
    # At once, because nobody knows when the next pass will.
    audit.seal(registry, registry.now())
