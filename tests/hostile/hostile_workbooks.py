"""Hostile and odd workbooks: bombs, giants, macros, passwords, damage, and cells that are not plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from tests.hostile.hostile_archives import zipped
from tests.hostile.hostile_building import HEADER, NAME, OddFile, row
from tests.workbooks import MAIN, Raw, number, package, sheet

FILE: Final = NAME.replace(".csv", ".xlsx")
_TWO: Final = (2, 2, 0, 0)
_ONE_BAD: Final = (2, 1, 1, 0)
_NO_DAY: Final = (2, 1, 1, 0)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def cells(ref: str = "R-1", **changes: str) -> list[str]:
    """A good row's cells in the order of the header, with some of them changed, also to raw markup."""
    good: dict[str, str] = {**row(ref)}
    return [(good | changes)[name] for name in HEADER]


def good(*rows: Sequence[str]) -> str:
    """A good sheet of a header, the rows given, and one good row more."""
    return sheet([HEADER, *rows, cells("R-99")])


def _with(**changes: str) -> Callable[[], bytes]:
    return lambda: package(good(cells(**changes)))


def _plain() -> bytes:
    return package(good(cells()))


def _changed(old: str, new: str, count: int = 1) -> Callable[[], bytes]:
    """The good workbook with its sheet's markup changed."""
    markup = good(cells())
    assert old in markup
    return lambda: package(markup.replace(old, new, count))


def _declared(doctype: str, use: str) -> Callable[[], bytes]:
    markup = (
        good(cells()).replace("\n<worksheet", f"\n<!DOCTYPE worksheet [{doctype}]><worksheet").replace("Lahore", use)
    )
    return lambda: package(markup)


_LAUGHS: Final = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))


def _shared(strings: str, index: object = 0) -> Callable[[], bytes]:
    return lambda: package(good(cells(city=Raw(f'<c r="{{}}" t="s"><v>{index}</v></c>'))), strings=strings)


def _million_strings() -> bytes:
    return package(
        good(cells(city=Raw('<c r="{}" t="s"><v>999999</v></c>'))), strings="<si><t>Lahore</t></si>" * 1_000_000
    )


def _prefixed() -> bytes:
    """As some report servers write: every element with a prefix, references left out."""
    markup = good(cells())
    for name in ("worksheet", "sheetData", "row", "c", "is", "t"):
        markup = markup.replace(f"<{name} ", f"<x:{name} ").replace(f"<{name}>", f"<x:{name}>")
        markup = markup.replace(f"</{name}>", f"</x:{name}>")
    return package(markup.replace("xmlns=", "xmlns:x="))


def _serials(first: int, *, is_1904: bool = False) -> Callable[[], bytes]:
    settings = '<workbookPr date1904="1"/>' if is_1904 else ""
    return lambda: package(good(cells(valid_from=number(first, 1))), settings=settings)


def _book(name: str, build: Callable[[], bytes], codes: str, rows: tuple[int, int, int, int] = (0, 0, 0, 0)) -> OddFile:
    return OddFile(name, "workbook", build, codes, rows, FILE)


def _legal(name: str, build: Callable[[], bytes], rows: tuple[int, int, int, int] = _TWO, codes: str = "") -> OddFile:
    return OddFile(name, "legal", build, codes, rows, FILE)


def _far(reference: str, line: int, value: str = "<v>1</v>") -> Callable[[], bytes]:
    far = f'<row r="{line}"><c r="{reference}">{value}</c></row></sheetData>'
    return lambda: package(good(cells()).replace("</sheetData>", far))


_FORMULA: Final = Raw('<c r="{}" t="str"><f>A1</f><v>Lahore</v></c>')
_UNKNOWN: Final = Raw('<c r="{}"><f>[1]Sheet1!A1</f></c>')

