"""The ZIP package of a workbook: its parts, the sheets they make up, and what must not be in it."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from vpn_registry.workbook.plain import elements
from vpn_registry.workbook.refusal import RefusedError, damaged
from vpn_registry.workbook.styles import Style, styles_of

_PIECE: Final = 1 << 22
_MOST_PARTS: Final = 10_000
_IS_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: its name, and the part that holds it."""

    name: str
    part: str


class Package:
    """The parts of a workbook, each read piece by piece; together no more than `most_bytes` may be unpacked."""

    def __init__(self, data: bytes, most_bytes: int) -> None:
        self._most = most_bytes
        self._unpacked: dict[str, int] = {}
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
            raise damaged("its ZIP directory is damaged") from None
        members = self._archive.infolist()
        names = [member.filename for member in members]
        if len(members) > _MOST_PARTS or len(set(names)) != len(names):
            raise damaged("its parts are too many or not unique")
        if any(member.flag_bits & _IS_ENCRYPTED for member in members):
            raise RefusedError("F225")
        if any(member.compress_type not in _METHODS for member in members):
            raise damaged("a part is packed by a method other than deflate")
        self._members = {member.filename: member for member in members}
        self._refuse_macros()
        self.workbook = self._target("", "officeDocument")
        self._parts = self._relations(self.workbook)
        self._described = elements(self.read(self.workbook))

    def _refuse_macros(self) -> None:
        types = elements(self.read("[Content_Types].xml"))
        declared = " ".join(values.get("ContentType", "") for _, values in types).lower()
        names = " ".join(self._members).lower()
        if "macro" in declared or "vbaproject" in declared or "vbaproject" in names or "/macrosheets/" in names:
            raise RefusedError("F226")
        if "sheet.binary" in declared:
            raise damaged("it is a binary workbook (xlsb)")

    @property
    def sheets(self) -> list[Sheet]:
        """The worksheets in their order, hidden ones too; charts hold no cells."""
        found = []
        for name, values in self._described:
            if name == "sheet":
                kind, part = self._parts.get(values.get("id", ""), ("", ""))
                if kind == "worksheet":
                    found.append(Sheet(values.get("name", ""), part))
        return found

    @property
    def is_1904(self) -> bool:
        """Whether days are counted from 1 January 1904, as workbooks of old Macs do."""
        return any(
            name == "workbookPr" and values.get("date1904", "0") in ("1", "true", "on")
            for name, values in self._described
        )

    @property
    def styles(self) -> list[Style]:
        part = next((part for kind, part in self._parts.values() if kind == "styles"), None)
        return styles_of(elements(self.read(part))) if part else []

    @property
    def strings(self) -> str | None:
        """The part of the shared strings, if there is one."""
        return next((part for kind, part in self._parts.values() if kind == "sharedStrings"), None)

    def read(self, part: str) -> bytes:
        return b"".join(self.pieces(part))

    def pieces(self, part: str) -> Iterator[bytes]:
        """The part's bytes as they inflate."""
        member = self._members.get(part)
        if member is None:
            raise damaged("a part that it names is missing")
        self._count(part, member.file_size)  # as it declares, before anything is unpacked
        size = 0
        try:
            with self._archive.open(member) as file:
                while piece := file.read(_PIECE):
                    size += len(piece)
                    self._count(part, size)
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError):
            raise damaged("the data or the checksum of a part is wrong") from None

    def _count(self, part: str, size: int) -> None:
        """A part that is read twice counts once."""
        self._unpacked[part] = max(size, self._unpacked.get(part, 0))
        if sum(self._unpacked.values()) > self._most:
            raise RefusedError("F223", limit=self._most)

    def _target(self, part: str, kind: str) -> str:
        found = [target for name, target in self._relations(part).values() if name == kind]
        if len(found) != 1:
            raise damaged("it does not say which part is the workbook")
        return found[0]

    def _relations(self, part: str) -> Mapping[str, tuple[str, str]]:
        """Relation id -> (kind, part) of what a part refers to inside of the package."""
        folder, name = posixpath.split(part)
        found = {}
        for element, values in elements(self.read(posixpath.join(folder, "_rels", f"{name}.rels"))):
            if element == "Relationship" and values.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, values.get("Target", "")))
                found[values.get("Id", "")] = (posixpath.basename(values.get("Type", "")), target.lstrip("/"))
        return found
