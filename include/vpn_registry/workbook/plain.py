"""SpreadsheetML that is safe to search by its bytes: checked, or rewritten so that it is.

expat checks every byte (well-formed, no document type, so no entities of the file's own) that is not well-formed by
construction (`grammar`). *Plain* markup is UTF-8, with
the namespace of spreadsheets without a prefix, no comments, CDATA or instructions, and `>` only as the end of a tag.
What nearly all programs write is plain; the rest is rewritten by `plain_pieces`, and then read the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from vpn_registry.workbook.refusal import damaged

MAIN: Final = frozenset(
    {"http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main"}
)
BOM: Final = b"\xef\xbb\xbf"


class NotPlainError(Exception):
    """The markup is sound but not plain: read it again through `plain_pieces`."""


class Check:
    """expat's judgement on a document that is fed piece by piece; NotPlainError or RefusedError where it is not plain.

    Pieces of content that are well-formed by themselves needn't be fed: without them the rest is as well-formed.
    """

    def __init__(self, root: bytes) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.CommentHandler = self._parser.ProcessingInstructionHandler = _not_plain
        self._parser.StartCdataSectionHandler = _not_plain
        self._parser.XmlDeclHandler = _check_encoding
        self._parser.StartElementHandler = _root_check(self._parser, root.decode())

    def feed(self, piece: bytes) -> None:
        _feed(self._parser, piece, is_last=False)

    def close(self) -> None:
        _feed(self._parser, b"", is_last=True)


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


def _refuse_doctype(*_: object) -> None:
    raise damaged("it declares a document type, which workbooks never have")


def _not_plain(*_: object) -> None:
    raise NotPlainError


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
    if (encoding or "utf-8").lower() != "utf-8":
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
