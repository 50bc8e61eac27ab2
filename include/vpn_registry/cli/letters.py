"""Commands about letters: preview, before they are sent; letter, one that was; dossier, when all have been."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vpn_registry import roster, settings
from vpn_registry.cli.look import audit_read, show_or_write
from vpn_registry.cli.options import AsJson, known_isp
from vpn_registry.model import LANGUAGES, ConfigurationError, iso_utc

if TYPE_CHECKING:
    from vpn_registry.pipeline.dossier import Dossier

commands = typer.Typer()

FORMATS = ("text", "html")


@commands.command()
def preview(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="Such as T-14, T+7, extended or silent.")],
    isp: Annotated[str, typer.Option("--isp", metavar="SLUG", help="To whom the letter is written.")],
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
        letter = notices.specimen(notices.load_letters(), stage, isps[isp], roster.load_campaign(), lang)
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

    if not reason.strip():
        raise typer.BadParameter("say in --reason for whom it is; it is kept in the audit trail")
    known_isp(isp)
    exchange = open_exchange(settings.load(), open_sftp=no_sftp)
    audit_read(exchange.registry, "dossier", isp, {"isp": isp, "reason": reason})
    told = assemble(exchange, exchange.isps[isp])
    text = json.dumps(told.as_json(), indent=2, ensure_ascii=False) if as_json else "\n".join(_lines(told))
    show_or_write(f"{text}\n".encode(), output)


def _lines(told: Dossier) -> Iterator[str]:
    yield f"{told.name} ({told.isp}), licence {told.licence or 'not on file'}"
    yield f"{told.campaign}; as of {iso_utc(told.as_of)}{' (simulated)' if told.is_simulated else ''}"
    yield f"Legal base: {told.legal_base}"
    yield f"Client list compared: {told.list_on or 'none accepted'}"
    yield "\nDeadlines"
    for one in told.deadlines:
        whose = f" for {one.only} alone" if one.only else ""
        yield f"  {one.ends_on}{whose}, entered {one.entered_on}: {one.source}"
    yield f"\nLetters ({len(told.letters)})"
    for letter in told.letters:
        copies = ", ".join(f"{email} {state}" for email, state in letter.recipients.items())
        about = f"{letter.to_register} to register, {letter.to_check} to check, by {letter.deadline}"
        yield f"  {letter.sent_on} {letter.notice_no} {letter.stage}: {about}; {copies}"
    yield from (f"  not sent: {one}" for one in told.not_sent)
    yield f"\nClients still to register, or disputed ({len(told.clients)})"
    for client in told.clients:
        yield f"  {client.subscriber_id}: {client.status} since {client.since}. {client.reason}"
        yield f"    named in {len(client.letters)} letters" + (
            f": {', '.join(client.letters)}" if client.letters else ""
        )
        yield from (f"    answered {answer}" for answer in client.answers)
        yield from (f"    {case}" for case in client.cases)
    yield f"\nFilings ({len(told.filings)})"
    yield from (f"  {filing}" for filing in told.filings)
    yield "\nThis is a record for people to decide on. Nothing has been disconnected or blocked."
