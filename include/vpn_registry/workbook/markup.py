"""Plain SpreadsheetML as arrays: where its tags are, what their attributes say, and the text between them.

Tags are found on the bytes by numpy, twenty times faster than by a call-back a tag. That is sound only for markup that
`plain` has checked, or rewritten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.workbook.plain import NotPlainError

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_PADDING: Final = b" " * 16
_ENTITY: Final = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]+)|#x([0-9A-Fa-f]+));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ENDS_OPENING: Final = np.isin(np.arange(256), tuple(b">/ \t\r\n"))
_ENDS_CLOSING: Final = np.isin(np.arange(256), tuple(b"> \t\r\n"))


@dataclass(frozen=True, slots=True)
class Tags:
    """All tags of a piece of plain markup: byte `start` of `<`, byte `end` of `>`, and the bytes themselves.

    `equals` are the bytes of `=` inside of tags, each of the tag at position `owner`. `first` and `last` are the bytes
    behind each `<` and before each `=`, by which most of what is not looked for is passed over.
    """

    octets: NDArray[np.uint8]
    start: IntArray
    end: IntArray
    equals: IntArray
    owner: IntArray
    first: NDArray[np.uint8]
    last: NDArray[np.uint8]

    def opens(self, name: bytes) -> BoolArray:
        """Which tags open (or are) an element of this name."""
        return self._begin(name, _ENDS_OPENING)

    def closes(self, name: bytes) -> BoolArray:
        return self._begin(b"/" + name, _ENDS_CLOSING)

    def _begin(self, name: bytes, ends: BoolArray) -> BoolArray:
        """Which tags begin with these bytes and one of `ends` behind them; byte by byte, so that few are looked at."""
        at = np.flatnonzero(self.first == name[0])
        for offset, byte in enumerate(name[1:], start=2):
            at = at[self.octets[self.start[at] + offset] == byte]
        found = np.zeros(len(self.start), dtype=np.bool_)
        found[at] = ends[self.octets[self.start[at] + len(name) + 1]]
        return found

    def attribute(self, name: bytes, of: BoolArray) -> IntArray:
        """For each tag of the mask `of`, in order, where the value of an attribute begins; -1 where it has none."""
        at = np.flatnonzero(self.last == name[-1])
        for offset, byte in enumerate(reversed(b" " + name[:-1]), start=2):
            at = at[self.octets[self.equals[at] - offset] == byte]
        at = at[of[self.owner[at]]]
        owner = self.owner[at]
        if (np.diff(owner) == 0).any():
            raise NotPlainError  # the same words inside of another attribute's value
        values = np.full(len(self.start), -1, dtype=np.int64)
        values[owner] = self.equals[at] + 2
        return values[of]

    def numbers(self, at: IntArray) -> IntArray:
        """The digits that begin at each byte as a number, 0 where there are none."""
        total = np.zeros(len(at), dtype=np.int64)
        running = at >= 0
        for offset in range(9):
            digit = self.octets[np.where(running, at + offset, 0)].astype(np.int64) - ord("0")
            running &= (digit >= 0) & (digit <= 9)
            if not running.any():
                break
            total = np.where(running, total * 10 + digit, total)
        return total

    def texts(self, of: BoolArray, owner: IntArray, count: int) -> pa.LargeStringArray:
        """For each of `count` owners the text of its tags in `of`, joined; `owner` is each tag's, ascending."""
        chosen = np.flatnonzero(of & (self.octets[self.end - 1] != ord("/")))
        begin, stop = self.end[chosen] + 1, self.start[np.minimum(chosen + 1, len(self.start) - 1)]
        kept = stop > begin
        begin, stop, owners = begin[kept], stop[kept], owner[chosen[kept]]
        pieces = stop - begin
        ends = np.cumsum(pieces)
        data = self.octets[np.repeat(begin - ends + pieces, pieces) + np.arange(ends[-1] if len(ends) else 0)]
        lengths = np.bincount(owners, weights=pieces, minlength=count).astype(np.int64)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        values = pa.Array.from_buffers(pa.large_string(), count, buffers)
        return replaced(values, "&", _unescaped) if b"&" in data.tobytes() else values


def tags_of(block: bytes, *, is_strict: bool) -> Tags:
    """The tags of a piece of plain markup that begins and ends with one; `is_strict` as in `sheet.Part`."""
    octets = np.frombuffer(block + _PADDING, dtype=np.uint8)
    start, end = np.flatnonzero(octets == ord("<")), np.flatnonzero(octets == ord(">"))
    if len(start) != len(end) or (start > end).any() or (end[:-1] > start[1:]).any():
        raise NotPlainError
    equals, owner = _within(np.flatnonzero(octets == ord("=")), start, end)
    if not is_strict:
        breaks, _ = _within(np.flatnonzero((octets < ord(" ")) | (octets == ord("'"))), start, end)
        if len(breaks) or (octets[equals + 1] != ord('"')).any() or (octets[equals - 1] == ord(" ")).any():
            raise NotPlainError  # attributes apart by other blanks, or in other quotes
    return Tags(octets, start, end, equals, owner, octets[start + 1], octets[equals - 1])


def _within(at: IntArray, start: IntArray, end: IntArray) -> tuple[IntArray, IntArray]:
    """Those bytes that lie inside of a tag, and which tag that is."""
    owner = np.searchsorted(start, at) - 1
    inside = owner >= 0
    inside[inside] = at[inside] < end[owner[inside]]
    return at[inside], owner[inside]


def replaced(values: pa.LargeStringArray, mark: str, change: Any) -> pa.LargeStringArray:
    """The values with `change` applied to those that hold `mark`."""
    mask = pc.match_substring(values, mark)
    if not pc.any(mask).as_py():
        return values
    changed = pa.array([change(value) for value in values.filter(mask).to_pylist()], pa.large_string())
    return pc.replace_with_mask(values, mask, changed)


def unescaped_characters(value: str) -> str:
    """`_x000D_` is how workbooks write characters that XML can't hold."""
    return _ESCAPED.sub(lambda match: _character(int(match[1], 16)), value)


def _unescaped(value: str) -> str:
    return _ENTITY.sub(
        lambda match: _NAMED[match[1]] if match[1] else _character(int(match[2] or match[3], 10 if match[2] else 16)),
        value,
    )


def _character(code: int) -> str:
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF else chr(code)
