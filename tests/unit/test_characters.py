"""Characters: what text and ids may not hold, and what Urdu needs."""

from __future__ import annotations

import pytest

from tests.unit.test_validation import CONTEXT
from vpn_registry import validation
from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of
from vpn_registry.validation import judging


@pytest.mark.parametrize("character", ["\u00ad", "\u200b", "\u2060", "\u202e", "\u2066", "\ufeff", "\U000e0041"])
def test_characters_that_only_hide_a_difference_are_refused_in_text(character: str) -> None:
    assert "H102" in _codes_of({"client_name": f"Indus{character}Textiles"})


@pytest.mark.parametrize("character", ["\u200c", "\u200d", "\u200e", "\u200f"])
def test_characters_that_urdu_is_typed_with_are_taken_in_text(character: str) -> None:
    assert "H102" not in _codes_of({"client_name": f"سندھ{character}ٹیکسٹائل"})


@pytest.mark.parametrize("lookalike", ["\u0421-1", "\uff23-1", "C\u20101", "C-\u0661"])
def test_an_id_that_only_looks_like_another_is_refused(lookalike: str) -> None:
    assert "H105" in _codes_of({"subscriber_id": lookalike})


def _codes_of(changes: dict[str, str]) -> set[str]:
    row = {column.name: column.example for column in columns_of(Feed.REGISTRATIONS)} | changes
    data = "\r\n".join([",".join(row), ",".join(row.values()), ""]).encode()
    decoded, _ = validation.read(data, "csv", Feed.REGISTRATIONS)
    assert decoded is not None
    rows = judging.rows_of(decoded, Feed.REGISTRATIONS, CONTEXT)
    return set(judging.fired(rows, CONTEXT))
