"""SpreadsheetML as arrays: where its tags are, what their attributes say, and the text between them.

expat checks every byte (well-formed, no document type, so no entities of the file's own); cells are then found on the
bytes by numpy, twenty times faster than by a call-back a tag. That is sound only for *plain* markup: UTF-8, the
namespace of spreadsheets without a prefix, no comments, CDATA or instructions, and `>` only as the end of a tag. What
nearly all programs write is plain; the rest is rewritten by `plain_pieces`, and then read the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.workbook.refusal import damaged

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MAIN: Final = frozenset(
    {"http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main"}
)
_PADDING: Final = b" " * 16
_BOM: Final = b"\xef\xbb\xbf"
_ENTITY: Final = re.compile(r"&(?:(amp|lt|gt|quot|apos)|#([0-9]+)|#x([0-9A-Fa-f]+));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_BLANKS: Final = tuple(b" \t\r\n")


class NotPlainError(Exception):
    """The markup is sound but not plain: read it again through `plain_pieces`."""


@dataclass(frozen=True, slots=True)
class Tags:
    """All tags of a piece of plain markup: byte `start` of `<`, byte `end` of `>`, and the bytes themselves.

    `equals` are the bytes of `=` inside of tags, each of the tag at position `owner`.
    """

    octets: NDArray[np.uint8]
    start: IntArray
    end: IntArray
    equals: IntArray
    owner: IntArray

    def opens(self, name: bytes) -> BoolArray:
        """Which tags open (or are) an element of this name."""
        found = np.ones(len(self.start), dtype=np.bool_)
        for offset, byte in enumerate(name, start=1):
            found &= self.octets[self.start + offset] == byte
        behind = self.octets[self.start + len(name) + 1]
        found &= np.isin(behind, (ord(">"), ord("/"), *_BLANKS))
        return found

    def closes(self, name: bytes) -> BoolArray:
        found: BoolArray = self.octets[self.start + 1] == ord("/")
        for offset, byte in enumerate(name, start=2):
            found &= self.octets[self.start + offset] == byte
        behind = self.octets[self.start + len(name) + 2]
        found &= np.isin(behind, (ord(">"), *_BLANKS))
        return found

    def attribute(self, name: bytes, of: BoolArray) -> IntArray:
        """For each tag of the mask `of`, in order, where the value of an attribute begins; -1 where it has none."""
        found = self.octets[self.equals - len(name) - 1] == ord(" ")
        for offset, byte in enumerate(name):
            found &= self.octets[self.equals - len(name) + offset] == byte
        found &= of[self.owner]
        if (np.diff(self.owner[found]) == 0).any():
            raise NotPlainError  # the same words inside of another attribute's value
        values = np.full(len(self.start), -1, dtype=np.int64)
        values[self.owner[found]] = self.equals[found] + 2
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
        step = np.zeros(len(self.octets) + 1, dtype=np.int8)
        step[begin] += 1
        step[stop] -= 1
        data = self.octets[np.cumsum(step, dtype=np.int8)[:-1].astype(np.bool_)]
        lengths = np.bincount(owners, weights=(stop - begin), minlength=count).astype(np.int64)
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
        values = pa.Array.from_buffers(pa.large_string(), count, buffers)
        return replaced(values, "&", _unescaped) if b"&" in data.tobytes() else values


def tags_of(block: bytes) -> Tags:
    """The tags of a piece of plain markup that begins and ends with one, or is empty."""
    octets = np.frombuffer(block + _PADDING, dtype=np.uint8)
    start, end = np.flatnonzero(octets == ord("<")), np.flatnonzero(octets == ord(">"))
    if len(start) != len(end) or (start > end).any() or (end[:-1] > start[1:]).any():
        raise NotPlainError
    equals, owner = _within(np.flatnonzero(octets == ord("=")), start, end)
    breaks, _ = _within(np.flatnonzero((octets < ord(" ")) | (octets == ord("'"))), start, end)
    if len(breaks) or (octets[equals + 1] != ord('"')).any() or (octets[equals - 1] == ord(" ")).any():
        raise NotPlainError  # attributes apart by other blanks, or in other quotes
    return Tags(octets, start, end, equals, owner)


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


def _refuse_doctype(*_: object) -> None:
    raise damaged("it declares a document type, which workbooks never have")


def _not_plain(*_: object) -> None:
    raise NotPlainError


def checked_pieces(pieces: Iterable[bytes], root: bytes) -> Iterator[bytes]:
    """The pieces, known to be plain; NotPlainError or RefusedError where they aren't."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.CommentHandler = parser.ProcessingInstructionHandler = parser.StartCdataSectionHandler = _not_plain
    parser.XmlDeclHandler = _check_encoding
    parser.StartElementHandler = _root_check(parser, root.decode())
    is_first = True
    for piece in pieces:
        _feed(parser, piece, is_last=False)
        yield piece.removeprefix(_BOM) if is_first else piece
        is_first = False
    _feed(parser, b"", is_last=True)


