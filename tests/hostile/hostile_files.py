"""Hostile and odd files as a whole: encodings, line ends, quotes, shapes, headers."""

from __future__ import annotations

import gzip
import io
import zipfile
from typing import Final

from tests.hostile.hostile_building import HEADER, OddFile, joined, lines, row, table

_GOOD: Final = table([row("R-1"), row("R-2")])
_LINES: Final = lines({}, {})
_TWO: Final = (2, 2, 0, 0)


def _with_header(*names: str) -> bytes:
    """Two good rows under a header that is changed; further names get an empty field."""
    more = "," * (len(names) - len(HEADER))
    return joined([",".join(names), *(line + more for line in _LINES[1:])])


def _zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo("indus_registrations_delta_20260615_0001.csv"), _GOOD)
    return held.getvalue()


FILES: Final = (
    # encodings
    OddFile("nothing", "empty", lambda: b"", "F201"),
    OddFile("a BOM alone", "empty", lambda: b"\xef\xbb\xbf", "F201"),
    OddFile("line ends alone", "empty", lambda: b"\r\n\r\n\n", "F201"),
    OddFile("blanks alone", "empty", lambda: b" \t \n", "F201"),
    OddFile("UTF-16", "encoding", lambda: _GOOD.decode().encode("utf-16"), "F202"),
    OddFile("UTF-16 without BOM", "encoding", lambda: _GOOD.decode().encode("utf-16-le"), "F206"),
    OddFile("UTF-32", "encoding", lambda: _GOOD.decode().encode("utf-32"), "F202"),
    OddFile("Windows-1252", "encoding", lambda: table([row(client_name="Café")]).decode().encode("cp1252"), "F202"),
    OddFile("Windows-1256", "encoding", lambda: table([row(client_name="لاہور")]).decode().encode("cp1256"), "F202"),
    OddFile("overlong UTF-8", "encoding", lambda: _GOOD.replace(b"Indus", b"\xc0\xaf"), "F202"),
    OddFile("surrogate in UTF-8", "encoding", lambda: _GOOD.replace(b"Indus", b"\xed\xa0\x80"), "F202"),
    OddFile("beyond Unicode", "encoding", lambda: _GOOD.replace(b"Indus", b"\xf4\x90\x80\x80"), "F202"),
    OddFile("cut inside a character", "encoding", lambda: table([row(vpn_provider="پ")])[:-8] + b"\xd9", "F202"),
    OddFile("NUL in a cell", "encoding", lambda: _GOOD.replace(b"Indus", b"In\0us"), "F206"),
    OddFile("NUL behind the end", "encoding", lambda: _GOOD + b"\0" * 512, "F206"),
    # quotes
    OddFile("quote never closed", "quotes", lambda: _GOOD.replace(b"Indus", b'"Indus', 1), "F210"),
    OddFile("quotes inside a bare field", "legal", lambda: _GOOD.replace(b"Indus", b'In"d"us'), "", _TWO),
    OddFile("field opened and never closed", "quotes", lambda: joined([*_LINES, '"R-3,add']), "F210"),
    OddFile("text behind a closing quote", "quotes", lambda: joined([*_LINES, '"R-3"x,add']), "F210"),
    OddFile(
        "quote swallows the file", "quotes", lambda: joined([_LINES[0], '"' + _LINES[1], *_LINES[1:] * 40]), "F210"
    ),
    OddFile("header in quotes", "legal", lambda: joined(['"' + '","'.join(HEADER) + '"', *_LINES[1:]]), "", _TWO),
    # line ends
    OddFile("CRLF", "legal", lambda: joined(_LINES, "\r\n"), "", _TWO),
    OddFile("CR alone", "legal", lambda: joined(_LINES, "\r"), "", _TWO),
    OddFile("mixed line ends", "legal", lambda: (_LINES[0] + "\r" + _LINES[1] + "\n" + _LINES[2]).encode(), "", _TWO),
    OddFile("no last line end", "legal", lambda: "\n".join(_LINES).encode(), "", _TWO),
    OddFile("BOM", "legal", lambda: b"\xef\xbb\xbf" + _GOOD, "", _TWO),
    OddFile("BOM and quotes", "legal", lambda: b"\xef\xbb\xbf" + b'"registration_ref"' + _GOOD[16:], "", _TWO),
    OddFile("two BOMs", "encoding", lambda: b"\xef\xbb\xbf" * 2 + _GOOD, "F203"),
    OddFile("blank lines", "legal", lambda: joined([*_LINES[:2], "", "  ", _LINES[2], ""]), "F216", _TWO),
    OddFile("rows of commas", "legal", lambda: joined([*_LINES, "," * (len(HEADER) - 1), ",,,"]), "F216", _TWO),
    # shape
    OddFile("header alone", "legal", lambda: table([]), ""),
    OddFile("header without line end", "legal", lambda: table([], end=False), ""),
    OddFile(
        "one field more in the first row",
        "ragged",
        lambda: joined([_LINES[0], _LINES[1] + ",x", _LINES[2]]),
        "",
        (2, 1, 1, 0),
    ),
    OddFile(
        "one field more in all rows",
        "ragged",
        lambda: joined([_LINES[0], *(line + ",x" for line in _LINES[1:])]),
        "",
        (2, 0, 2, 0),
    ),
    OddFile("one field less", "ragged", lambda: joined([*_LINES, _LINES[1].rpartition(",")[0]]), "", (3, 2, 1, 0)),
    OddFile(
        "comma in a bare name",
        "ragged",
        lambda: joined([*_LINES, _LINES[1].replace("Indus", "In,dus")]),
        "",
        (3, 2, 1, 0),
    ),
    OddFile("a million commas", "ragged", lambda: joined([*_LINES, "," * 1_000_000 + "x"]), "", (3, 2, 1, 0)),
    OddFile("a million commas in the header", "ragged", lambda: joined(["," * 1_000_000]), "F207"),
    OddFile("giant field", "giant", lambda: table([row(client_name="x" * 4_001)]), "F208"),
    OddFile("giant field of Urdu", "giant", lambda: table([row(client_name="پ" * 4_001)]), "F208"),
    OddFile("giant field in quotes", "giant", lambda: table([row(client_name="x," * 2_001)]), "F208"),
    OddFile("one line of a megabyte", "giant", lambda: b"x" * 1_000_000, "F208"),
    OddFile("giant header field", "giant", lambda: joined([_LINES[0] + "," + "x" * 4_001]), "F208"),
    # header
    OddFile("data without header", "header", lambda: joined(_LINES[1:]), "F218"),
    OddFile("semicolons", "header", lambda: joined([line.replace(",", ";") for line in _LINES]), "F217"),
    OddFile("tabs", "header", lambda: joined([line.replace(",", "\t") for line in _LINES]), "F217"),
    OddFile("bars", "header", lambda: joined([line.replace(",", "|") for line in _LINES]), "F217"),
    OddFile("Excel's separator line", "header", lambda: joined(["sep=,", *_LINES]), "F218"),
    OddFile("one column", "header", lambda: joined(["registration_ref", "R-1"]), "F203"),
    OddFile("upper case", "header", lambda: joined([_LINES[0].upper(), *_LINES[1:]]), "F203"),
    OddFile("repeated column", "header", lambda: _with_header(*HEADER, "ntn"), "F204"),
    OddFile(
        "column with a zero-width space", "header", lambda: _with_header("registration_ref\u200b", *HEADER[1:]), "F203"
    ),
    OddFile("homoglyph in a column", "header", lambda: _with_header("registrаtion_ref", *HEADER[1:]), "F203"),
    OddFile("65 columns", "header", lambda: _with_header(*HEADER, *(f"x{n}" for n in range(65 - len(HEADER)))), "F207"),
    OddFile(
        "64 columns", "legal", lambda: _with_header(*HEADER, *(f"x{n}" for n in range(64 - len(HEADER)))), "F205", _TWO
    ),
    OddFile("column without a name", "legal", lambda: _with_header(*HEADER, ""), "F205", _TWO),
    OddFile("two columns without a name", "legal", lambda: _with_header(*HEADER, "", ""), "F205", _TWO),
    OddFile("column named as a formula", "legal", lambda: _with_header(*HEADER, "=1+1"), "F205", _TWO),
    OddFile("blanks around the names", "legal", lambda: _with_header(*(f" {name} " for name in HEADER)), "", _TWO),
    # repeats
    OddFile("one row twice", "repeats", lambda: joined([*_LINES, _LINES[2]]), "", (3, 2, 0, 1)),
    OddFile("two rows of one key", "repeats", lambda: table([row("R-1"), row("R-1", city="Multan")]), "", (2, 0, 2, 0)),
    OddFile("keys that differ in case", "legal", lambda: table([row("r-1"), row("R-1")]), "", _TWO),
    OddFile("header repeated as a row", "repeats", lambda: joined([*_LINES, _LINES[0]]), "", (3, 2, 1, 0)),
    # mislabelled
    OddFile("gzip as csv", "mislabelled", lambda: gzip.compress(_GOOD, mtime=0), "F219"),
    OddFile("zip as csv", "mislabelled", _zipped, "F219"),
    OddFile("PDF as csv", "mislabelled", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "F219"),
    OddFile("HTML as csv", "mislabelled", lambda: b"<html><body>login</body></html>\n", "F218"),
    OddFile("JSON as csv", "mislabelled", lambda: b'[{"registration_ref": "R-1"}]\n', "F218"),
    OddFile(
        "old workbook",
        "mislabelled",
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
        "F214",
        file="indus_registrations_delta_20260615_0001.xls",
    ),
    OddFile("macro workbook", "mislabelled", _zipped, "F214", file="indus_registrations_delta_20260615_0001.xlsm"),
    OddFile("tar ball", "mislabelled", lambda: b"x", "F214", file="indus_registrations_delta_20260615_0001.tar.gz"),
)
