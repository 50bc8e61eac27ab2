"""Addresses of registrations and clients beside the special-purpose table and the filer's declared prefixes.

The table is our own because Python's `is_private` and `is_global` changed between patch releases and call
multicast and 0.0.0.0/0 global: a judgement must not depend on the interpreter.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.rulebook.address_forms import BITS, Range, address_of, range_of, ranges, text_of
from vpn_registry.rulebook.rule import BoolArray


@dataclass(frozen=True, slots=True)
class AddressVerdict:
    """What one column of address cells is worth, one bool a row; empty cells are False everywhere."""

    malformed: BoolArray
    special: BoolArray
    outside: BoolArray


SPECIAL_V4: Final = (
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "private (carrier-grade NAT)"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "reserved for benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
)
# Whatever lies outside 2000::/3 is not global unicast: unspecified, loopback, mapped, private, link-local, multicast.
SPECIAL_V6: Final = (
    ("::/3", "not global unicast"),
    ("2001::/23", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("3fff::/20", "documentation"),
    ("4000::/2", "not global unicast"),
    ("8000::/1", "not global unicast"),
)
DOCUMENTATION: Final = "documentation"

_PLAIN_V4: Final = (
    "^" + r"\.".join(["(?:0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"] * 4) + "(?:/(?:[0-9]|[12][0-9]|3[0-2]))?$"
)
_PLAIN_V6: Final = re.compile("[1-9A-Fa-f:][0-9A-Fa-f:]+")
"""One address without dots and without a leading zero, as nearly all are: the other forms are looked at one by one."""
_FEWEST_BITS: Final = {4: 16, 6: 32}
"""No block larger than these is suggested: a client with more is far rarer than a slip of the pen."""
_MASKS: Final = {str(ipaddress.IPv4Network((0, bits)).netmask): bits for bits in range(33)}
_MAPPED: Final = 0xFFFF
"""The first 96 bits of an IPv4-mapped IPv6 address."""


_BETWEEN: Final = re.compile(r"[;,&\r\n]|(?<=[0-9A-Fa-f]) +(?=[0-9A-Fa-f]+[.:])")
"""What stands between two addresses: `;`, and what is written in its place."""


def suggest(cell: str) -> str:
    """The block without its host bits, the range the right way round, `;` for other marks; '' when nothing is sure."""
    plain = re.sub(r" to |[\u2010-\u2015\u2212]", "-", cell)
    parts = [_mended(part.strip(" ")) for part in _BETWEEN.split(plain) if part.strip(" ")]
    text = ";".join(parts)
    return text if text != cell and ranges(text) is not None else ""


def suggest_unmapped(cell: str) -> str:
    """The list with plain IPv4 in place of IPv4-mapped IPv6, '' when there is none or it isn't public either."""
    parts = [part.strip(" ") for part in cell.split(";") if part.strip(" ")]
    plain = [_unmapped(part) for part in parts]
    text = ";".join(plain)
    if plain == parts or ranges(text) is None:
        return ""
    return "" if _public().cell(text)[1] else text


def judge(cells: pa.LargeStringArray, *, sample: bool, prefixes: Sequence[str]) -> AddressVerdict:
    """Judges a column: plain addresses (nearly all cells) in whole columns, each other distinct cell once.

    `sample` lets documentation blocks pass; without `prefixes` no address is outside.
    """
    table = _Table(sample, prefixes)
    malformed, special, outside = (np.zeros(len(cells), dtype=np.bool_) for _ in range(3))
    is_plain = pc.match_substring_regex(cells, _PLAIN_V4).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(is_plain)
    if len(places):
        first, last, is_block = _plain_blocks(cells.filter(pa.array(is_plain)))
        malformed[places] = ~is_block
        special[places] = is_block & table.special_v4(first, last)
        outside[places] = is_block & table.outside_v4(first, last)
    others = np.flatnonzero(~is_plain & pc.not_equal(cells, "").to_numpy(zero_copy_only=False))
    if len(others):
        encoded = pc.dictionary_encode(cells.take(pa.array(others)))
        verdicts = table.cells(encoded.dictionary.to_pylist())
        chosen = verdicts[encoded.indices.to_numpy()]
        malformed[others], special[others], outside[others] = chosen.T
    return AddressVerdict(malformed, special, outside)


