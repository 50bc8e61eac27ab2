"""What contract section 4 promises of the answers, field by field, by files dropped into a zone."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from typing import Any

import pytest

from tests.installation import Cast, Installation, clients, registrations, withdrawals
from vpn_registry.demo.sample_files import to_csv
from vpn_registry.model import Feed, Mode

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RECEIPT = {"delivery_id": int, "file": str, "sha256": str, "size_bytes": int, "received_at": str}
RESULT = {
    "delivery_id": int, "file": str, "feed": str, "mode": str, "outcome": str, "rows": dict, "findings": list,
    "counts_by_code": dict, "rulebook_version": str, "received_at": str, "finished_at": str, "checked_only": bool,
    "simulated": bool, "revision": int,
}  # fmt: skip
FINDINGS = ["row", "line", "key", "column", "code", "severity", "value", "message", "remedy", "suggestion"]
ACCEPTED = ["row", "registration_ref", "subscriber_id", "national_no", "action", "effect"]


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


def check_result(result: dict[str, Any], fields: dict[str, type]) -> None:
    for name, kind in fields.items():
        assert type(result[name]) is kind, name
    for name in ("received_at", "finished_at"):
        assert MOMENT.fullmatch(result.get(name, result["received_at"]))


def test_a_delivery_is_answered_by_the_files_and_fields_that_are_promised(house: Installation, indus: Cast) -> None:
    rows = indus.registered(3)
    name, content = registrations("indus", 1, [*rows[:2], rows[2] | {"province": "Punjab"}, rows[0]])
    house.drop((name, content))
    house.run()
    out = house.out("indus")
    assert set(out) == {f"{name}.{kind}" for kind in ("receipt.json", "result.json", "findings.csv", "accepted.csv")}
    receipt = json.loads(out[f"{name}.receipt.json"])
    check_result(receipt, RECEIPT)
    assert (receipt["sha256"], receipt["size_bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    result = house.result("indus", name)
    check_result(result, RESULT)
    assert result["delivery_id"] == receipt["delivery_id"]
    assert (result["file"], result["feed"], result["mode"]) == (name, "registrations", "delta")
    assert result["rows"] == {"total": 4, "accepted": 2, "rejected": 1, "duplicate": 1, "warned": 0}
    assert result["outcome"] == "partial"
    assert result["counts_by_code"] == {"H118": 1, "H301": 1}
    assert (result["checked_only"], result["revision"]) == (False, 1)
    found = table(out[f"{name}.findings.csv"])
    assert list(found[0]) == FINDINGS
    [line] = [line for line in found if line["code"] == "H118"]
    assert (line["row"], line["line"], line["key"]) == ("3", "4", rows[2]["registration_ref"])
    assert (line["column"], line["severity"], line["value"]) == ("province", "error", "Punjab")
    assert line["suggestion"] == "PB"
    taken = table(out[f"{name}.accepted.csv"])
    assert list(taken[0]) == ACCEPTED
    assert [(row["row"], row["registration_ref"], row["effect"]) for row in taken] == [
        ("1", rows[0]["registration_ref"], "created"),
        ("2", rows[1]["registration_ref"], "created"),
    ]
    assert all(re.fullmatch(r"VPN-2026-\d{7}", row["national_no"]) for row in taken)


def test_a_client_list_that_is_all_well_gets_a_receipt_and_a_result_only(house: Installation, indus: Cast) -> None:
    indus.open(2)
    name, content = clients("indus", 1, indus.listed)
    house.drop((name, content))
    house.run()
    assert set(house.out("indus")) == {f"{name}.receipt.json", f"{name}.result.json"}
    result = house.result("indus", name)
    assert (result["outcome"], result["findings"], result["counts_by_code"]) == ("accepted", [], {})


@pytest.mark.parametrize(
    ("bad", "good", "outcome", "accepted"),
    [(1, 0, "rejected", 0), (1, 1, "partial", 1), (20, 100, "partial", 100), (21, 100, "rejected", 0),
     (21, 189, "partial", 189), (21, 188, "rejected", 0)],
)  # fmt: skip
def test_a_file_is_refused_whole_beyond_a_tenth_and_twenty_rows(
    house: Installation, indus: Cast, bad: int, good: int, outcome: str, accepted: int
) -> None:
    (row,) = indus.registered(1)
    rows = [row | {"registration_ref": f"R-{number}"} for number in range(good + bad)]
    name, content = registrations("indus", 1, [*(row | {"ntn": "1"} for row in rows[:bad]), *rows[bad:]])
    house.drop((name, content))
    house.run()
    result = house.result("indus", name)
    assert (result["outcome"], result["rows"]["accepted"]) == (outcome, accepted)
    counts = result["rows"]
    assert counts["accepted"] + counts["rejected"] + counts["duplicate"] == counts["total"] == good + bad
    assert len(house.rows("SELECT * FROM registrations")) == accepted


def test_row_counts_data_rows_and_line_the_lines_of_the_file(house: Installation, indus: Cast) -> None:
    rows = indus.registered(3)
    rows[0]["client_name"] = "Two\nLines"
    rows[2]["city"] = ""
    name, content = registrations("indus", 1, rows)
    header, _, body = content.partition(b"\r\n" if b"\r\n" in content else b"\n")
    house.drop((name, header + b"\n" + b"," * header.count(b",") + b"\n" + body))
    house.run()
    found = table(house.out("indus")[f"{name}.findings.csv"])
    assert [(line["row"], line["line"], line["code"]) for line in found] == [("1", "3", "H102"), ("3", "6", "H117")]


def test_only_identity_numbers_are_masked_and_never_suggested(house: Installation, indus: Cast) -> None:
    (row,) = indus.registered(1)
    changes = [
        {"cnic": "352021234567"}, {"cnic": '="3520212345671"'}, {"other_id": "AB#1234567"}, {"ntn": "82291"},
        {"ntn": "35202123456712"}, {"cnic": "35202-1234567-1", "ntn": "3520112345679"},
    ]  # fmt: skip
    rows = [
        row | {"registration_ref": f"R-{n}", "ntn": "", "cnic": "", "other_id": ""} | c for n, c in enumerate(changes)
    ]
    name, content = registrations("indus", 1, rows)
    house.drop((name, content))
    house.run()
    out = house.out("indus")
    found = {(line["key"], line["column"]): line for line in table(out[f"{name}.findings.csv"])}
    assert found["R-0", "cnic"]["value"] == "12 digits, ..67"
    assert found["R-3", "ntn"]["value"] == "82291"
    for (_, column), line in found.items():
        assert column == "ntn" or not line["suggestion"]
    answered = b"".join(out.values()).decode()
    for secret in ("352021234567", "3520212345671", "AB#1234567", "35202123456712", "35202-1234567-1", "3520112345679"):
        assert secret not in answered


def test_lines_are_capped_and_counts_stay_exact(house: Installation, indus: Cast) -> None:
    house.add_isp("indus", "limits = { reject_ratio = 1.0 }\n")
    house.exchange = house.at(house.exchange.now())
    (row,) = indus.registered(1)
    broken = dict.fromkeys(
        ("province", "purpose", "vpn_protocol", "category", "valid_from", "verified_on", "contact_email", "secp_no",
         "remote_country", "valid_to", "undertaking_on", "local_ip"), "?",
    )  # fmt: skip
    rows = [row | broken | {"registration_ref": f"R-{number}"} for number in range(1100)]
    name, content = registrations("indus", 1, rows)
    house.drop((name, content))
    house.run()
    counts = house.result("indus", name)["counts_by_code"]
    assert sum(counts.values()) == 12 * 1100
    *lines, last = table(house.out("indus")[f"{name}.findings.csv"])
    assert len(lines) == 10_000
    assert max(Counter(line["code"] for line in lines).values()) <= 1000
    assert last["code"] == ""
    assert last["message"].startswith(f"{12 * 1100 - 10_000:,} more findings")


def test_cells_are_safe_to_open_in_a_spreadsheet(house: Installation, indus: Cast) -> None:
    rows = indus.registered(2)
    rows[0]["province"], rows[1]["city"] = "=1+1", '@SUM("A1")' + "x" * 100
    name, content = registrations("indus", 1, rows)
    house.drop((name, content))
    house.run()
    values = [line["value"] for line in table(house.out("indus")[f"{name}.findings.csv"])]
    assert values[0] == "'=1+1"
    assert values[1].startswith("'@SUM")


def test_every_effect_of_an_accepted_row_is_told(house: Installation, indus: Cast) -> None:
    rows = indus.registered(4)
    refs = [row["registration_ref"] for row in rows]
    changed = rows[1] | {"action": "update", "city": "Quetta"}
    filed = {
        1: rows[:3],
        3: [changed, rows[2] | {"action": "update"}, *withdrawals(rows[:1])],
        4: [rows[0], rows[3]],
        2: [rows[1] | {"action": "update", "city": "Multan"}],
    }
    effects = {}
    for seq, of_file in filed.items():
        name, content = registrations("indus", seq, of_file)
        house.drop((name, content))
        house.run()
        taken = table(house.out("indus")[f"{name}.accepted.csv"])
        effects[seq] = {row["registration_ref"]: row["effect"] for row in taken}
    assert effects == {
        1: dict.fromkeys(refs[:3], "created"),
        3: {refs[1]: "changed", refs[2]: "unchanged", refs[0]: "closed"},
        4: {refs[0]: "reinstated", refs[3]: "created"},
        2: {refs[1]: "overtaken"},
    }
    assert house.result("indus", registrations("indus", 2, [])[0])["counts_by_code"] == {"W401": 1}


def test_names_of_answers_follow_the_names_of_files(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    odd = {f"{'x' * 116}.csv": "x" * 116 + ".csv", f"{'y' * 117}.csv": "", "Juni 2026.csv": "", "رجسٹر.csv": ""}
    house.drop((name, content))
    house.run()
    house.drop((name, content + b"\n"))
    house.drop((name, content), folder="check")
    for one in odd:
        house.drop((one, b"a\n1\n"), isp="indus")
    house.run()
    ids = dict(house.rows("SELECT file_name, MAX(id) FROM deliveries WHERE folder = 'incoming' GROUP BY file_name"))
    out = house.out("indus")
    for one, stem in odd.items():
        assert f"{stem or f'unnamed-{ids[one]}'}.result.json" in out
        assert house.result("indus", stem or f"unnamed-{ids[one]}")["file"] == one
    assert house.result("indus", name)["outcome"] == "accepted"
    assert house.codes("indus", f"{name}.{ids[name]}") == ["F103"]
    assert house.result("indus", f"check/{name}")["checked_only"] is True
    assert not [path for path in out if path.rpartition("/")[2].startswith(".") or path.endswith(".part")]


def test_an_unreadable_file_is_answered_with_its_feed_and_no_rows(house: Installation, indus: Cast) -> None:
    name, _ = registrations("indus", 1, [])
    house.drop((name, b"\xff\xfe\x00"))
    house.run()
    result = house.result("indus", name)
    assert result["rows"] == dict.fromkeys(("total", "accepted", "rejected", "duplicate", "warned"), 0)
    assert (result["outcome"], result["feed"]) == ("rejected", "registrations")
    [finding] = result["findings"]
    assert set(finding) == {"code", "severity", "message", "remedy"}
    assert set(house.out("indus")) == {f"{name}.receipt.json", f"{name}.result.json"}


def test_the_test_zone_foretells_what_each_row_would_do(house: Installation, indus: Cast) -> None:
    rows = indus.registered(2)
    house.drop(registrations("indus", 1, rows[:1]))
    house.run()
    before = house.rows("SELECT * FROM registrations"), house.rows("SELECT * FROM registration_versions")
    tried = [rows[0] | {"action": "update", "city": "Quetta"}, rows[1]]
    name, content = registrations("indus", 2, tried, Mode.DELTA)
    house.drop((name, content), folder="check")
    house.run()
    told = table(house.out("indus")[f"check/{name}.accepted.csv"])
    assert [(row["effect"], bool(row["national_no"])) for row in told] == [("changed", True), ("created", False)]
    assert (house.rows("SELECT * FROM registrations"), house.rows("SELECT * FROM registration_versions")) == before
    house.drop((name, content))
    house.run()
    [(issued,)] = house.rows("SELECT national_no FROM registrations WHERE registration_ref = :ref",
                             ref=rows[1]["registration_ref"])  # fmt: skip
    assert issued == "VPN-2026-0000002", "Trying out uses no number up."


def test_a_header_without_rows_is_answered_as_nothing_to_report(house: Installation) -> None:
    name, _ = registrations("indus", 1, [])
    house.drop((name, to_csv(Feed.REGISTRATIONS, []).encode()))
    house.run()
    result = house.result("indus", name)
    assert (result["outcome"], result["rows"]["total"]) == ("accepted", 0)