def plain_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same document as plain markup: what doesn't belong to spreadsheets is left out."""
    parser = expat.ParserCreate(namespace_separator=" ")
    writing = _Plain()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = writing.start
    parser.EndElementHandler = writing.end
    parser.CharacterDataHandler = writing.text
    for piece in pieces:
        _feed(parser, piece, is_last=False)
        yield writing.taken()
    _feed(parser, b"", is_last=True)
    yield writing.taken()


def elements(data: bytes) -> list[tuple[str, Mapping[str, str]]]:
    """(local name, attributes by local name) of every element of a small part, in document order."""
    found: list[tuple[str, Mapping[str, str]]] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = lambda name, attributes: found.append(
        (_local(name), {_local(key): value for key, value in attributes.items()})
    )
    _feed(parser, data, is_last=True)
    return found


def _feed(parser: expat.XMLParserType, data: bytes, *, is_last: bool) -> None:
    try:
        parser.Parse(data, is_last)
    except expat.ExpatError:
        raise damaged("its XML is not well-formed") from None


def _check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):
        raise NotPlainError


def _root_check(parser: expat.XMLParserType, root: str) -> Any:
    def check(name: str, attributes: Mapping[str, str]) -> None:
        parser.StartElementHandler = None
        if name != root or attributes.get("xmlns") not in MAIN:
            raise NotPlainError

    return check


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Plain:
    """Writes the main namespace's elements anew, and gives rows and cells the references that they may lack."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._is_root = True
        self._foreign = 0
        self._row = 0
        self._column = 0

    def taken(self) -> bytes:
        text, self._out = "".join(self._out), []
        return text.encode()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if self._foreign or space not in MAIN:
            self._foreign += 1
            return
        own = {key: value for key, value in attributes.items() if " " not in key}
        if local == "row":
            own["r"] = own.get("r", str(self._row + 1))
            self._row, self._column = _whole(own["r"]), 0
        elif local == "c":
            own["r"] = own.get("r", f"{letters(self._column + 1)}{self._row}")
            self._column = column_number(own["r"])
        if self._is_root:
            own["xmlns"], self._is_root = space, False
        kept = "".join(f" {key}={_quoted(value)}" for key, value in own.items())
        self._out.append(f"<{local}{kept}>")

    def end(self, name: str) -> None:
        if self._foreign:
            self._foreign -= 1
        else:
            self._out.append(f"</{_local(name)}>")

    def text(self, data: str) -> None:
        if not self._foreign:
            self._out.append(escape(data))


def _quoted(value: str) -> str:
    """In double quotes and on one line, whatever the value holds."""
    return f'"{escape(value, {chr(34): "&quot;", chr(39): "&apos;", "=": "&#61;"})}"'


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 7:
        raise damaged("a row has no proper number")
    return int(text)


def letters(number: int) -> str:
    """The letters of a column, 1 = A."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def column_number(reference: str) -> int:
    """The column of a reference such as AB12, 1 = A."""
    match = re.fullmatch(r"([A-Z]{1,3})[0-9]{1,7}", reference)
    if match is None:
        raise damaged("a cell has no proper reference")
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
