"""The retention table is read strictly and says of each class how long and why."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from vpn_registry.model import ConfigurationError
from vpn_registry.retention import RETENTION_FILE, Kept, load_retention


def test_the_table_that_is_shipped_says_how_long_and_why_of_every_class() -> None:
    rules = load_retention()
    assert list(rules) == list(Kept)
    assert all(rule.why and rule.then and rule.since for rule in rules.values())


def test_answers_stay_ninety_days_as_the_contract_says() -> None:
    rule = load_retention()[Kept.ANSWERS]
    assert rule.before(datetime(2026, 6, 16, tzinfo=UTC)) == datetime(2026, 3, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('class = "answers"', 'class = "everything"'), "class is 'everything', but takes one of"),
        (('class = "checks"', 'class = "answers"'), "class names answers for the second time"),
        (("days = 90", "days = 0"), "days is 0, but takes 1 or more"),
        (("days = 90", 'days = 90\nlaw = "none"'), "law is not a key of this file"),
        (('class = "answers"', 'class = "checks"'), "names checks for the second time"),
    ],
)
def test_a_slip_in_the_table_stops_with_file_and_key(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    path = tmp_path / "retention.toml"
    path.write_text(RETENTION_FILE.read_text(encoding="utf-8").replace(*change, 1), "utf-8")
    with pytest.raises(ConfigurationError, match=complaint) as refused:
        load_retention(path)
    assert str(path) in str(refused.value)


def test_a_class_of_which_nothing_is_said_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "retention.toml"
    path.write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match="keep says nothing of answers"):
        load_retention(path)
