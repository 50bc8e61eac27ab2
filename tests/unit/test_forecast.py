"""What is said of the count at the deadline, and when nothing is said."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vpn_registry.forecast import Forecast, forecast

DEADLINE = date(2026, 6, 30)
TODAY = date(2026, 6, 16)


def falling(*counts: int, last_on: date = TODAY) -> list[tuple[date, int]]:
    """One count a day, the last on `last_on`."""
    first = last_on - timedelta(days=len(counts) - 1)
    return [(first + timedelta(days=day), count) for day, count in enumerate(counts)]


def test_a_steady_fall_goes_on() -> None:
    assert forecast(falling(50, 48, 46, 44, 42, 40), DEADLINE) == Forecast(12, 12, 12)


def test_nobody_is_left_below_nought() -> None:
    assert forecast(falling(20, 15, 10, 5), DEADLINE) == Forecast(0, 0, 0)


def test_an_uneven_fall_widens_the_interval() -> None:
    told = forecast(falling(50, 50, 44, 44, 42, 40), DEADLINE)
    assert told is not None
    assert (told.expected, told.low < 12 < told.high) == (12, True)


def test_days_without_a_count_keep_the_one_before() -> None:
    dense = falling(40, 40, 40, 30, 30, 30)
    assert forecast([dense[0], dense[3], dense[5]], DEADLINE) == forecast(dense, DEADLINE)


def test_only_the_last_fourteen_days_speak() -> None:
    recent = falling(*range(54, 39, -1))
    assert forecast([(date(2026, 5, 1), 900), (date(2026, 5, 2), 54), *recent], DEADLINE) == forecast(recent, DEADLINE)


def test_of_two_counts_for_a_day_the_later_stands() -> None:
    assert forecast([(TODAY, 99), *falling(43, 42, 41, 40)], DEADLINE) == Forecast(26, 26, 26)


def test_too_little_history_says_nothing() -> None:
    assert forecast([], DEADLINE) is None
    assert forecast(falling(40, 39, 38), DEADLINE) is None


def test_at_the_deadline_it_is_the_count_itself() -> None:
    assert forecast(falling(7, last_on=DEADLINE), DEADLINE) == Forecast(7, 7, 7)
    assert forecast(falling(7, last_on=DEADLINE + timedelta(days=3)), DEADLINE) == Forecast(7, 7, 7)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40), st.integers(0, 60))
def test_the_expected_count_lies_in_its_interval(counts: list[int], days: int) -> None:
    told = forecast(falling(*counts), TODAY + timedelta(days=days))
    if told is not None:
        assert 0 <= told.low <= told.expected <= told.high
