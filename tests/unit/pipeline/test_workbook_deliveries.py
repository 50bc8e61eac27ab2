"""Workbooks through a whole pass: taken, judged, merged and answered like any file; a hostile one harms nobody."""

from __future__ import annotations

import csv
import io
from typing import Final

import pytest

from tests.hostile.hostile_archives import zipped
from tests.hostile.hostile_building import HEADER
from tests.hostile.hostile_workbooks import WORKBOOKS
from tests.installation import Cast, Installation, clients, registrations
from tests.workbooks import Raw, number, package, sheet
from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of

CNIC: Final = "3520112345671"
PASSPORT: Final = "73194625"
_FORMULA: Final = Raw(f'<c r="{{}}" t="str"><f>A1</f><v>{CNIC}</v></c>')


def workbook(rows: list[dict[str, str]], header: list[str] = HEADER) -> bytes:
    return package(sheet([header, *([row[name] for name in header] for row in rows)]))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Of indus a workbook with odd cells, a hostile one and a zipped list, of kirana a good CSV file, in one pass."""
    house, indus, kirana = Installation(tmp_path_factory.mktemp("workbooks")), Cast("indus"), Cast("kirana")
    rows = indus.registered(4)
    odd = [
        rows[0],
        rows[1] | {"ntn": "", "cnic": number(CNIC)},
        rows[2] | {"ntn": "", "other_id": number(PASSPORT)},
        rows[3] | {"ntn": "", "cnic": _FORMULA},
    ]
    name, _ = registrations("indus", 1, [])
    house.drop((name.replace(".csv", ".xlsx"), workbook(odd)))
    [bomb] = [one for one in WORKBOOKS if one.name == "billion laughs"]
    name, _ = registrations("indus", 2, [])
    house.drop((name.replace(".csv", ".xlsx"), bomb.build()))
    name, _ = clients("indus", 1, [])
    inner = name.replace(".csv", ".xlsx")
    book = workbook(indus.listed, [column.name for column in columns_of(Feed.CLIENTS)])
    house.drop((f"{inner}.zip", zipped((inner, book))))
    house.drop(registrations("kirana", 1, kirana.registered(2)))
    house.run()
    return house


def test_workbooks_go_the_way_of_every_delivery(delivered: Installation) -> None:
    told = {}
    for path in (path for path in delivered.out("indus") if path.endswith(".result.json")):
        result = delivered.result("indus", path.removesuffix(".result.json"))
        told[result["feed"], result["file"].partition(".")[2]] = (result["outcome"], result["counts_by_code"])
        assert result["rows"]["total"] == sum(result["rows"][name] for name in ("accepted", "rejected", "duplicate"))
    names = registrations("indus", 1, [])[0], registrations("indus", 2, [])[0]
    first, second = (delivered.result("indus", name.replace(".csv", ".xlsx")) for name in names)
    assert (first["outcome"], first["rows"]["accepted"], first["rows"]["rejected"]) == ("partial", 1, 3)
    assert (first["counts_by_code"]["H132"], first["counts_by_code"]["H133"]) == (2, 1)
    assert (second["outcome"], second["rows"]["total"], list(second["counts_by_code"])) == ("rejected", 0, ["F224"])
    assert told["clients", "xlsx.zip"] == ("accepted", {})
    assert delivered.result("kirana", registrations("kirana", 1, [])[0])["outcome"] == "accepted"
    assert delivered.rows("SELECT isp, count(*) FROM registrations GROUP BY isp ORDER BY isp") == [
        ("indus", 1), ("kirana", 2),
    ]  # fmt: skip
    assert delivered.rows("SELECT count(*) FROM clients") == [(4,)]
    assert delivered.incoming("indus") == []


def test_no_answer_about_a_workbook_shows_or_suggests_an_identity_number(delivered: Installation) -> None:
    name = registrations("indus", 1, [])[0].replace(".csv", ".xlsx")
    text = delivered.out("indus")[f"{name}.findings.csv"].decode()
    lines = [line for line in csv.DictReader(io.StringIO(text, newline="")) if line["column"] in {"cnic", "other_id"}]
    assert {(line["row"], line["column"]) for line in lines} >= {("2", "cnic"), ("3", "other_id"), ("4", "cnic")}
    assert {line["suggestion"] for line in lines} == {""}
    assert {line["line"] for line in lines} == {"3", "4", "5"}
    for content in delivered.out("indus").values():
        digits = content.replace(b"-", b"")
        assert CNIC.encode() not in digits
        assert PASSPORT.encode() not in digits
