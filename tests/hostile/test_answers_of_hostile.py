"""Every hostile input through a whole pass: each is answered, and the answers harm nobody who opens them."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Final

import pytest

from tests.hostile.hostile_archives import ARCHIVES
from tests.hostile.hostile_building import HEADER, row, table
from tests.hostile.hostile_cells import ACCEPTED, REFUSED
from tests.hostile.hostile_files import FILES
from tests.hostile.hostile_names import NAMES
from tests.installation import Installation, foreseen_verdicts
from vpn_registry.model import Feed

_CELLS: Final = [one for one in (*REFUSED, *ACCEPTED) if one.feed is Feed.REGISTRATIONS]
_FORMULA: Final = re.compile(r"\s*[=+\-@＝＋－＠]")
_GOOD: Final = "kirana_registrations_delta_20260615_0001.csv"


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, int]:
    """An installation after one pass over all hostile inputs in one zone, and the number of files dropped there."""
    here = Installation(tmp_path_factory.mktemp("hostile"))
    names = [one.file for one in NAMES if "F101" in one.codes or "F104" in one.codes]
    for number, odd in enumerate((*FILES, *ARCHIVES), start=100):
        extension = odd.file.partition(".")[2]
        here.drop((f"indus_registrations_delta_20260615_{number:04}.{extension}", odd.build()))
    rows = [row(f"H-{n}", **(odd.others or {})) | {odd.column: odd.value} for n, odd in enumerate(_CELLS)]
    here.drop(("indus_registrations_delta_20260615_0001.csv", table(rows)))
    for name in names:
        here.drop((name, table([row("N-1")])), isp="indus")
    here.drop((_GOOD, table([row("K-1", local_ip="192.0.2.8")])))
    with foreseen_verdicts():  # what Great Expectations logs is seen below
        assert set(here.run()) == {"indus", "kirana"}
    return here, len(FILES) + len(ARCHIVES) + 1 + sum(not name.startswith(".") for name in names)


def _tables(here: Installation) -> dict[str, list[list[str]]]:
    found = {}
    for path, content in here.out("indus").items():
        if path.endswith(".csv"):
            found[path] = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    return found


def test_each_file_is_answered_and_only_unfinished_uploads_are_left(dropped: tuple[Installation, int]) -> None:
    here, count = dropped
    assert all(name.startswith(".") for name in here.incoming("indus"))
    results = [json.loads(data) for path, data in here.out("indus").items() if path.endswith(".result.json")]
    receipts = [path for path in here.out("indus") if path.endswith(".receipt.json")]
    assert len(results) == len(receipts) == count
    for result in results:
        rows = result["rows"]
        assert rows["accepted"] + rows["rejected"] + rows["duplicate"] == rows["total"]


def test_the_neighbours_good_file_is_taken(dropped: tuple[Installation, int]) -> None:
    here, _ = dropped
    assert here.result("kirana", _GOOD)["outcome"] == "accepted"


def test_no_answer_lies_outside_the_zone_or_under_a_name_that_harms(dropped: tuple[Installation, int]) -> None:
    here, _ = dropped
    for path in here.out("indus"):
        assert re.fullmatch(r"(check/)?[A-Za-z0-9._-]{1,160}", path)
    inside = here.zone("indus") / "incoming"
    named = [path for path in here.home.rglob("*") if path.name.startswith(("..", "=", "\x1b"))]
    assert named
    assert {path.parent for path in named} == {inside}  # the unfinished ones, where they were dropped


def test_no_cell_of_an_answer_begins_a_formula_or_hides_a_character(dropped: tuple[Installation, int]) -> None:
    here, _ = dropped
    tables = _tables(here)
    assert any(path.endswith(".findings.csv") for path in tables)
    for lines in tables.values():
        for cell in (cell for line in lines for cell in line):
            assert not _FORMULA.match(cell)
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", cell)


def test_no_answer_shows_an_identity_number(dropped: tuple[Installation, int]) -> None:
    here, _ = dropped
    secrets = {value for odd in _CELLS for value in _identity_numbers({odd.column: odd.value} | dict(odd.others or {}))}
    assert len(secrets) >= 6
    for path, content in here.out("indus").items():
        digits = content.decode().replace("-", "").replace(" ", "")
        assert not [secret for secret in secrets if secret in digits], path


def test_a_result_names_no_file_of_another_isp_and_no_path(dropped: tuple[Installation, int]) -> None:
    here, _ = dropped
    for path, content in here.out("indus").items():
        text = content.decode()
        assert str(here.home) not in text, path
        assert "Traceback" not in text
        assert "K-1" not in text


def test_the_logs_hold_no_value_of_a_row(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = Installation(tmp_path, ["indus"])
    rows = [
        row("H-1", cnic="82203-7654321-1", ntn=""),
        row("H-2", cnic="8220376543217", ntn="12", client_name="\x1b[1mZaib"),
    ]
    here.drop(("indus_registrations_delta_20260615_0001.csv", table(rows)))
    with caplog.at_level("DEBUG"):
        here.run()
    assert "delivery" in caplog.text
    for value in ("82203", "7654321", "Zaib", "\x1b[1m", rows[0]["contact_email"]):
        assert value not in caplog.text


def _identity_numbers(values: dict[str, str]) -> list[str]:
    assert set(values) <= set(HEADER)
    digits = [re.sub(r"[- ]", "", values.get(column, "")) for column in ("cnic", "ntn")]
    return [value for value in digits if re.fullmatch("[0-9]{12,14}", value)]
