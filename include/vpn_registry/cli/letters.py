"""The command about letters that are not sent yet: preview."""

from __future__ import annotations

from typing import Annotated

import typer

from vpn_registry import notices, roster, settings
from vpn_registry.model import LANGUAGES, ConfigurationError

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
