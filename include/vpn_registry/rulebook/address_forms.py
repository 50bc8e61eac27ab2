"""The forms in which a cell names addresses: single ones, CIDR blocks, `first-last` (contract section 3)."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import Final

BITS: Final = {4: 32, 6: 128}
_LEADING_ZERO: Final = re.compile(r"(^|\.)0[0-9]")


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive range of addresses of one IP version, as integers."""

    version: int
    first: int
    last: int


def ranges(cell: str) -> tuple[Range, ...] | None:
    """The ranges a cell names (`;`-separated addresses, CIDR blocks, `first-last`), None if any part is malformed.

    Refused: host bits behind a prefix length, leading zeros, scope ids, short forms, a range that runs backwards.
    One `;` behind the last part is tolerated.
    """
    found = [range_of(part.strip(" ")) for part in cell.rstrip(" ").removesuffix(";").split(";")]
    whole = tuple(item for item in found if item is not None)
    return whole if len(whole) == len(found) else None


def range_of(text: str) -> Range | None:
    """One address, block or range; None when it is malformed."""
    if "/" in text:
        return _block(text)
    if "-" in text:
        first, last = (address_of(end.strip(" ")) for end in text.split("-", 1))
        if first is None or last is None or first[0] != last[0] or first[1] > last[1]:
            return None
        return Range(first[0], first[1], last[1])
    single = address_of(text)
    return None if single is None else Range(single[0], single[1], single[1])


def _block(text: str) -> Range | None:
    address, _, length = text.partition("/")
    found = address_of(address)
    if found is None or not re.fullmatch("0|[1-9][0-9]{0,2}", length) or int(length) > BITS[found[0]]:
        return None
    size = 1 << (BITS[found[0]] - int(length))
    return Range(found[0], found[1], found[1] + size - 1) if found[1] % size == 0 else None


def address_of(text: str) -> tuple[int, int] | None:
    """(version, integer) of one address in its strict form."""
    family, version = (socket.AF_INET6, 6) if ":" in text else (socket.AF_INET, 4)
    if not text.isascii() or "\0" in text or _LEADING_ZERO.search(text):
        return None
    try:
        return version, int.from_bytes(socket.inet_pton(family, text), "big")
    except OSError:
        return None


def text_of(version: int, value: int) -> str:
    """An address as it is written."""
    family, octets = (socket.AF_INET6, 16) if version == 6 else (socket.AF_INET, 4)
    return socket.inet_ntop(family, value.to_bytes(octets, "big"))
