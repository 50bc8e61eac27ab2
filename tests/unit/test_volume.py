"""Large sample files: as many good rows as asked for, the same every time."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from vpn_registry import roster
from vpn_registry.demo import volume
from vpn_registry.demo.volume import Volume
from vpn_registry.formats import decode
from vpn_registry.model import Feed, Mode
from vpn_registry.rulebook import Context, columns_of, rules_of
from vpn_registry.rulebook.rows import Rows
from vpn_registry.settings import INCLUDE

DAY = date(2026, 6, 15)


@pytest.mark.parametrize("feed", [Feed.REGISTRATIONS, Feed.CLIENTS])
@pytest.mark.parametrize("isp", ["indus", "chenab"])
def test_every_row_is_good_and_without_warnings(feed: Feed, isp: str) -> None:
    of = Volume(isp, 3_000, DAY, shift=997_000)
    content = volume.clients(of) if feed is Feed.CLIENTS else volume.registrations(of)
    decoded = decode(content, "csv", columns_of(feed))
    rows = Rows(decoded.frame, feed, len(decoded.header))
    prefixes = roster.load_isps(INCLUDE / "isps", INCLUDE)[isp].prefixes
    context = Context(isp=isp, today=DAY, mode=Mode.FULL, seq=1, sample=True, prefixes=prefixes)
    fired = [rule.code for rule in rules_of(feed) if (rule.bad(rows, context) & rows.scope(rule.scope)).any()]
    assert fired == []
    assert len(rows) == 3_000 if feed is Feed.CLIENTS else 2_300 < len(rows) < 2_500


def test_the_same_volume_is_the_same_file_and_overlapping_ones_share_rows() -> None:
    first, second = Volume("indus", 2_000, DAY), Volume("indus", 2_000, DAY, shift=1_000)
    assert volume.registrations(first) == volume.registrations(first)
    ours, theirs = (set(volume.registrations(of).splitlines()[1:]) for of in (first, second))
    assert ours & theirs == {row for row in ours if int(row[2:9]) >= 1_000}


def test_a_volume_without_rows_is_a_header() -> None:
    assert volume.clients(Volume("indus", 0, DAY)).count(b"\n") == 1


def test_more_rows_than_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="numbered from 0"):
        Volume("indus", 2, DAY, shift=9_999_999)


def test_the_spread_does_not_depend_on_where_a_file_begins() -> None:
    numbers = np.arange(10, dtype=np.int64)
    whole = volume._spread(Volume("indus", 10, DAY), numbers, 1)
    assert list(volume._spread(Volume("indus", 5, DAY, shift=5), numbers[5:], 1)) == list(whole[5:])