WORKBOOKS: Final = (
    # as programs write them
    _legal("workbook", _plain),
    _legal("workbook of a header alone", lambda: package(sheet([HEADER])), (0, 0, 0, 0)),
    _legal("shared string", _shared("<si><t>Lahore</t></si>")),
    _legal("rich text", _shared("<si><r><t>La</t></r><r><rPr><b/></rPr><t>hore</t></r></si>")),
    _legal("phonetic hint", _shared('<si><t>Lahore</t><rPh sb="0" eb="1"><t>\t</t></rPh></si>')),
    _legal(
        "rich inline text", _with(city=Raw('<c r="{}" t="inlineStr"><is><r><t>La</t></r><r><t>hore</t></r></is></c>'))
    ),
    _legal("elements with a prefix", _prefixed),
    _legal("rows and cells without references", lambda: package(_bare(good(cells(cnic="35202-0000001-3"))))),
    _legal("comment in the sheet", _changed("<sheetData>", "<!-- made by us --><sheetData>")),
    _legal("CDATA in a cell", _changed("Lahore", "<![CDATA[Lahore]]>")),
    _legal("UTF-16", lambda: package(good(cells()).replace("UTF-8", "UTF-16").encode("utf-16"))),
    _legal("single quotes", _changed('r="2"', "r='2'")),
    _legal("character reference", _changed("Lahore", "&#76;ahore")),
    _legal("greater-than sign", _changed("Lahore", "La>hore")),
    _legal("styled blank cells", _changed("</sheetData>", '<row r="9"><c r="A9" s="1"/></row></sheetData>')),
    _legal("empty second sheet", lambda: package(good(cells()), sheet([]))),
    _legal("empty first sheet", lambda: package(sheet([[""]]), good(cells()))),
    _legal("blank rows between", lambda: package(sheet([HEADER, [], [], cells()])), (1, 1, 0, 0), "F216"),
    _legal("date cell", _serials(46_023)),
    _legal("date cell of 1904", _serials(44_561, is_1904=True)),
    _legal("date cell with a time", _with(valid_from=number("46023.75", 2))),
    _legal("ISO date cell", _with(valid_from=Raw('<c r="{}" t="d"><v>2026-01-01T00:00:00</v></c>'))),
    _legal("number in a name", _with(client_name=number(313))),
    _legal("hidden row", lambda: package(sheet([HEADER, cells(), cells("R-2")], hidden=[3])), codes="F229"),
    _legal("hidden column", lambda: package(_hidden_column()), codes="F229"),
    _legal("unknown column of formulas", lambda: package(_unknown_column()), codes="F205"),
    # cells
    _book("NTN as a number", _with(ntn=number(822910)), "", _ONE_BAD),
    _book("NTN as a number of seven digits", _with(ntn=number(822910, 3)), "", _ONE_BAD),
    _book("CNIC as a rounded number", _with(cnic=number("3.52E+12")), "", _ONE_BAD),
    _book("CNIC as a number", _with(cnic=number(3520200000013)), "", _ONE_BAD),
    _book("phone as a number", _with(contact_phone=number(3001234567)), "", _ONE_BAD),
    _book("formula with its value", _with(city=_FORMULA), "", _ONE_BAD),
    _book("formula without a value", _with(city=_UNKNOWN), "", _ONE_BAD),
    _book("row of formulas alone", lambda: package(good([_UNKNOWN, _UNKNOWN])), "", _ONE_BAD),
    _book("shared formula", _with(city=Raw('<c r="{}"><f t="shared" si="0"/><v>1</v></c>')), "", _ONE_BAD),
    _book("hidden column without a number", lambda: package(_hidden_column("x")), "F224"),
    _book("merged cells", lambda: package(_merged("O2:O3")), "", (2, 0, 2, 0)),
    _book("merged cells beside the data", lambda: package(_merged("BA1:BB9")), "", _TWO),
    _book("merged header", lambda: package(_merged("A1:B1")), "F228"),
    _book("truth value", _with(city=Raw('<c r="{}" t="b"><v>1</v></c>')), "", _ONE_BAD),
    _book("error value", _with(city=Raw('<c r="{}" t="e"><v>#REF!</v></c>')), "", _ONE_BAD),
    _book("date in a secp_no", _with(secp_no=number(46_023, 1)), "", _ONE_BAD),
    _book("day that never was", _serials(60), "", _NO_DAY),
    _book("number in a date", _with(valid_from=number(46_023)), "", _NO_DAY),
    _book("time alone", _with(valid_from=number("0.5", 1)), "", _NO_DAY),
    _book("date before all days", _with(valid_from=number(-3, 1)), "", _NO_DAY),
    _book("date behind all days", _with(valid_from=number("1E+99", 1)), "", _NO_DAY),
    _book("escaped line break", _with(city="La_x000A_hore"), "", _ONE_BAD),
    _book("giant cell", _with(client_name="x" * 4_001), "F208"),
    _book("cell in column XFD", _far("XFD1048576", 1_048_576), "F216", (3, 2, 1, 0)),
    _book("blank cell in column XFD", _far("XFD1048576", 1_048_576, ""), "", _TWO),
    _book("header in column XFD", _changed("</row>", '<c r="XFD1"><v>1</v></c></row>'), "F207"),
    # sheets
    _book("two sheets with data", lambda: package(good(cells()), sheet([["note"]])), "F227"),
    _book("hidden sheet with data", lambda: package(good(cells()), sheet([["x"]]), state="hidden"), "F227"),
    _book("no sheet with data", lambda: package(sheet([])), "F201"),
    _book("no sheet at all", lambda: package(), "F201"),
    _book("header in row 2", lambda: package(sheet([[], HEADER, cells()])), "F218"),
    _book("data without a header", lambda: package(sheet([cells(), cells("R-2")])), "F218"),
    _book("missing column", lambda: package(sheet([HEADER[1:], cells()[1:]])), "F203"),
    # what it must not be
    _book("macros", lambda: package(good(cells()), parts={"xl/vbaProject.bin": b"x"}), "F226"),
    _book(
        "macros by type",
        lambda: package(good(cells()), content_type="application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
        "F226",
    ),
    _book("macro sheet", lambda: package(good(cells()), parts={"xl/macrosheets/sheet1.xml": "<x/>"}), "F226"),
    _book(
        "binary workbook",
        lambda: package(good(cells()), content_type="application/vnd.ms-excel.sheet.binary.main"),
        "F224",
    ),
    _book("encrypted workbook", lambda: _OLE + "EncryptedPackage".encode("utf-16-le"), "F225"),
    _book("old workbook named .xlsx", lambda: _OLE, "F219"),
    _book("csv named .xlsx", lambda: ",".join(HEADER).encode() + b"\n", "F219"),
    _book("ZIP archive named .xlsx", lambda: zipped((NAME, b"x")), "F219"),
    _book(
        "external links",
        lambda: package(good(cells(city=_UNKNOWN)), parts={"xl/externalLinks/externalLink1.xml": "<x/>"}),
        "",
        _ONE_BAD,
    ),
    # bombs and giants
    _book("billion laughs", _declared(_LAUGHS, "&a9;"), "F224"),
    _book("entity of the file's own", _declared('<!ENTITY x "Lahore">', "&x;"), "F224"),
    _book("external entity", _declared('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"), "F224"),
    _book(
        "external document type",
        lambda: package(good(cells()).replace("\n<work", '\n<!DOCTYPE a SYSTEM "a.dtd"><work')),
        "F224",
    ),
    _book("unknown entity", _changed("Lahore", "&laugh;"), "F224"),
    _book(
        "sheet of blanks that inflates",
        lambda: package(good(cells()).replace("<sheetData>", " " * 30_000_000 + "<sheetData>")),
        "F223",
    ),
    _book("a million shared strings", _million_strings, "F223"),
    _book("ten thousand parts", lambda: package(good(cells()), parts={f"x{n}": "" for n in range(10_001)}), "F224"),
    # damage
    _book("cut off", lambda: _plain()[:-30], "F224"),
    _book("cut in its middle", lambda: _plain()[:900], "F224"),
    _book("sheet cut off", lambda: package(good(cells())[:-40]), "F224"),
    _book("sheet is no XML", lambda: package("registration_ref,action"), "F224"),
    _book("sheet is HTML", lambda: package("<html><body/></html>"), "F224"),
    _book("sheet is missing", lambda: package(good(cells())).replace(b"sheet1.xml", b"sheet7.xml", 1), "F224"),
    _book("no such shared string", _shared("<si><t>Lahore</t></si>", 7), "F224"),
    _book("negative shared string", _shared("<si><t>Lahore</t></si>", -1), "F224"),
    _book("shared string that is no number", _shared("<si><t>Lahore</t></si>", "x"), "F224"),
    _book("rows not in order", _changed('<row r="3">', '<row r="2">'), "F224"),
    _book("row 0", _changed('<row r="2">', '<row r="0">'), "F224"),
    _book("cell of another row", _changed('r="B2"', 'r="B3"'), "F224"),
    _book("cells not in order", _changed('r="B2"', 'r="A2"'), "F224"),
    _book("cell without a row number", _changed('r="B2"', 'r="B"'), "F224"),
    _book("no relations", lambda: package(good(cells()), parts={"_rels/.rels": f'<x xmlns="{MAIN}"/>'}), "F224"),
)


def _bare(markup: str) -> str:
    """The sheet without references of rows and of the first cells, which none is missing among."""
    return re.sub(r' r="[A-E]?[0-9]+"', "", markup)


def _hidden_column(first: str = "2") -> str:
    return sheet([HEADER, cells(), cells("R-2")], head=f'<cols><col min="{first}" max="3" hidden="1"/></cols>')


def _unknown_column() -> str:
    return sheet([[*HEADER, "remarks"], [*cells(), _UNKNOWN], cells("R-2")])


def _merged(reference: str) -> str:
    tail = f'<mergeCells count="1"><mergeCell ref="{reference}"/></mergeCells>'
    return sheet([HEADER, cells(), cells("R-2")], tail=tail)
