"""What happens in the season, and when: days are counted from the deadline in force, so that an extension moves them.

Each entry happens on the first working day on or after its day, once; those before the first day of the season do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, NamedTuple

from vpn_registry.demo.filers import Filer, Files
from vpn_registry.model import Response
from vpn_registry.registry import cases


class Filing(NamedTuple):
    """An ISP files; `files` gets the ISP, the day, and the number of the last letter the ISP got ('' before any)."""

    offset: int
    isp: str
    files: Callable[[Filer, date, str], Files]


def _registers(count: int) -> Callable[[Filer, date, str], Files]:
    return lambda filer, day, _notice_no: filer.registers(day, count)


def _disputes(filer: Filer, day: date, notice_no: str) -> Files:
    """One client is disputed, of another one the ISP says that it is being registered; both are left to the end."""
    if not notice_no or len(filer.todo) < 2:
        return {}
    answers = (Response.DISPUTE, Response.REGISTERING)
    return filer.answers(day, notice_no, zip(filer.todo[:2], answers, strict=True))


FILINGS: Final = (
    Filing(-50, "indus", _registers(2)),
    Filing(-50, "kirana", _registers(1)),
    Filing(-50, "sahil", _registers(1)),  # the last that is heard of it
    Filing(-35, "indus", _registers(3)),
    Filing(-35, "chenab", lambda filer, day, _notice_no: filer.lists(day)),
    Filing(-27, "kirana", _disputes),
    Filing(-20, "indus", lambda filer, day, _notice_no: filer.sets_right(day)),
    Filing(-20, "margalla", _registers(2)),
    Filing(-14, "margalla", lambda filer, day, _notice_no: filer.lists(day, without=9)),
    Filing(-9, "margalla", lambda filer, day, _notice_no: filer.lists(day)),
    Filing(-5, "kirana", _registers(2)),
    Filing(-5, "chenab", _registers(3)),
    Filing(0, "margalla", _disputes),
    Filing(3, "kirana", _registers(1)),
)

FILES_AGAIN_AFTER: Final = 25
"""So many days after its last one an ISP sends its client list again; more than 35 make it too old to compare."""
FALLS_SILENT: Final = "sahil"
"""Sends one client list and never another one."""

EXTENDED_AT: Final = -10
EXTENSION_DAYS: Final = 15
EXTENSION_SOURCE: Final = "Notification No. 17 of the season"


class Extension(NamedTuple):
    """A later deadline for one ISP alone, `days` after everybody's, or for the last of its clients to register."""

    offset: int
    isp: str
    days: int
    is_for_client: bool
    source: str


EXTENSIONS_FOR_ONE: Final = (
    Extension(-4, "chenab", 5, False, "Letter No. 18 of the season: the ISP's exchange was flooded"),
    Extension(0, "margalla", 3, True, "Letter No. 19 of the season: the client moves its offices"),
)


class Mute(NamedTuple):
    """Letters are not to speak of a client of the ISP, the third of those to register, for so many `days`."""

    offset: int
    isp: str
    days: int
    reason: str


MUTES: Final = (Mute(-1, "margalla", 3, "Letter No. 20 of the season: the firm is being wound up"),)
OUTAGE: Final = range(-7, -5)
"""Days on which nothing of ours runs: a stage falls due and another one after it."""

UNHEARD: Final = frozenset({("chenab", "T-30")})
"""ISP and stage of the held letters that nobody approves."""

DECISIONS: Final[Mapping[str, tuple[int, str, str]]] = {
    cases.HELD_DELIVERY: (3, "refuse", "The ISP says that its export was incomplete."),
    cases.DISPUTE: (14, "uphold", "The contract names the service; the ISP has shown nothing against it."),
    cases.DOSSIER: (0, "handed_over", "The legal section has it."),
}
"""Kind of case -> after how many days the operator decides it, how, and why."""
