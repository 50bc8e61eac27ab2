"""Small workbooks written part by part, so that each can be wrong in one place."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from vpn_registry.workbook.plain import letters

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
STYLES: Final = (
    f'{_HEAD}<styleSheet xmlns="{MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="0000000"/><numFmt numFmtId="166" formatCode="&quot;day &quot;0.0"/></numFmts>'
    '<cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    '<xf numFmtId="166"/></cellXfs></styleSheet>'
)
"""Styles 0 general, 1 and 2 dates, 3 seven digits, 4 a number with a word."""


class Raw(str):
    """A whole cell as markup, `{}` where its reference goes."""

    __slots__ = ()


def text(value: str) -> Raw:
    return Raw(f'<c r="{{}}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>')


def number(value: object, style: int = 0) -> Raw:
    return Raw(f'<c r="{{}}" s="{style}"><v>{value}</v></c>')


def sheet(rows: Iterable[Sequence[str]], *, hidden: Sequence[int] = (), head: str = "", tail: str = "") -> str:
    """A worksheet of rows of cells; text becomes inline strings, '' no cell at all."""
    lines = []
    for line, cells in enumerate(rows, start=1):
        filled = [(place, cell if isinstance(cell, Raw) else text(cell)) for place, cell in enumerate(cells, 1) if cell]
        content = "".join(str(cell).replace("{}", f"{letters(place)}{line}", 1) for place, cell in filled)
        mark = ' hidden="1"' if line in hidden else ""
        lines.append(f'<row r="{line}"{mark}>{content}</row>')
    return f'{_HEAD}<worksheet xmlns="{MAIN}">{head}<sheetData>{"".join(lines)}</sheetData>{tail}</worksheet>'


def package(
    *sheets: str | bytes,
    strings: str = "",
    settings: str = "",
    parts: Mapping[str, str | bytes] | None = None,
    content_type: str = _TYPE,
    state: str = "visible",
) -> bytes:
    """A workbook of these worksheets; `parts` are added to it, or take the place of its own."""
    listed = range(1, len(sheets) + 1)
    names = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" state="{state}" r:id="rId{n}"/>' for n in listed)
    relations = "".join(_relation(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in listed)
    relations += _relation("rId90", "styles", "styles.xml")
    if strings:
        relations += _relation("rId91", "sharedStrings", "sharedStrings.xml")
    content: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{content_type}"/></Types>',
        "_rels/.rels": _relations(_relation("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{MAIN}" xmlns:r="{_DOCUMENT}">{settings}'
        f"<sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(relations),
        "xl/styles.xml": STYLES,
        **{f"xl/worksheets/sheet{n}.xml": one for n, one in zip(listed, sheets, strict=True)},
    }
    if strings:
        content["xl/sharedStrings.xml"] = f'{_HEAD}<sst xmlns="{MAIN}">{strings}</sst>'
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (content | dict(parts or {})).items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _relation(identity: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{identity}" Type="{_DOCUMENT}/{kind}" Target="{target}"/>'


def _relations(entries: str) -> str:
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{entries}</Relationships>'
