"""What a file's name says, and what it and its number say against the file (contract section 3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from vpn_registry.model import DeliveryName, Feed, Finding, Mode, NumberUse
from vpn_registry.rulebook.files import file_finding

EXTENSIONS: Final = ("csv", "xlsx", "csv.gz", "csv.zip", "xlsx.zip")
OLDEST_DAYS: Final = 7
MAX_NAME: Final = 120

_NAME: Final = re.compile(
    r"(?P<isp>[a-z][a-z0-9]{1,19})_(?P<feed>registrations|clients|responses)_(?P<mode>delta|full)"
    r"_(?P<day>[0-9]{8})_(?P<seq>[0-9]{4,6})\.(?P<ext>[a-z0-9]+(?:\.[a-z0-9]+)?)"
)


def parse_name(text: str) -> DeliveryName | None:
    """The parts of `<isp>_<feed>_<mode>_<yyyymmdd>_<seq>.<ext>`, None when the name can't be read.

    An extension that is never taken is left to reading: such a file has a readable name and uses its number up.
    """
    match = _NAME.fullmatch(text) if len(text) <= MAX_NAME else None
    if match is None or int(match["seq"]) == 0:
        return None
    day = match["day"]
    try:
        content_on = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except ValueError:
        return None
    return DeliveryName(
        text, match["isp"], Feed(match["feed"]), Mode(match["mode"]), content_on, int(match["seq"]), match["ext"]
    )


def name_findings(name: DeliveryName | None, *, zone: str, received_on: date) -> tuple[Finding, ...]:
    """What a file's name says against it; `zone` is the ISP whose zone it was dropped in.

    The same words whether another ISP's code is known or not: no ISP may learn who else files.
    """
    if name is None:
        return (file_finding("F101"),)
    if name.isp != zone:
        return (file_finding("F104", isp=zone),)
    found = []
    if name.content_on > received_on:
        found.append(file_finding("F105", day=name.content_on.isoformat()))
    if name.content_on < received_on - timedelta(days=OLDEST_DAYS):
        found.append(file_finding("F106", day=name.content_on.isoformat(), limit=OLDEST_DAYS))
    expected = {Feed.CLIENTS: Mode.FULL, Feed.RESPONSES: Mode.DELTA}.get(name.feed, name.mode)
    if name.mode is not expected:
        found.append(file_finding("F107", feed=name.feed, expected=expected))
    return tuple(found)


def number_findings(use: NumberUse) -> tuple[Finding, ...]:
    """What a file's sequence number says: a repeat of the same file, a number used up, or a gap below it."""
    if use.first_use is not None:
        return (file_finding("F108" if use.first_use_same_bytes else "F103"),)
    return (file_finding("F102", missing=_ranges(use.missing)),) if use.missing else ()


def _ranges(missing: Sequence[tuple[int, int]]) -> str:
    shown = [f"{first:04}" if first == last else f"{first:04}-{last:04}" for first, last in missing[:20]]
    return ", ".join(shown) + (f" and {len(missing) - 20} more ranges" if len(missing) > 20 else "")
