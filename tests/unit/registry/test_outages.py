"""When the filer's clock stands still, and whether a file was in time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from vpn_registry.campaign import Deadline
from vpn_registry.registry import ledger, outages
from vpn_registry.registry.home import Registry

JUNE_30 = Deadline("2026", 1, date(2026, 6, 30), date(2026, 1, 5), "opening")
ENDS = datetime(2026, 6, 30, 19, 0, tzinfo=UTC)
"""Midnight in Pakistan."""
HOUR = timedelta(hours=1)


def list_zone(registry: Registry, at: datetime, error: str | None = None, gap: timedelta | None = None) -> None:
    with registry.writing() as db:
        ledger.record_listing(db, "indus", at=at, error=error, longest_gap=gap)


def stood_still(registry: Registry, since: datetime, until: datetime) -> timedelta:
    with registry.reading() as db:
        return outages.stood_still(db, "indus", since, until)


def test_failing_listings_stop_the_clock_until_one_succeeds(registry: Registry) -> None:
    list_zone(registry, ENDS - 3 * HOUR)
    list_zone(registry, ENDS - 2 * HOUR, "no answer")
    list_zone(registry, ENDS - HOUR, "no answer")
    assert stood_still(registry, ENDS - 9 * HOUR, ENDS) == 2 * HOUR
    list_zone(registry, ENDS)
    assert stood_still(registry, ENDS - 9 * HOUR, ENDS + 9 * HOUR) == 2 * HOUR
    assert stood_still(registry, ENDS - HOUR, ENDS + 9 * HOUR) == HOUR
    assert stood_still(registry, ENDS, ENDS + HOUR) == timedelta()


def test_that_nobody_listed_for_long_counts_too(registry: Registry) -> None:
    list_zone(registry, ENDS - 2 * HOUR)
    list_zone(registry, ENDS, gap=timedelta(minutes=15))
    assert stood_still(registry, ENDS - 9 * HOUR, ENDS) == 2 * HOUR


def test_a_minute_between_listings_is_no_outage(registry: Registry) -> None:
    list_zone(registry, ENDS)
    list_zone(registry, ENDS + timedelta(minutes=1), gap=timedelta(minutes=15))
    assert stood_still(registry, ENDS - HOUR, ENDS + HOUR) == timedelta()


@pytest.mark.parametrize(
    ("minutes", "is_on_time"), [(-1, True), (14, True), (15, False), (15 + 119, False), (15 + 121, False)]
)
def test_without_an_outage_a_file_is_in_time_for_fifteen_minutes(
    registry: Registry, minutes: int, is_on_time: bool
) -> None:
    with registry.reading() as db:
        told = outages.punctuality(db, "indus", ENDS + timedelta(minutes=minutes), JUNE_30)
    assert told == outages.Punctuality(is_on_time, timedelta())


def test_an_outage_at_the_deadline_moves_it_by_its_length(registry: Registry) -> None:
    list_zone(registry, ENDS - HOUR, "no answer")
    list_zone(registry, ENDS + HOUR)
    with registry.reading() as db:
        told = [outages.punctuality(db, "indus", ENDS + timedelta(hours=2, minutes=m), JUNE_30) for m in (14, 15)]
    assert told == [outages.Punctuality(True, 2 * HOUR), outages.Punctuality(False, 2 * HOUR)]
