"""What the strict grammar takes is well-formed, whatever was done to it; what it leaves out reads the same by expat."""

from __future__ import annotations

import io
from xml.parsers import expat

import pytest

from tests.hostile.hostile_workbooks import WORKBOOKS
from tests.hostile.mutation import mutated
from tests.hostile.test_mutated import MARKUP, OTHER_MARKUP
from tests.workbooks import package, sheet
from vpn_registry.workbook import child, guard
from vpn_registry.workbook import sheet as sheets
from vpn_registry.workbook.grammar import ROWS, STRINGS, is_strict
from vpn_registry.workbook.refusal import RefusedError

ROW = (
    '<row r="1" spans="1:4" ht="15" customHeight="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="2"><v>4.5E-3</v></c>'
    '<c r="C1" s="1"/><c r="D1" t="inlineStr"><is><t xml:space="preserve">لاہور &amp; = Sons</t></is></c></row>'
    '<row r="2"/>'
).encode()
STRING = "<si><t>Lahore &lt;Foods&gt; \U0001f600</t></si><si/>".encode()
SPECIAL = b"&#1; ]]> \xef\xbf\xbf \xed\xa0\x80 <t> </t> <!-- -->"
BOUNDS = guard.Bounds(2**30, 100, 64, 4_000)


def is_well_formed(block: bytes) -> bool:
    try:
        expat.ParserCreate().Parse(b'<x xmlns:x14ac="x">' + block + b"</x>", True)
    except expat.ExpatError:
        return False
    return True


@pytest.mark.parametrize(("block", "grammar"), [(ROW, ROWS), (STRING, STRINGS)])
def test_what_matches_is_well_formed_whatever_was_done_to_it(block: bytes, grammar: str) -> None:
    assert is_strict(block, grammar)
    changed = (mutated(block, ROW + STRING + SPECIAL, seed) for seed in range(3_000))
    matching = [one for one in changed if is_strict(one, grammar)]
    assert len(matching) > 20
    assert [one for one in matching if not is_well_formed(one)] == []


@pytest.mark.parametrize(
    "block",
    [
        b'<row r="1" r="2"></row>',
        b'<row r="1"><c r="A1"><v>1</v></row>',
        b'<row r="1"><c r="A1"><f>A2</f><v>1</v></c></row>',
        b'<row r="1"><!-- --></row>',
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>]]></t></is></c></row>',
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>\xff</t></is></c></row>',
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>&own;</t></is></c></row>',
        b'<row r="1"></row>\n',
    ],
)
def test_anything_else_is_left_to_expat(block: bytes) -> None:
    assert not is_strict(block, ROWS)


def read(book: bytes) -> object:
    """What the child would write, or the code of its refusal."""
    out, limits = io.BytesIO(), {"most_bytes": 2**24, "rows": 5_000, "columns": 64, "characters": 4_000}
    try:
        child._read(book, limits, out)
    except RefusedError as refusal:
        return refusal.code, str(refusal.facts)
    return out.getvalue()


GIANTS = {"sheet of blanks that inflates", "a million shared strings", "ten thousand parts"}


def test_every_workbook_reads_the_same_by_expat_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    books = {one.name: one.build() for one in WORKBOOKS if one.name not in GIANTS}
    damaged = (mutated(MARKUP, OTHER_MARKUP, seed) for seed in range(100))
    books.update((f"damaged {number}", package(markup)) for number, markup in enumerate(damaged))
    told = {name: read(book) for name, book in books.items()}
    monkeypatch.setattr(sheets, "is_strict", lambda _block, _grammar: False)
    assert [name for name, book in books.items() if read(book) != told[name]] == []


def test_a_document_that_only_looks_like_a_sheet_is_refused_although_its_rows_match() -> None:
    whole = sheet([["a"], ["1"]])
    for spoilt in (whole.replace("</worksheet>", ""), whole.replace("<sheetData>", "<sheetData><sheetData>")):
        with pytest.raises(RefusedError) as refused:
            guard.read(package(spoilt), BOUNDS)
        assert refused.value.code == "F224"
