"""Templates to pages: autoescaped, strict about what is missing, with the few filters all of them use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vpn_registry.model import PAKISTAN, Status, counted, percentage
from vpn_registry.pipeline.decisions import KINDS

GOOD: Final = frozenset({"accepted", "answered", "registered", "sent", "exempt"})
BAD: Final = frozenset({"rejected", "failed", "uncertain", "unregistered", "expired", "withdrawn", "error"})
WAITING: Final = frozenset(
    {"held", "partial", "expiring", "mismatch", "review", "undeclared", "disputed", "warning", "planned", "approved"}
)

STATUS_WORDS: Final[Mapping[str, str]] = {
    Status.REGISTERED: "a registration in force pairs and outlives the deadline and the next 30 days",
    Status.EXPIRING: "a registration pairs but ends by the deadline or within 30 days",
    Status.UNREGISTERED: "uses a VPN, and nothing pairs",
    Status.EXPIRED: "only an ended registration pairs",
    Status.WITHDRAWN: "only a withdrawn registration pairs",
    Status.REJECTED: "the ISP tried; its last row was refused",
    Status.MISMATCH: "paired by id, but no address or number in common",
    Status.REVIEW: "a person decides whether a registration is the client's",
    Status.DISPUTED: "an open case of the ISP's dispute",
    Status.EXEMPT: "need not be registered",
    Status.UNDECLARED: "nobody said whether a VPN is used",
    Status.NOT_COMPARABLE: "the client list is missing or too old",
}
"""What each status means, in the order in which the page lists them (contract section 7)."""


MOVES: Final = {
    "new": "newly to register", "resolved": "to register no longer", "changed": "changed otherwise",
    "gone": "gone from the list",
}  # fmt: skip
"""How a comparison's clients differ from those of the one before, in words."""


@lru_cache(maxsize=1)
def environment(templates: Path) -> Environment:
    """The page's Jinja environment; a name that a template does not get is an error, never an empty place.

    All templates are compiled at once: the application is made by Airflow's first request for the entry's icon, and
    whoever then opens a page does not wait for them.
    """
    made = Environment(
        loader=FileSystemLoader(templates), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {
        "moment": moment,
        "day": day,
        "tone": tone,
        "number": number,
        "size": size,
        "words": words,
        "counted": counted,
    }
    made.globals |= {"percentage": percentage, "address": address, "link": link, "options_of": options_of}
    made.globals |= {"STATUS_WORDS": STATUS_WORDS, "MOVES": MOVES}
    for name in made.list_templates():
        made.get_template(name)
    return made


def options_of(kind: str) -> Mapping[str, str]:
    """What may be decided on a kind of case, and what each outcome means."""
    return {outcome: option.means for outcome, option in KINDS[kind].options.items()}


def moment(value: datetime | None) -> str:
    """`16 Jun 2026, 09:00` on Pakistan's clock, which is the data team's."""
    return f"{value.astimezone(PAKISTAN):%-d %b %Y, %H:%M}" if value is not None else "-"


def day(value: date | str | None) -> str:
    """`16 Jun 2026`, also of a day that a view of the registry gives as ISO text."""
    if not value:
        return "-"
    on = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{on:%-d %b %Y}"


def number(value: int | None) -> str:
    """`1,204,551`; a dash for what is not known."""
    return f"{value:,}" if value is not None else "-"


def size(value: int) -> str:
    """Bytes as people read them."""
    for unit, step in (("MiB", 2**20), ("KiB", 2**10)):
        if value >= step:
            return f"{value / step:.1f} {unit}"
    return f"{value} bytes"


def words(value: object) -> str:
    """`held_delivery` as `held delivery`."""
    return str(value).replace("_", " ")


def tone(value: object) -> str:
    """The style of a state, outcome, status or severity: good, bad, waiting or plain."""
    for name, members in (("good", GOOD), ("bad", BAD), ("waiting", WAITING)):
        if str(value) in members:
            return name
    return "plain"


def address(*parts: object, **query: object) -> str:
    """A path of quoted parts with the query's non-empty values: `/isps/indus/clients?status=expired`."""
    path = "".join(f"/{quote(str(part), safe='')}" for part in parts) or "/"
    asked = {name: value for name, value in query.items() if value not in ("", None)}
    return f"{path}?{urlencode(asked)}" if asked else path


def link(path: str, query: Mapping[str, object], **changed: object) -> str:
    """The present path with its query, some of it changed; what is empty is left out."""
    asked = {name: value for name, value in {**query, **changed}.items() if value not in ("", None)}
    return f"{path}?{urlencode(asked)}" if asked else path
