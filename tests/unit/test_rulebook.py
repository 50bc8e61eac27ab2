"""The rulebook as data: complete texts, one code a rule, names read strictly, and a catalogue that is generated."""

from __future__ import annotations

import re
import string
from datetime import date

import pytest

from vpn_registry.model import Feed, Mode, NumberUse, Severity
from vpn_registry.rulebook import (
    COLUMNS,
    FILE_RULES,
    KEYS,
    ROW_RULES,
    RULEBOOKS,
    FileRule,
    Rule,
    addresses,
    catalogue,
    is_in_force,
    rule,
    rules_of,
)
from vpn_registry.rulebook.address_forms import ranges
from vpn_registry.rulebook.file_names import name_findings, number_findings, parse_name
from vpn_registry.rulebook.files import file_finding
from vpn_registry.rulebook.rule import Consequence

EVERY: list[Rule | FileRule] = [*FILE_RULES.values(), *ROW_RULES]
TODAY = date(2026, 6, 15)


@pytest.mark.parametrize("declared", EVERY, ids=lambda declared: declared.code)
def test_a_rule_says_what_is_wrong_why_and_what_to_do(declared: Rule | FileRule) -> None:
    for text in (declared.title, declared.why, declared.message, declared.remedy, declared.example, declared.since):
        assert text.strip() == text
        assert text
    assert declared.why.endswith(".")
    assert declared.message.endswith((".", " {reason}")), "A reason is a whole sentence."
    assert declared.remedy.endswith(".")
    fields = {name for _, name, _, _ in string.Formatter().parse(declared.message) if name}
    assert "value" not in fields, "A message must not show a cell: it may be an identity number."


@pytest.mark.parametrize("declared", ROW_RULES, ids=lambda declared: declared.code)
def test_a_row_rule_has_the_severity_of_its_family(declared: Rule) -> None:
    assert re.fullmatch(r"[HW][0-9]{3}", declared.code)
    if declared.effect is Consequence.REJECT:
        assert (declared.code[0], declared.severity) == ("H", Severity.ERROR)
    elif declared.effect is Consequence.WARN:
        assert (declared.code[0], declared.severity) == ("W", Severity.WARNING)


def test_a_code_is_declared_once() -> None:
    codes = [declared.code for declared in EVERY]
    assert len(codes) == len(set(codes))
    assert rule("H108") in ROW_RULES


def test_a_rule_begins_and_ends_with_a_rulebook_that_is_kept() -> None:
    for declared in EVERY:
        assert declared.since in RULEBOOKS, declared.code
        assert declared.until in {"", *RULEBOOKS} - {declared.since}, declared.code
        assert any(is_in_force(declared, version) for version in RULEBOOKS), declared.code


def test_the_columns_of_a_rule_are_columns_of_its_feeds() -> None:
    for declared in ROW_RULES:
        for feed in declared.feeds:
            names = {column.name for column in COLUMNS[feed]} | {"key", "any column"}
            assert set(declared.columns) <= names, declared.code


def test_every_column_of_a_feed_is_judged() -> None:
    for feed in Feed:
        judged = {column for declared in rules_of(feed) for column in declared.columns}
        assert {column.name for column in COLUMNS[feed]} <= judged


def test_only_cnic_and_other_id_are_masked_and_keys_are_columns() -> None:
    for feed, columns in COLUMNS.items():
        assert KEYS[feed] in {column.name for column in columns}
        assert {column.name for column in columns if column.is_masked} <= {"cnic", "other_id"}


def test_the_catalogue_page_is_the_generated_one() -> None:
    message = "Run `python -m vpn_registry.rulebook.catalogue` and commit docs/rule-catalogue*.md."
    assert catalogue.PATH.read_text(encoding="utf-8") == catalogue.text(), message
    assert catalogue.PATH_URDU.read_text(encoding="utf-8") == catalogue.urdu_text(), message


