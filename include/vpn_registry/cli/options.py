"""Options that several commands share, and the reading of their values."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from vpn_registry import roster, settings
from vpn_registry.model import PAKISTAN, ConfigurationError

if TYPE_CHECKING:
    from vpn_registry.registry.home import Registry


_YEARS: Final = range(1900, 3000)
"""Times in these have a day before and after them in every time zone; any other is a slip of the pen."""


def instant(text: str) -> datetime:
    """`2026-06-16T09:00+05:00` as an aware time; without a zone it is Pakistan's. Raises BadParameter."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 2026-06-16T09:00+05:00") from None
    if moment.year not in _YEARS:
        raise typer.BadParameter(f"{text!r} lies outside the years {_YEARS[0]} to {_YEARS[-1]}")
    return moment if moment.tzinfo else moment.replace(tzinfo=PAKISTAN)


def day(text: str) -> date:
    """`2026-06-30` as a day. Raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day like 2026-06-30") from None


AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", parser=instant, metavar="TIME", help="The clock of a simulated home, e.g. 2026-06-16T09:00+05:00."
    ),
]
KnownAt = Annotated[
    datetime | None, typer.Option("--as-of", parser=instant, metavar="TIME", help="As it was known then.")
]
On = Annotated[date | None, typer.Option("--on", parser=day, metavar="DATE", help="As it held at the end of that day.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Isp = Annotated[str | None, typer.Option("--isp", metavar="SLUG", help="Only this ISP.")]


def only_simulated(registry: Registry, command: str, remedy: str) -> None:
    """Raises ConfigurationError on a home that is not simulated, with what to do there."""
    if not registry.is_simulated:
        raise ConfigurationError(f"vpnreg {command} is for simulated homes; here {remedy}.")


def refuse_words(option: str, text: str, why: str) -> None:
    """Raises BadParameter when words that are kept for ever say nothing, or hold an identity number; `why` they are."""
    from vpn_registry.rulebook.responses import struck_out

    if not text.strip():
        raise typer.BadParameter(why)
    if struck_out(text) != text:
        raise typer.BadParameter(f"--{option} holds what reads as an identity card number; leave it out, it is kept")


def known_isp(slug: str | None) -> None:
    """Raises BadParameter for an ISP that is not in the roster."""
    here = settings.load()
    if slug is not None and slug not in roster.load_isps(here.isps, here.home):
        raise typer.BadParameter(f"{slug!r} is not an ISP of the roster; `vpnreg isp list` shows them")
