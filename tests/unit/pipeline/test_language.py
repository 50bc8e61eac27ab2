"""Answers in the language that an ISP's file names; the registry keeps them in English."""

from __future__ import annotations

import csv
import io
import re

import pytest

from tests.installation import Cast, Installation, clients, registrations
from vpn_registry.model import Mode

ARABIC = re.compile("[\u0600-\u06ff]")


@pytest.fixture
def urdu(house: Installation) -> Installation:
    house.add_isp("indus", 'language = "ur"\n')
    house.exchange = house.at(house.exchange.now())
    return house


def test_findings_on_rows_are_told_in_the_isps_language(urdu: Installation, indus: Cast) -> None:
    rows = [row | {"province": "Punjab"} for row in indus.registered(1)]
    rows += [row | {"ntn": "3.52E+12", "cnic": "", "other_id": ""} for row in indus.registered(1)]
    name, content = registrations("indus", 1, rows, Mode.FULL)
    urdu.drop((name, content))
    urdu.run()
    text = urdu.out("indus")[f"{name}.findings.csv"].decode()
    lines = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert {line["code"] for line in lines} == {"H118", "H108"}
    for line in lines:
        assert ARABIC.search(line["message"])
        assert ARABIC.search(line["remedy"])
        assert "spreadsheet" not in line["message"]
    kept = urdu.rows("SELECT message FROM findings")
    assert not any(ARABIC.search(message) for (message,) in kept)


def test_findings_on_a_file_are_told_in_the_isps_language_in_every_revision(urdu: Installation, indus: Cast) -> None:
    indus.open(10)
    urdu.drop(clients("indus", 1, indus.listed))
    held, content = clients("indus", 2, indus.listed[:2])
    urdu.drop((held, content))
    urdu.run()
    urdu.drop(clients("indus", 3, indus.listed))
    for outcome in ("held", "superseded"):
        result = urdu.result("indus", held)
        assert result["outcome"] == outcome
        [finding] = result["findings"]
        assert finding["code"] == "F302"
        assert not re.search("[a-z]{3}", finding["message"])
        urdu.run()


def test_other_isps_are_answered_in_english(urdu: Installation, kirana: Cast) -> None:
    name, content = registrations("kirana", 2, kirana.registered(1))
    urdu.drop((name, content))
    urdu.run()
    [gap] = urdu.result("kirana", name)["findings"]
    assert gap["message"] == "Numbers before this file have not arrived: 0001."