def test_a_readable_name_gives_its_parts() -> None:
    name = parse_name("indus_registrations_delta_20260615_0042.csv")
    assert name is not None
    assert (name.isp, name.feed, name.mode) == ("indus", Feed.REGISTRATIONS, Mode.DELTA)
    assert (name.content_on, name.seq, name.ext) == (TODAY, 42, "csv")
    zipped = parse_name("indus_clients_full_20260615_123456.csv.zip")
    assert zipped is not None
    assert (zipped.seq, zipped.ext) == (123456, "csv.zip")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "indus_registrations_delta_20260615_042.csv",
        "indus_registrations_delta_20260615_0000042.csv",
        "indus_registrations_delta_20260615_0000.csv",
        "indus_registrations_delta_20260231_0042.csv",
        "indus_registrations_delta_2026-06-15_0042.csv",
        "Indus_registrations_delta_20260615_0042.csv",
        "indus_registrations_delta_20260615_0042",
        "indus_registrations_delta_20260615_0042.csv ",
        "indus_registrations_delta_20260615_0042.csv\n",
        "indus_registrations_delta_20260615_۰۰۴۲.csv",
        "indus_registration_delta_20260615_0042.csv",
        "1ndus_registrations_delta_20260615_0042.csv",
        "i_registrations_delta_20260615_0042.csv",
        "../indus_registrations_delta_20260615_0042.csv",
    ],
)
def test_any_other_name_is_unreadable(text: str) -> None:
    assert parse_name(text) is None


def test_a_wrong_zone_reads_the_same_whoever_the_name_says() -> None:
    known = name_findings(parse_name("chenab_clients_full_20260615_0001.csv"), zone="indus", received_on=TODAY)
    unknown = name_findings(parse_name("nobody_clients_delta_20990101_0001.csv"), zone="indus", received_on=TODAY)
    assert known == unknown
    assert [finding.code for finding in known] == ["F104"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("indus_registrations_full_20260615_0001.csv", []),
        ("indus_registrations_delta_20260608_0001.csv", []),
        ("indus_registrations_delta_20260607_0001.csv", ["F106"]),
        ("indus_registrations_delta_20260616_0001.csv", ["F105"]),
        ("indus_clients_delta_20260616_0001.csv", ["F105", "F107"]),
        ("indus_responses_full_20260615_0001.csv", ["F107"]),
        ("whatever.csv", ["F101"]),
    ],
)
def test_what_a_name_says_against_its_file(text: str, codes: list[str]) -> None:
    assert [f.code for f in name_findings(parse_name(text), zone="indus", received_on=TODAY)] == codes


@pytest.mark.parametrize(
    ("cell", "suggestion"),
    [
        ("::ffff:39.40.105.50", "39.40.105.50"),
        ("39.32.0.8; ::FFFF:2728:6932", "39.32.0.8;39.40.105.50"),
        ("::ffff:39.40.105.0/120", "39.40.105.0/24"),
        ("::ffff:39.40.105.50-::ffff:39.40.105.51", "39.40.105.50-39.40.105.51"),
        ("::ffff:10.0.0.1", ""),
        ("::/0", ""),
        ("10.0.0.1; 39.32.0.8", ""),
    ],
)
def test_a_mapped_address_gets_the_plain_one_as_suggestion(cell: str, suggestion: str) -> None:
    assert addresses.suggest_unmapped(cell) == suggestion
    for code in ("H210", "W202", "W203"):
        declared = rule(code)
        assert isinstance(declared, Rule)
        assert declared.suggest is addresses.suggest_unmapped


def test_a_semicolon_behind_the_last_address_is_tolerated() -> None:
    assert ranges("39.32.0.8;") == ranges("39.32.0.8 ; ") == ranges("39.32.0.8")
    assert ranges("39.32.0.8;39.32.0.9;") == ranges("39.32.0.8;39.32.0.9")
    for cell in (";", "39.32.0.8;;", ";39.32.0.8"):
        assert ranges(cell) is None


def test_the_remedy_on_a_missing_column_speaks_of_case_only_when_that_is_it() -> None:
    assert "lower case" in file_finding("F203", columns="ntn", case=" Names are lower case.").remedy
    assert "lower case" not in file_finding("F203", columns="ntn", case="").remedy


def test_a_number_is_used_once_and_gaps_are_named() -> None:
    assert number_findings(NumberUse()) == ()
    assert number_findings(NumberUse(3, first_use_same_bytes=True)) == (file_finding("F108"),)
    assert number_findings(NumberUse(3)) == (file_finding("F103"),)
    (gap,) = number_findings(NumberUse(missing=((1, 41), (43, 43))))
    assert "0001-0041, 0043" in gap.message
    assert gap.severity is Severity.WARNING
