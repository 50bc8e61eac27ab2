"""Mails to the office itself, filled in from include/office: a subject, a plain text and an HTML part each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from vpn_registry.model import PAKISTAN, counted
from vpn_registry.notices.rendering import header_text
from vpn_registry.settings import INCLUDE

FOLDER: Final = INCLUDE / "office"


@dataclass(frozen=True, slots=True)
class OfficeLetter:
    subject: str
    text: str
    html: str


def render_office(name: str, facts: Mapping[str, object], *, is_simulated: bool) -> OfficeLetter:
    """Fill in `<name>.subject`, `<name>.txt` and `<name>.html`. Raises jinja2.UndefinedError for a word not there."""
    known = {**facts, "is_simulated": is_simulated}
    subject = _environment(FOLDER).get_template(f"{name}.subject").render(known)
    marked = f"[Simulation] {subject}" if is_simulated else subject
    text, html = (_environment(FOLDER).get_template(f"{name}.{kind}").render(known) for kind in ("txt", "html"))
    return OfficeLetter(header_text(marked), text, html)


@lru_cache(maxsize=1)
def _environment(folder: Path) -> Environment:
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"day": _day, "moment": _moment, "counted": counted}
    return made


def _day(value: date) -> str:
    """`16 Jun 2026`."""
    return f"{value:%-d %b %Y}"


def _moment(value: datetime) -> str:
    """`16 Jun 2026, 09:00` on Pakistan's clock."""
    return f"{value.astimezone(PAKISTAN):%-d %b %Y, %H:%M}"
