"""Answers: the files of contract section 4, byte for byte what a filer may rely on."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import pandas as pd

from vpn_registry import answers
from vpn_registry.model import (
    FINDING_COLUMNS,
    Answer,
    Delivery,
    DeliveryName,
    DeliveryState,
    Feed,
    Finding,
    Mode,
    Outcome,
    RowCounts,
    Severity,
    ZoneFolder,
)

NAME = "indus_registrations_delta_20260615_0042.csv"
AT = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)


def delivery(folder: ZoneFolder = ZoneFolder.INCOMING, name: DeliveryName | None = None) -> Delivery:
    return Delivery(
        id=7,
        isp="indus",
        folder=folder,
        file_name=NAME,
        state=DeliveryState.STORED,
        size_bytes=120,
        mtime=0,
        first_listed_at=AT,
        claim_no=1,
        sha256="ab" * 32,
        received_at=AT,
        name=name,
    )


PARSED = DeliveryName(NAME, "indus", Feed.REGISTRATIONS, Mode.DELTA, date(2026, 6, 15), 42, "csv")


def result_of(given: Delivery) -> Answer:
    return answers.result(
        given,
        stem=NAME,
        outcome=Outcome.PARTIAL,
        rows=RowCounts(3, 1, 1, 1, 1),
        findings=[Finding("F102", Severity.WARNING, "Zahlen fehlen: سندھ", "Send them.")],
        counts_by_code={"W101": 1, "H108": 1},
        rulebook_version="1.0",
        finished_at=AT,
        simulated=True,
    )


def rows_of(answer: Answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.content.decode(), newline=""), strict=True))


def test_a_receipt_names_the_stored_bytes() -> None:
    answer = answers.receipt(delivery(), stem=NAME, simulated=False)
    assert answer.path == f"{NAME}.receipt.json"
    assert json.loads(answer.content) == {
        "delivery_id": 7,
        "file": NAME,
        "sha256": "ab" * 32,
        "size_bytes": 120,
        "received_at": "2026-06-15T04:00:00Z",
        "simulated": False,
        "revision": 1,
    }


def test_a_result_holds_what_the_contract_lists_in_a_stable_order() -> None:
    answer = result_of(delivery(name=PARSED))
    content = json.loads(answer.content)
    assert list(content) == [
        "delivery_id",
        "file",
        "feed",
        "mode",
        "outcome",
        "rows",
        "findings",
        "counts_by_code",
        "rulebook_version",
        "received_at",
        "finished_at",
        "checked_only",
        "simulated",
        "revision",
    ]
    assert content["rows"] == {"total": 3, "accepted": 1, "rejected": 1, "duplicate": 1, "warned": 1}
    assert list(content["counts_by_code"]) == ["H108", "W101"]
    assert (content["feed"], content["mode"], content["outcome"]) == ("registrations", "delta", "partial")
    assert "سندھ".encode() in answer.content
    assert answer.content.startswith(b'{\n  "delivery_id": 7,')


def test_answers_from_the_check_zone_stand_under_check() -> None:
    answer = result_of(delivery(ZoneFolder.CHECK))
    assert answer.path == f"check/{NAME}.result.json"
    content = json.loads(answer.content)
    assert content["checked_only"] is True
    assert content["feed"] is None


def findings_frame(count: int) -> pd.DataFrame:
    line = [1, 2, "R-1", "ntn", "H108", "error", '=HYPERLINK("x")', "a, b", 'say "so"', "0822910"]
    return pd.DataFrame([line] * count, columns=list(FINDING_COLUMNS))


def test_findings_are_a_csv_that_reads_back() -> None:
    answer = answers.findings(delivery(), findings_frame(1), stem=NAME, counts_by_code={"H108": 1})
    header, line = rows_of(answer)
    assert header == list(FINDING_COLUMNS)
    assert line == ["1", "2", "R-1", "ntn", "H108", "error", '\'=HYPERLINK("x")', "a, b", 'say "so"', "0822910"]
    assert answer.path == f"{NAME}.findings.csv"


def test_the_last_line_says_what_was_left_out() -> None:
    answer = answers.findings(delivery(), findings_frame(2), stem=NAME, counts_by_code={"H108": 1500, "W101": 2})
    rows = rows_of(answer)
    assert len(rows) == 4
    assert rows[-1][7].startswith("1,500 more findings")


def test_no_findings_take_the_file_of_an_earlier_revision_away() -> None:
    answer = answers.findings(delivery(), findings_frame(0), stem=NAME, counts_by_code={})
    assert (answer.path, answer.is_removal) == (f"{NAME}.findings.csv", True)


def test_accepted_rows_say_what_they_did() -> None:
    effects = pd.DataFrame(
        [[1, "R-1", "C-1", "VPN-2026-0000001", "add", "created"]], columns=list(answers.ACCEPTED_COLUMNS)
    )
    answer = answers.accepted(delivery(), effects, stem=NAME)
    assert answer.path == f"{NAME}.accepted.csv"
    assert rows_of(answer) == [
        list(answers.ACCEPTED_COLUMNS),
        ["1", "R-1", "C-1", "VPN-2026-0000001", "add", "created"],
    ]
