"""Commands about letters: preview, before they are sent; letter, one that was; dossier, when all have been."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vpn_registry import roster, settings
from vpn_registry.cli.look import audit_read, show_or_write
from vpn_registry.cli.options import AsJson, known_isp, refuse_words
from vpn_registry.model import LANGUAGES, ConfigurationError

commands = typer.Typer()

FORMATS = ("text", "html")


@commands.command()
def preview(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Such as T-14, T+7, extended or silent.")],
    isp: Annotated[str, typer.Option("--isp", metavar="SLUG", help="To whom the letter is written.")],
    client: Annotated[
        str, typer.Option(metavar="CLIENT", help="As about this client alone, which has a deadline of its own.")
    ] = "",
    lang: Annotated[str, typer.Option("--lang", help="en or ur; otherwise the ISP's own.")] = "",
    shown: Annotated[str, typer.Option("--format", help="text, or html for a browser.")] = "text",
) -> None:
    """A letter as an ISP would get it, filled with invented clients; needs no registry, sends nothing."""
    from vpn_registry import notices

    here = settings.load()
    isps = roster.load_isps(here.isps, here.home)
    if isp not in isps:
        raise typer.BadParameter(f"{isp!r} is not an ISP of the roster; `vpnreg isp list` shows them")
    if lang and lang not in LANGUAGES:
        raise typer.BadParameter(f"--lang takes {' or '.join(LANGUAGES)}, not {lang!r}")
    if shown not in FORMATS:
        raise typer.BadParameter(f"--format takes {' or '.join(FORMATS)}, not {shown!r}")
    try:
        told = roster.load_campaign()
        letter = notices.specimen(notices.load_letters(), stage, isps[isp], told, lang, client=client)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"Subject: {letter.subject}\n\n{letter.text}" if shown == "text" else letter.html)


@commands.command()
def letter(
    notice_no: Annotated[str, typer.Argument(metavar="NOTICE_NO", help="Such as N-2026-000017.")],
    shown: Annotated[str, typer.Option("--format", help="text, html, or csv: its attachment.")] = "text",
    check: Annotated[
        bool, typer.Option("--check", help="Make it anew from what is stored, and end with 1 where it differs.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file (mode 0600) instead of the screen.")
    ] = None,
) -> None:
    """A letter as it was sent, byte by byte; --check proves that it follows from its data, form and rules."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline.again import again
    from vpn_registry.pipeline.exchange import open_exchange

    if shown not in (*FORMATS, "csv"):
        raise typer.BadParameter(f"--format takes text, html or csv, not {shown!r}")
    exchange = open_exchange(settings.load(), open_sftp=no_sftp)
    audit_read(exchange.registry, "letter", notice_no, {"notice": notice_no, "is_check": check})
    found = again(exchange, notice_no)
    if found is None:
        typer.echo(f"No copy of a notice {notice_no} has left.", err=True)
        raise typer.Exit(1)
    if not check:
        show_or_write({"text": found.text.encode(), "html": found.html.encode(), "csv": found.csv}[shown], output)
        return
    typer.echo(f"{notice_no}: {found.verdict}")
    if not found.is_same:
        raise typer.Exit(1)


@commands.command()
def dossier(
    isp: Annotated[str, typer.Argument(metavar="ISP")],
    reason: Annotated[str, typer.Option(help="For whom it is put together, and why; kept in the audit trail.")],
    as_json: AsJson = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file (mode 0600) instead of the screen.")
    ] = None,
) -> None:
    """What the legal section gets about an ISP: letters, filings, answers, and each client still to register."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline.dossier import assemble
    from vpn_registry.pipeline.exchange import open_exchange

    refuse_words("reason", reason, "say in --reason for whom it is; it is kept in the audit trail")
    known_isp(isp)
    exchange = open_exchange(settings.load(), open_sftp=no_sftp)
    audit_read(exchange.registry, "dossier", isp, {"isp": isp, "reason": reason})
    told = assemble(exchange, exchange.isps[isp])
    text = json.dumps(told.as_json(), indent=2, ensure_ascii=False) if as_json else "\n".join(told.lines())
    show_or_write(f"{text}\n".encode(), output)