class _Table:
    """The special blocks and declared prefixes as sorted, disjoint integer ranges, for both versions."""

    def __init__(self, sample: bool, prefixes: Sequence[str]) -> None:
        special = [
            _known(block) for block, kind in (*SPECIAL_V4, *SPECIAL_V6) if not (sample and kind == DOCUMENTATION)
        ]
        declared = [_known(prefix) for prefix in prefixes]
        self._special = {version: _merged(special, version) for version in (4, 6)}
        self._declared = {version: _merged(declared, version) for version in (4, 6)}
        self._has_prefixes = bool(declared)

    def special_v4(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> BoolArray:
        """Blocks that touch a special one; the whole internet touches them all."""
        starts, ends = _columns(self._special[4])
        before = np.searchsorted(starts, last, side="right") - 1
        result: BoolArray = (before >= 0) & (ends[before] >= first)
        return result

    def outside_v4(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> BoolArray:
        """Blocks that no declared prefix holds whole."""
        if not self._has_prefixes:
            return np.zeros(len(first), dtype=np.bool_)
        starts, ends = _columns(self._declared[4])
        if not len(starts):
            return np.ones(len(first), dtype=np.bool_)
        before = np.searchsorted(starts, first, side="right") - 1
        result: BoolArray = (before < 0) | (ends[before] < last)
        return result

    def cells(self, cells: Sequence[str]) -> BoolArray:
        """(malformed, special, outside) of each cell, shape (cells, 3)."""
        verdicts = np.zeros((len(cells), 3), dtype=np.bool_)
        packed = [_plain_v6(cell) for cell in cells]
        halves = np.frombuffer(b"".join(packed), dtype=">u8").reshape(-1, 2).astype(np.uint64)
        is_plain = np.array([bool(octets) for octets in packed], dtype=np.bool_)
        verdicts[is_plain, 1] = _in_any(halves, self._special[6])
        verdicts[is_plain, 2] = self._has_prefixes & ~_in_any(halves, self._declared[6])
        for place in np.flatnonzero(~is_plain).tolist():
            verdicts[place] = self.cell(cells[place])
        return verdicts

    def cell(self, cell: str) -> tuple[bool, bool, bool]:
        """(malformed, special, outside) of one cell of any form."""
        found = ranges(cell)
        if found is None:
            return True, False, False
        special = any(
            first <= item.last and item.first <= last for item in found for first, last in self._special[item.version]
        )
        outside = self._has_prefixes and not all(
            any(first <= item.first and item.last <= last for first, last in self._declared[item.version])
            for item in found
        )
        return False, special, outside


@lru_cache(maxsize=1)
def _public() -> _Table:
    return _Table(sample=True, prefixes=())


def _plain_blocks(cells: pa.LargeStringArray) -> tuple[NDArray[np.int64], NDArray[np.int64], BoolArray]:
    """First and last address of `a.b.c.d[/bits]`, and whether no bit is set behind the prefix length."""
    has_length = pc.match_substring(cells, "/").to_numpy(zero_copy_only=False)
    numbers = np.full((len(cells), 5), 32, dtype=np.int64)
    numbers[~has_length, :4] = _numbers(cells.filter(pa.array(~has_length))).reshape(-1, 4)
    numbers[has_length] = _numbers(cells.filter(pa.array(has_length))).reshape(-1, 5)
    first: NDArray[np.int64] = numbers[:, :4] @ np.array([1 << 24, 1 << 16, 1 << 8, 1], dtype=np.int64)
    size = np.int64(1) << (32 - numbers[:, 4])
    return first, first + size - 1, first % size == 0


def _numbers(cells: pa.LargeStringArray) -> NDArray[np.int64]:
    """The decimal numbers of up to three digits in cells that hold nothing else but `.` and `/` between them."""
    if not len(cells):
        return np.zeros(0, dtype=np.int64)
    bounds = np.frombuffer(cells.buffers()[1], dtype=np.int64)[cells.offset : cells.offset + len(cells) + 1]
    octets = np.frombuffer(cells.buffers()[2], dtype=np.uint8)[bounds[0] : bounds[-1]]
    is_end = np.ones(len(octets) + 1, dtype=np.bool_)
    np.less(octets, ord("0"), out=is_end[:-1])  # the marks come before the digits in ASCII
    is_end[bounds[1:-1] - bounds[0]] = True  # the next cell follows at once
    ends = np.flatnonzero(is_end)
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1] + (octets[ends[:-1]] < ord("0"))
    lengths = ends - starts
    digits = (octets & 0x0F).astype(np.int16)
    numbers = digits[ends - 1]
    for place, factor in ((2, 10), (3, 100)):
        numbers += np.where(lengths >= place, factor * digits[np.maximum(ends - place, 0)], 0)
    return numbers.astype(np.int64)


def _plain_v6(cell: str) -> bytes:
    """The sixteen octets of one plain IPv6 address; empty for every other form."""
    if not _PLAIN_V6.fullmatch(cell):
        return b""
    try:
        return socket.inet_pton(socket.AF_INET6, cell)
    except OSError:
        return b""


def _in_any(halves: NDArray[np.uint64], blocks: Sequence[tuple[int, int]]) -> BoolArray:
    """Which IPv6 addresses, given as upper and lower half, lie in one of the blocks."""
    inside = np.zeros(len(halves), dtype=np.bool_)
    for first, last in blocks:
        inside |= ~_is_below(halves, first) & _is_below(halves, last + 1)
    return inside


def _is_below(halves: NDArray[np.uint64], value: int) -> BoolArray:
    if value >> 128:
        return np.ones(len(halves), dtype=np.bool_)
    upper, lower = np.uint64(value >> 64), np.uint64(value & (1 << 64) - 1)
    below: BoolArray = (halves[:, 0] < upper) | ((halves[:, 0] == upper) & (halves[:, 1] < lower))
    return below


def _known(block: str) -> Range:
    found = range_of(block)
    if found is None:
        raise ValueError(f"{block} is not a CIDR block")
    return found


def _merged(blocks: Sequence[Range], version: int) -> list[tuple[int, int]]:
    """Sorted disjoint (first, last) of one version; neighbours become one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted((block.first, block.last) for block in blocks if block.version == version):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _columns(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _mended(part: str) -> str:
    address, slash, length = (text.strip(" ") for text in part.partition("/"))
    found = address_of(address)
    length = str(_MASKS.get(length, length))
    is_length = re.fullmatch("[0-9]{1,3}", length) is not None
    if slash and found is not None and is_length and _FEWEST_BITS[found[0]] <= int(length) <= BITS[found[0]]:
        size = 1 << (BITS[found[0]] - int(length))
        return f"{text_of(found[0], found[1] - found[1] % size)}/{int(length)}"
    first, dash, last = part.partition("-")
    if dash and re.fullmatch(r" *[0-9]{1,3} *", last) and "." in first:  # only the last number of the range's end
        last = f"{first.strip(' ').rpartition('.')[0]}.{last.strip(' ')}"
        part = f"{first.strip(' ')}-{last}"
    ends = address_of(first.strip(" ")), address_of(last.strip(" "))
    if dash and ends[0] is not None and ends[1] is not None and ends[0][0] == ends[1][0] and ends[0][1] > ends[1][1]:
        return f"{last.strip(' ')}-{first.strip(' ')}"
    return re.sub(r"(^|\.)0+(?=[0-9])", r"\1", part) if ":" not in part else part


def _unmapped(part: str) -> str:
    """An IPv4-mapped IPv6 address, block or range (::ffff:0:0/96) in its IPv4 form; anything else as it is."""
    found = range_of(part)
    if found is None or found.version != 6 or found.first >> 32 != _MAPPED or found.last >> 32 != _MAPPED:
        return part
    first, last = (text_of(4, value & 0xFFFF_FFFF) for value in (found.first, found.last))
    if "/" in part:
        return f"{first}/{int(part.partition('/')[2]) - 96}"
    return f"{first}-{last}" if "-" in part else first
