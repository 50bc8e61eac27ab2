"""`python -m vpn_registry.cli.specification` renews what docs/file-specification.md takes from the rulebook.

The page's own words are edited there; the blocks between `<!-- name -->` and `<!-- end -->` are written here: column
tables, and what `vpnreg check` says of the worked example, as text, as a workbook and packed, and of ways to break it.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import shlex
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from typer.testing import CliRunner

from vpn_registry.cli.app import app
from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of
from vpn_registry.settings import PROJECT

PAGE: Final = PROJECT / "docs" / "file-specification.md"
EXAMPLE: Final = PROJECT / "docs" / "examples" / "multan_registrations_delta_20260615_0001.csv"
BOOK: Final = EXAMPLE.with_suffix(".xlsx")
"""The example as a spreadsheet program wrote it."""
DAY: Final = "2026-06-15"

_BLOCK: Final = re.compile(r"(<!-- ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Slip:
    """One way to break the example: what somebody did, and the file that comes of it."""

    title: str
    done: str
    change: Callable[[bytes], bytes] = bytes
    name: str = EXAMPLE.name


def _cell(row: int, column: str, value: str) -> Callable[[bytes], bytes]:
    """The example with one cell of a data row (from 1) changed."""

    def changed(content: bytes) -> bytes:
        rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
        rows[row][rows[0].index(column)] = value
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()

    return changed


def _sheet(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """A workbook with the markup of its sheet changed."""

    def changed(content: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            parts = {name: book.read(name) for name in book.namelist()}
        sheet = "xl/worksheets/sheet1.xml"
        return _zipped({**parts, sheet: change(parts[sheet].decode()).encode()})

    return changed


def _book_cell(reference: str, markup: str) -> Callable[[bytes], bytes]:
    """A workbook with one cell in other markup."""
    cell = re.compile(f'<c r="{reference}".*?</c>')
    return _sheet(lambda sheet: cell.sub(f'<c r="{reference}"{markup}</c>', sheet))


def _one_row_down(sheet: str) -> str:
    title = '<row r="1"><c r="A1" t="inlineStr"><is><t>Multan Fibre, June 2026</t></is></c></row>'
    moved = re.sub(r'(<row r="|<c r="[A-Z]+)(\d+)', lambda found: f"{found[1]}{int(found[2]) + 1}", sheet)
    return moved.replace("<sheetData>", f"<sheetData>{title}")


def _zipped(members: Mapping[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return held.getvalue()


def _text(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda content: content.replace(old.encode(), new.encode())


SLIPS: Final = (
    Slip("A name of one's own", "The file is called `Registrations June.csv`.", name="Registrations June.csv"),
    Slip(
        "Last month's date",
        "The name says `20260515`, and it is sent on 15 June.",
        name="multan_registrations_delta_20260515_0001.csv",
    ),
    Slip("Semicolons", "The spreadsheet exported it with `;` between the fields.", _text(",", ";")),
    Slip("A column left out", "`verified_on` was renamed to `verified`.", _text("verified_on", "verified")),
    Slip(
        "Another encoding",
        "It was saved as Windows-1252, and a client is called `Société Fibre`.",
        lambda content: _text("Imran Qureshi,,", "Société Fibre,,")(content).decode().encode("cp1252"),
    ),
    Slip("A lost leading zero", "The spreadsheet took the NTN for a number.", _cell(1, "ntn", "712345")),
    Slip("A rounded number", "The spreadsheet took the CNIC for a number.", _cell(2, "cnic", "3.63E+12")),
    Slip("A comma without quotes", "The quotes around the first client's name are gone.", _text('"', "")),
    Slip("A date as people write it", "`valid_from` is `15/06/2026`.", _cell(1, "valid_from", "15/06/2026")),
    Slip("An address behind NAT", "`local_ip` is the router's private address.", _cell(1, "local_ip", "192.168.1.1")),
)

BOOK_SLIPS: Final = (
    Slip(
        "A CNIC that became a number",
        "The column had the format General when the CNIC was typed.",
        _book_cell("G3", "><v>3630212345673</v>"),
        BOOK.name,
    ),
    Slip(
        "A title above the header",
        "Row 1 says `Multan Fibre, June 2026`, the header stands in row 2.",
        _sheet(_one_row_down),
        BOOK.name,
    ),
    Slip("A formula", "The second city is `=L2`.", _book_cell("L3", ' t="str"><f>L2</f><v>Multan</v>'), BOOK.name),
    Slip(
        "A merged cell",
        "Both clients are in Multan, so the two cells were merged.",
        lambda content: _sheet(
            lambda sheet: sheet.replace("</sheetData>", '</sheetData><mergeCells><mergeCell ref="L2:L3"/></mergeCells>')
        )(_book_cell("L3", ">")(content)),
        BOOK.name,
    ),
    Slip(
        "A hidden row",
        "A row was hidden, not deleted.",
        _sheet(lambda sheet: sheet.replace('<row r="3"', '<row r="3" hidden="1"')),
        BOOK.name,
    ),
    Slip("A new name in place of an export", "The workbook was renamed to `.csv`.", name=EXAMPLE.name),
    Slip(
        "A companion in the archive",
        "A program added a hidden file of its own to the ZIP archive.",
        lambda _: _zipped({EXAMPLE.name: EXAMPLE.read_bytes(), f"__MACOSX/._{EXAMPLE.name}": b""}),
        f"{EXAMPLE.name}.zip",
    ),
)


def text(page: str) -> str:
    """The page with every block renewed; KeyError for a block of an unknown name."""
    blocks = _blocks()
    return _BLOCK.sub(lambda found: f"{found[1]}{blocks[found[2]]()}\n{found[3]}", page)


def _blocks() -> Mapping[str, Callable[[], str]]:
    columns = {f"columns-{feed}": lambda feed=feed: _columns(feed) for feed in Feed}
    return {
        **columns,
        "identifiers": _identifiers,
        "example": _example,
        "slips": lambda: _slips(SLIPS, EXAMPLE),
        "book": _book,
        "book-slips": lambda: _slips(BOOK_SLIPS, BOOK),
    }


def _columns(feed: Feed) -> str:
    lines = ["| column | required | form | meaning | example |", "|---|---|---|---|---|"]
    for column in columns_of(feed):
        required = "yes" if column.required else column.when or "no"
        example = f"`{column.example}`" if column.example else ""
        lines.append(f"| `{column.name}` | {required} | {column.form} | {column.why} | {example} |")
    return "\n".join(lines)


def _identifiers() -> str:
    names = dict.fromkeys(column.name for feed in Feed for column in columns_of(feed) if column.is_identifier)
    return f"Identifier columns: {', '.join(f'`{name}`' for name in names)}."


def _example() -> str:
    content = EXAMPLE.read_text("utf-8").rstrip("\n")
    return f"```csv\n{content}\n```\n\n{_console(EXAMPLE.name, EXAMPLE.read_bytes())}"


def _book() -> str:
    """The example as a workbook, and packed in the other ways."""
    plain, book = EXAMPLE.read_bytes(), BOOK.read_bytes()
    packed = {
        BOOK.name: book,
        f"{EXAMPLE.name}.gz": gzip.compress(plain),
        f"{EXAMPLE.name}.zip": _zipped({EXAMPLE.name: plain}),
        f"{BOOK.name}.zip": _zipped({BOOK.name: book}),
    }
    return "\n\n".join(_console(name, content, is_whole=False) for name, content in packed.items())


def _slips(slips: Iterable[Slip], example: Path) -> str:
    parts = []
    for number, slip in enumerate(slips, 1):
        shown = _console(slip.name, slip.change(example.read_bytes()), is_whole=False)
        parts.append(f"### {number}. {slip.title}\n\n{slip.done}\n\n{shown}")
    return "\n\n".join(parts)


def _console(name: str, content: bytes, *, is_whole: bool = True) -> str:
    """The real output of `vpnreg check` on a file, in a place that knows no ISP; its last line only if `is_whole`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        call = ["check", "--as-of", DAY, str(file)]
        here = {"VPN_REGISTRY_ISPS": folder, "VPN_REGISTRY_HOME": folder}
        done = CliRunner().invoke(app, call, env=here)
    if done.exit_code not in (0, 1):
        raise RuntimeError(f"vpnreg check ended with {done.exit_code} on {name}: {done.output}")
    lines = done.output.rstrip("\n").split("\n")
    lines = lines if is_whole else lines[:-1]
    command = shlex.join(["vpnreg", "check", "--as-of", DAY, name])
    return "\n".join(["```console", f"$ {command}", *lines, "```"])


def main() -> None:
    """Renew the page."""
    PAGE.write_text(text(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
