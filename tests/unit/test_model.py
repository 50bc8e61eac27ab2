"""Times are exchanged in UTC and belong to days in Pakistan, whatever the zone they come in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from vpn_registry.model import COMPARABLE, COVERED, TO_REGISTER, Status, iso_utc, pakistani_day


def test_a_time_is_exchanged_in_utc_to_the_second() -> None:
    moment = datetime(2026, 6, 16, 9, 0, 0, 999_999, timezone(timedelta(hours=5)))
    assert iso_utc(moment) == "2026-06-16T04:00:00Z"


def test_the_day_turns_at_midnight_in_pakistan() -> None:
    assert pakistani_day(datetime(2026, 6, 30, 18, 59, 59, tzinfo=UTC)) == date(2026, 6, 30)
    assert pakistani_day(datetime(2026, 6, 30, 19, 0, 0, tzinfo=UTC)) == date(2026, 7, 1)


def test_a_time_without_zone_is_refused() -> None:
    naive = datetime(2026, 6, 30)  # noqa: DTZ001 - what is refused here; until 2030-12-31
    for refuses in (iso_utc, pakistani_day):
        with pytest.raises(ValueError, match="no time zone"):
            refuses(naive)


def test_the_groups_of_statuses_are_those_of_the_contract() -> None:
    assert {str(status) for status in TO_REGISTER} == {"unregistered", "expired", "withdrawn", "rejected"}
    assert TO_REGISTER | COVERED | {Status.MISMATCH} == COMPARABLE
    assert not TO_REGISTER & COVERED
