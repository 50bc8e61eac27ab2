"""docs/file-specification.md: its tables and transcripts are those of the code, its promises those of the answers."""

from __future__ import annotations

import re

from tests.unit.pipeline import test_promises as promises
from vpn_registry.answers import ACCEPTED_COLUMNS
from vpn_registry.cli import specification
from vpn_registry.model import FINDING_COLUMNS, Effect, Feed, Outcome, Response
from vpn_registry.rulebook.file_names import EXTENSIONS, OLDEST_DAYS

PAGE = specification.PAGE.read_text("utf-8")


def first_cells(heading: str) -> list[str]:
    """The first column of the tables between a heading and the next one."""
    part = PAGE.split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `(.+?)` \|", part, flags=re.MULTILINE)


def transcripts_of(heading: str) -> list[str]:
    """The transcripts of `vpnreg check` between a heading and the next one of its level."""
    part = PAGE.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```console\n\$ vpnreg check (.+?)```", part, flags=re.DOTALL)


def codes_in(transcript: str) -> list[str]:
    return re.findall(r"^  ([FHW]\d{3}) ", transcript, flags=re.MULTILINE)


def test_the_page_is_the_one_that_the_programs_write() -> None:
    message = "Run `python -m vpn_registry.cli.specification` and commit docs/file-specification.md."
    assert specification.text(PAGE) == PAGE, message


def test_the_worked_example_is_accepted_and_each_slip_has_one_code_of_its_own() -> None:
    whole, *broken = transcripts_of("## A first file, and ten ways to break it")
    assert ": accepted, 2 rows" in whole
    codes = [codes_in(transcript) for transcript in broken]
    assert len(codes) == 10
    assert all(len(found) == 1 for found in codes)
    assert len({found[0] for found in codes}) == 10


def test_the_example_is_accepted_in_every_format_and_its_slips_are_named() -> None:
    transcripts = transcripts_of("## The same file as a workbook or packed, and how to break that")
    whole, broken = transcripts[: len(EXTENSIONS) - 1], transcripts[len(EXTENSIONS) - 1 :]
    assert all(": accepted, 2 rows" in transcript for transcript in whole)
    assert [codes_in(transcript) for transcript in broken] == [
        ["H132"], ["F218"], ["H133"], ["H134"], ["F229"], ["F219"], ["F221"],
    ]  # fmt: skip


def test_the_tables_of_answers_name_every_field() -> None:
    heading = "### Fields of the result"
    assert first_cells(heading) == [*promises.RESULT, *Outcome]
    assert first_cells("### Columns of findings.csv") == list(FINDING_COLUMNS)
    assert first_cells("### Columns of accepted.csv") == [*ACCEPTED_COLUMNS, *Effect]


def test_every_answer_to_a_notice_is_explained() -> None:
    part = PAGE.split("| `response` | means", 1)[1].split("\n#", 1)[0]
    assert re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE) == list(Response)


def test_names_are_described_as_they_are_read() -> None:
    for ext in EXTENSIONS:
        assert f"`{ext}`" in PAGE
    assert f"at most {OLDEST_DAYS} days before" in PAGE
    for feed in Feed:
        assert f"### `{feed}`" in PAGE
