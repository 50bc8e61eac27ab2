"""Every rule in both languages, with the same placeholders, and what is filled into them."""

from __future__ import annotations

import re
import string

import pytest

from vpn_registry.model import ENGLISH, URDU, Finding, Severity
from vpn_registry.rulebook import FILE_RULES, ROW_RULES, FileRule, Rule, identifiers
from vpn_registry.rulebook.files import file_finding
from vpn_registry.rulebook.languages import _urdu, phrase, retell, texts

EVERY: list[Rule | FileRule] = [*FILE_RULES.values(), *ROW_RULES]
ARABIC = re.compile("[\u0600-\u06ff]")


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("declared", EVERY, ids=lambda declared: declared.code)
def test_a_rule_says_the_same_in_urdu(declared: Rule | FileRule) -> None:
    assert declared.code in _urdu(), f"Write {declared.code}'s Urdu texts into vpn_registry/rulebook/urdu/."
    english, urdu = texts(declared, ENGLISH), texts(declared, URDU)
    for name in ("title", "message", "remedy"):
        assert ARABIC.search(getattr(urdu, name))
        assert placeholders(getattr(urdu, name)) == placeholders(getattr(english, name)), name
    assert bool(urdu.missing) == bool(english.missing)
    assert placeholders(urdu.missing) == placeholders(english.missing)
    values = declared.stock.values if isinstance(declared, Rule) and declared.stock else ()
    assert set(values) <= set(re.findall("[A-Za-z0-9_]+", urdu.message)), "A code list is the same in both."


def test_no_urdu_text_is_without_its_rule() -> None:
    assert set(_urdu()) == {declared.code for declared in EVERY}


def test_a_finding_is_retold_from_its_facts() -> None:
    [told] = retell([file_finding("F106", day="2026-06-01", limit=7)], URDU)
    assert "2026-06-01" in told.message
    assert ARABIC.search(told.message)
    assert retell([told], ENGLISH) == (told,)


def test_a_finding_without_its_facts_stays_as_it_was_stored() -> None:
    stored = Finding("F106", Severity.ERROR, "The name's date, 2026-06-01, is old.", "Send current content.")
    assert retell([stored], URDU) == (stored,)


@pytest.mark.parametrize(
    "cell", ["3.52E+12", '="0012345"', "822910.0", "2026-05-01", "0822\u200b910", "۰۸۲۲۹۱۰", "АВ-1"]
)
def test_what_happened_to_an_identifier_is_told_in_urdu_too(cell: str) -> None:
    sentence = identifiers.damage(cell)
    assert sentence
    assert ARABIC.search(phrase(sentence, URDU))


ALMOST = " Type the names of these columns anew, with _ and nothing invisible: 1, 12."


def test_what_is_filled_in_is_told_in_urdu_too() -> None:
    for filled in ("semicolons", "tabs", "vertical bars", " Names are lower case.", ALMOST):
        assert ARABIC.search(phrase(filled, URDU))
    assert phrase("0001-0003 and 2 more ranges", URDU).startswith("0001-0003 ")
    assert phrase("registration_ref, ntn", URDU) == "registration_ref, ntn"


@pytest.mark.parametrize(
    "reason",
    [
        "It withdraws 30 of 40 registrations in force.",
        "It leaves out 30 of 40 clients in force.",
        "It names none of the 40 registrations in force: all of them would be closed.",
        "It answers about 12 of 40 clients to register.",
        "It turns 12 of 40 clients from yes to no.",
    ],
)
def test_why_a_file_is_held_is_told_in_urdu_too(reason: str) -> None:
    told = phrase(reason, URDU)
    assert ARABIC.search(told)
    assert set(re.findall("[0-9]+", told)) == set(re.findall("[0-9]+", reason))
