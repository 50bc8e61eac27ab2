"""Judging: Great Expectations decides on verdict columns, and the outcome follows from the stored result alone."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vpn_registry import formats
from vpn_registry.model import FINDING_COLUMNS, Feed, Mode, Outcome, RowCounts
from vpn_registry.rulebook import Context, Rule, columns_of, file_finding, rules_of
from vpn_registry.rulebook.rows import Rows
from vpn_registry.validation import (
    Verdict,
    expectations,
    judge,
    keys,
    outcome_of,
    read,
    row_findings,
    row_verdicts,
    with_keys,
)

GOOD = {column.name: column.example for column in columns_of(Feed.REGISTRATIONS)} | {"local_ip": "39.32.0.8"}
CLIENT = {column.name: column.example for column in columns_of(Feed.CLIENTS)} | {"service_ips": "39.32.0.8"}
CONTEXT = Context(isp="indus", today=date(2026, 6, 15), mode=Mode.DELTA, seq=7)
SECRET = "3520200000013"


def csv_of(rows: list[dict[str, str]], base: dict[str, str] | None = None) -> bytes:
    base = base or GOOD
    lines = [",".join(base)]
    for number, row in enumerate(rows, start=1):
        key = "registration_ref" if "registration_ref" in base else "subscriber_id"
        lines.append(",".join(({**base, key: f"K-{number}"} | row).values()))
    return ("\r\n".join(lines) + "\r\n").encode()


def verdict(
    rows: list[dict[str, str]],
    *,
    feed: Feed = Feed.REGISTRATIONS,
    mode: Mode = Mode.DELTA,
    tolerance: tuple[float, int] = (0.10, 20),
    context: Context = CONTEXT,
) -> Verdict:
    decoded, found = read(csv_of(rows, GOOD if feed is Feed.REGISTRATIONS else CLIENT), "csv", feed)
    return judge(decoded, found, feed=feed, mode=mode, context=context, tolerance=tolerance)


def keyed(found: Verdict) -> pd.DataFrame:
    return with_keys(found, np.ones(len(found.frame), dtype=np.bool_))


def entry(result: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = [item for item in result["results"] if item["code"] == code]
    assert isinstance(found, dict)
    return found


def test_importing_validation_leaves_great_expectations_alone() -> None:
    code = "import sys, vpn_registry.validation; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "include"}, check=False).returncode == 0


def test_counts_add_up_and_rows_to_merge_are_neither_rejected_nor_duplicate() -> None:
    rows = [{}, {"ntn": "822910"}, {"valid_to": "2026-06-01"}, {"registration_ref": "K-1"}]
    found = verdict([{**row, "valid_from": "2026-01-01"} for row in rows])
    assert found.rows == RowCounts(total=4, accepted=2, rejected=1, duplicate=1, warned=1)
    assert found.rejected.tolist() == [False, True, False, False]
    assert found.duplicate.tolist() == [False, False, False, True]
    assert found.warned.tolist() == [False, False, True, False]
    assert found.outcome is Outcome.PARTIAL
    assert found.counts_by_code == {"H108": 1, "H301": 1, "W301": 1}


def test_the_outcome_changes_when_one_expectation_is_taken_out_of_the_stored_result() -> None:
    result = json.loads(json.dumps(verdict([{}, {"ntn": "822910"}]).result))
    assert outcome_of(result) is Outcome.PARTIAL
    without = {**result, "results": [item for item in result["results"] if item["code"] != "H108"]}
    assert outcome_of(without) is Outcome.ACCEPTED


def test_the_whole_file_is_refused_when_share_and_number_are_both_exceeded() -> None:
    bad, good = {"ntn": "822910"}, dict[str, str]()
    assert verdict([bad] * 2 + [good] * 18, tolerance=(0.10, 1)).outcome is Outcome.PARTIAL
    assert verdict([bad] * 3 + [good] * 17, tolerance=(0.10, 3)).outcome is Outcome.PARTIAL
    refused = verdict([bad] * 3 + [good] * 17, tolerance=(0.10, 2))
    assert refused.outcome is Outcome.REJECTED
    assert refused.rows == RowCounts(total=20, rejected=20)
    assert refused.rejected.all()
    assert refused.counts_by_code == {"H108": 3}
    assert [finding.code for finding in refused.findings] == ["F301"]
    assert "3 of 20" in refused.findings[0].message
    assert outcome_of(json.loads(json.dumps(refused.result))) is Outcome.REJECTED


def test_errors_of_different_rules_add_up_towards_the_tolerance() -> None:
    rows: list[dict[str, str]] = [{"ntn": "822910"}, {"city": ""}, {"secp_no": "1"}] + [{}] * 17
    assert verdict(rows, tolerance=(0.10, 2)).outcome is Outcome.REJECTED


def test_a_code_list_column_beyond_the_tolerance_refuses_the_file() -> None:
    assert verdict([{"province": "Punjab"}] * 3 + [{}] * 17, tolerance=(0.10, 2)).outcome is Outcome.REJECTED


def test_no_accepted_row_and_one_rejected_is_rejected() -> None:
    assert verdict([{"ntn": "822910"}]).outcome is Outcome.REJECTED
    twice: list[dict[str, str]] = [{"registration_ref": "A", "city": ""}] * 2
    assert verdict(twice).outcome is Outcome.REJECTED


def test_a_header_alone_is_accepted_with_no_rows() -> None:
    found = verdict([])
    assert (found.outcome, found.rows) == (Outcome.ACCEPTED, RowCounts())
    assert {"ntn_key", "cnic_key", "other_id_key", "row_sha256"} <= set(keyed(found).columns)
    assert row_findings(found).empty


def test_a_file_error_refuses_every_row() -> None:
    decoded, _ = read(csv_of([{}, {}]), "csv", Feed.REGISTRATIONS)
    found = judge(decoded, [file_finding("F103")], feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=CONTEXT)
    assert (found.outcome, found.rows) == (Outcome.REJECTED, RowCounts(total=2, rejected=2))


def test_a_file_that_can_not_be_read_is_judged_without_great_expectations() -> None:
    decoded, found = read(b"", "csv", Feed.REGISTRATIONS)
    refused = judge(decoded, found, feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=CONTEXT)
    assert (refused.outcome, refused.rows) == (Outcome.REJECTED, RowCounts())
    assert not refused.result["results"]


@pytest.mark.parametrize("column", ["ntn", "cnic", "other_id"])
@pytest.mark.parametrize("is_bad_first", [True, False])
def test_a_row_that_differs_in_a_malformed_identifier_is_no_repetition(column: str, is_bad_first: bool) -> None:
    identified = {"registration_ref": "K-1", "ntn": "0822910-4", "cnic": "", "other_id": ""}
    if column == "ntn":
        identified |= {"ntn": "", "cnic": SECRET}
    pair = [identified, identified | {column: "#"}]
    done = verdict(pair[::-1] if is_bad_first else pair, tolerance=(1.0, 20))
    assert (done.rows.rejected, done.rows.duplicate) == (2, 0)


def test_the_same_file_again_is_a_duplicate() -> None:
    found = judge(None, [file_finding("F108")], feed=Feed.CLIENTS, mode=Mode.FULL, context=CONTEXT)
    assert found.outcome is Outcome.DUPLICATE


def test_no_rule_is_judged_on_a_file_received_before() -> None:
    decoded, reading = read(
        csv_of([{"province": "Punjab"}, {"ntn": "1"}, {"registration_ref": ""}]), "csv", Feed.REGISTRATIONS
    )
    findings = [file_finding("F106", day="2026-06-01", limit=7), file_finding("F108"), *reading]
    found = judge(decoded, findings, feed=Feed.REGISTRATIONS, mode=Mode.FULL, context=CONTEXT, tolerance=(0, 0))
    assert (found.outcome, found.rows) == (Outcome.DUPLICATE, RowCounts(total=3, duplicate=3))
    assert [finding.code for finding in found.findings] == ["F108"]
    assert not found.hits
    assert not found.counts_by_code
    assert not found.may_close
    assert row_findings(found).empty
    assert outcome_of(json.loads(json.dumps(found.result))) is Outcome.DUPLICATE


KNOWN = pd.DataFrame(
    {
        "registration_ref": ["K-1", "K-2"],
        "is_in_force": [True, False],
        "decided_seq": [1, 1],
        "row_sha256": ["other", "other"],
    }
)


@pytest.mark.parametrize("has_gap", [False, True])
def test_an_add_of_a_ref_in_force_is_judged_alike_whatever_is_missing(has_gap: bool) -> None:
    context = Context(isp="indus", today=date(2026, 6, 15), mode=Mode.DELTA, seq=3, known=KNOWN[:1], has_gap=has_gap)
    assert verdict([{}], context=context).counts_by_code == {"H402": 1}
    same = KNOWN[:1].assign(row_sha256=keyed(verdict([{}]))["row_sha256"].iloc[0])
    assert verdict([{}], context=dataclasses.replace(context, known=same)).counts_by_code == {"H401": 1}


@pytest.mark.parametrize(
    ("has_gap", "counts"), [(False, {"H404": 1, "H405": 1}), (True, {"W403": 2})], ids=["no gap", "gap"]
)
def test_a_withdrawal_repeated_is_no_rejection(has_gap: bool, counts: dict[str, int]) -> None:
    context = Context(isp="indus", today=date(2026, 6, 15), mode=Mode.DELTA, seq=3, known=KNOWN, has_gap=has_gap)
    found = verdict([{"action": "withdraw"}] * 3, context=context)
    assert found.counts_by_code == counts
    assert found.duplicate.tolist() == [False, not has_gap, False]
    assert found.rejected.tolist() == [False, False, not has_gap]


def test_placeholders_give_no_key_but_tell_rows_apart() -> None:
    rows = [{"ntn": "", "other_id": text} for text in ("NIL", "nil", "XXX", "")]
    rows += [{"ntn": "0000000000000"}, {"ntn": "1111111111111"}, {"ntn": "1111111111111", "cnic": "2222222222222"}]
    found = verdict([{**row, "registration_ref": f"K-{at}", "client_name": "One"} for at, row in enumerate(rows)])
    assert (keyed(found)[["ntn_key", "cnic_key", "other_id_key"]] == "").to_numpy().all()
    assert found.hits["W106"].tolist() == [True, True, True, False, True, True, True]
    assert found.hits["H202"].tolist() == [False] * 6 + [True]
    named = keyed(verdict([{**row, "registration_ref": "K"} for row in rows]))["row_sha256"]
    assert named.nunique() == len(rows) - 1


def test_a_short_number_in_ntn_is_shown_in_full() -> None:
    rows = [{"ntn": "1234567-12"}, {"ntn": "1.23E+06"}]
    assert row_findings(verdict(rows))["value"].tolist() == ["1234567-12", "1.23E+06"]


def test_a_warning_on_the_file_alone_leaves_it_accepted() -> None:
    decoded, _ = read(csv_of([{}]), "csv", Feed.REGISTRATIONS)
    found = judge(
        decoded, [file_finding("F102", missing="0001")], feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=CONTEXT
    )
    assert found.outcome is Outcome.ACCEPTED


def test_the_stored_result_holds_no_identifier_and_is_json() -> None:
    rows = [
        {"cnic": SECRET, "client_name": "Secret Name", "category": SECRET, "ntn": "5102367"},
        {"ntn": SECRET},
        {"cnic": SECRET[:-1]},
    ]
    text = json.dumps(verdict(rows).result)
    assert SECRET[:-1] not in text
    assert "Secret Name" not in text
    assert "5102367" not in text


def test_the_stored_result_names_code_severity_and_remedy_of_every_rule() -> None:
    result = verdict([{}]).result
    codes = {item["code"]: (item["severity"], item["remedy"]) for item in result["results"]}
    for rule in rules_of(Feed.REGISTRATIONS):
        assert codes[rule.code] == (str(rule.severity), rule.remedy)
    assert codes.keys() - {rule.code for rule in rules_of(Feed.REGISTRATIONS)} == {"F301"}


def test_great_expectations_sees_no_identifying_column() -> None:
    decoded, _ = read(csv_of([{}]), "csv", Feed.REGISTRATIONS)
    assert decoded is not None
    frame = expectations.verdict_frame(
        Rows(decoded.frame, Feed.REGISTRATIONS, len(decoded.header)), {}, rules_of(Feed.REGISTRATIONS)
    )
    seen = {column.name for column in columns_of(Feed.REGISTRATIONS)} & set(frame.columns)
    assert seen == {"action", "category", "province", "purpose", "connection_type", "vpn_protocol"}


MANY = [
    {},
    {"ntn": "822910", "province": "Punjab"},
    {"registration_ref": "K 3", "valid_from": "2026-02-29"},
    {"action": "delete", "category": "", "vpn_protocol": "IPSEC"},
    {"action": "withdraw", "client_name": "", "purpose": "x", "city": "", "valid_from": ""},
    {"registration_ref": "K-1", "client_name": "Other"},
    {"cnic": "35202", "other_id": "#", "secp_no": "1", "msisdn": "12", "contact_email": "x", "remote_country": "ZZ"},
    {"pseb_expiry": "1/1/26", "valid_to": "never", "undertaking_on": "0000-01-01", "verified_on": ""},
    {
        "contact_name": "",
        "undertaking_ref": "",
        "connection_type": "Static",
        "pseb_no": "a b",
        "vpn_provider": "p" * 201,
    },
    {"valid_from": "2028-02-29", "subscriber_id": "۱", "valid_to": "2100-02-29", "client_name": "سندھ"},
]


def _stock_expectations(rules: list[Rule]) -> list[Any]:
    from great_expectations import expectations as gxe

    made: list[Any] = []
    for rule in rules:
        assert rule.stock is not None
        common = {"column": rule.stock.column, "meta": {"code": rule.code}}
        if rule.stock.values:
            made.append(gxe.ExpectColumnValuesToBeInSet(value_set=list(rule.stock.values), **common))
        else:
            made.append(gxe.ExpectColumnValuesToMatchRegex(regex=rf"^(?:{rule.stock.pattern})\Z", **common))
    return made


@pytest.mark.parametrize("scope", ["key", "content"])
def test_stock_expectations_on_the_raw_columns_find_the_same_rows(scope: str) -> None:
    import great_expectations as gx

    found = verdict(MANY)
    decoded, _ = read(csv_of(MANY), "csv", Feed.REGISTRATIONS)
    assert decoded is not None
    rows = Rows(decoded.frame, Feed.REGISTRATIONS, len(decoded.header))
    rules = [rule for rule in rules_of(Feed.REGISTRATIONS) if rule.stock is not None and rule.scope == scope]
    assert len(rules) >= {"key": 2, "content": 25}[scope]
    raw = decoded.frame[rows.scope(rules[0].scope)].copy()
    for rule in rules:
        assert rule.stock is not None
        if rule.stock.allows_empty:
            raw[rule.stock.column] = raw[rule.stock.column].replace("", None)
    batch = expectations._batches().get_batch({"dataframe": raw})
    outcome = batch.validate(gx.ExpectationSuite(scope, _stock_expectations(rules)), result_format="COMPLETE")
    fired = 0
    for item in outcome.results:
        code = item.expectation_config.meta["code"]
        ours = np.flatnonzero(found.hits[code]).tolist() if code in found.hits else []
        assert sorted(item.result["unexpected_index_list"] or []) == ours, code
        fired += bool(ours)
    assert fired >= {"key": 2, "content": 20}[scope]


def test_the_stored_positions_are_those_of_the_rules() -> None:
    found = verdict(MANY)
    for code, hit in found.hits.items():
        kept = np.zeros(len(hit), dtype=np.bool_)
        for first, last in entry(found.result, code)["positions"]:
            kept[first : last + 1] = True
        assert kept.tolist() == hit.tolist()
        assert entry(found.result, code)["unexpected_count"] == hit.sum() == found.counts_by_code[code]
    rejected, duplicate, warned = row_verdicts(found.result)
    assert not (rejected & duplicate).any()
    assert not (warned & (rejected | duplicate)).any()


def test_a_ragged_row_is_one_rejected_row_with_one_finding() -> None:
    data = csv_of([{}]) + b"K-2,add,x\r\n" + csv_of([{}]).split(b"\r\n")[1].replace(b"K-1", b"K-3") + b",extra\r\n"
    decoded, found = read(data, "csv", Feed.REGISTRATIONS)
    judged = judge(decoded, found, feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=CONTEXT)
    assert judged.rows == RowCounts(total=3, accepted=1, rejected=2)
    assert judged.counts_by_code == {"H101": 2}
    assert "3 fields" in row_findings(judged)["message"].iloc[0]


def test_a_withdrawal_needs_only_its_ref() -> None:
    empty = dict.fromkeys(GOOD, "") | {"registration_ref": "K-1", "action": "withdraw"}
    known = pd.DataFrame({"registration_ref": ["K-1"], "is_in_force": [True], "decided_seq": [3], "row_sha256": ["x"]})
    context = Context(isp="indus", today=date(2026, 6, 15), mode=Mode.DELTA, seq=7, known=known)
    assert verdict([empty], context=context).rows == RowCounts(total=1, accepted=1)


def test_equal_content_has_an_equal_hash_however_identifiers_are_written() -> None:
    rows = [
        {"cnic": "35202-0000001-3", "other_id": "ab 12345", "ntn": "0822910-4", "action": "add"},
        {"cnic": "3520200000013", "other_id": "AB12345", "ntn": "0822910", "action": "update"},
        {"cnic": "3520200000021", "other_id": "AB12345", "ntn": "0822910"},
    ]
    frame = keyed(verdict([{**row, "registration_ref": "K-1"} for row in rows]))
    assert frame["row_sha256"][0] == frame["row_sha256"][1] != frame["row_sha256"][2]
    assert frame[["ntn_key", "cnic_key", "other_id_key"]].iloc[0].tolist() == ["0822910", SECRET, "AB12345"]
    assert len(frame["row_sha256"][0]) == 64


def test_hashes_made_for_a_rule_are_those_made_for_the_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"client_name": f"Client {number}"} for number in range(5)]
    context = Context(isp="indus", today=date(2026, 6, 15), mode=Mode.DELTA, seq=3, known=KNOWN[:1], row_key=b"k")
    asked, unasked = verdict(rows, context=context), verdict(rows, context=dataclasses.replace(context, known=None))
    assert asked.hashes is not None
    assert unasked.hashes is None
    chosen = np.array([False, True, True, False, True])
    monkeypatch.setattr(keys, "PIECE", 2)
    pd.testing.assert_frame_equal(with_keys(asked, chosen), with_keys(unasked, chosen))
    assert with_keys(asked, chosen)["client_name"].tolist() == ["Client 1", "Client 2", "Client 4"]


def test_an_identity_number_in_ntn_is_used_as_cnic() -> None:
    frame = keyed(verdict([{"ntn": "35202-0000001-3"}]))
    assert frame[["ntn_key", "cnic_key"]].iloc[0].tolist() == ["", SECRET]


def test_a_full_file_closes_nothing_when_a_rejected_row_has_no_readable_key() -> None:
    context = Context(isp="indus", today=date(2026, 6, 15), mode=Mode.FULL, seq=7)
    kept = verdict([{}, {"subscriber_id": ""}], feed=Feed.CLIENTS, mode=Mode.FULL, context=context)
    assert [finding.code for finding in kept.findings] == ["F303"]
    assert not kept.may_close
    sound = verdict([{}, {"vpn_use": ""}], feed=Feed.CLIENTS, mode=Mode.FULL, context=context)
    assert sound.may_close
    assert not sound.findings


def test_findings_are_limited_but_counts_stay_exact() -> None:
    found = verdict([{"ntn": "822910", "city": ""}] * 30 + [{}], tolerance=(1, 100))
    lines = row_findings(found, limit_per_code=10, limit=15)
    assert list(lines.columns) == list(FINDING_COLUMNS)
    assert len(lines) == 15
    assert lines["row"].is_monotonic_increasing
    assert found.counts_by_code == {"H108": 30, "H117": 30}


def test_no_finding_shows_an_identity_number() -> None:
    rows = [
        {"cnic": SECRET + "9"},
        {"cnic": SECRET[:12]},
        {"ntn": SECRET, "cnic": "3520200000021"},
        {"ntn": SECRET + "1"},
        {"other_id": "#" + SECRET},
        {"cnic": SECRET + "\t"},
    ]
    lines = row_findings(verdict(rows))
    assert len(lines) >= 6
    text = lines.drop(columns=["row", "line", "key"]).to_csv()
    assert SECRET[:10] not in text


def test_spreadsheet_damage_is_named_in_the_message() -> None:
    (message,) = row_findings(verdict([{"ntn": "3.52E+12"}]))["message"]
    assert "spreadsheet" in message


def test_a_responses_file_is_refused_as_a_whole_by_its_name() -> None:
    decoded = formats.decode(
        b"subscriber_id,notice_no,response,responded_on\nC-1,N-2026-000017,dispute,2026-06-12\n",
        "csv",
        columns_of(Feed.RESPONSES),
    )
    finding = file_finding("F107", feed=Feed.RESPONSES, expected=Mode.DELTA)
    found = judge(decoded, [finding], feed=Feed.RESPONSES, mode=Mode.FULL, context=CONTEXT)
    assert found.outcome is Outcome.REJECTED
