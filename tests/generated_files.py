"""Small files of odd and damaged rows with the registry they meet, for property tests of judging."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd
from hypothesis import strategies as st

from vpn_registry import validation
from vpn_registry.formats import Decoded
from vpn_registry.model import Feed, Finding, Mode
from vpn_registry.rulebook import Context, columns_of

TODAY: Final = date(2026, 6, 15)
_ODD: Final = {
    "registration_ref": ["", "R 1", "R-1", "R-1", "R-2", "R-3", '="0012345"'],
    "subscriber_id": ["", "C-1", "C-1", "C-2", "۱۲"],
    "action": ["add", "update", "withdraw", "Add", ""],
    "client_name": ["", "سندھ ٹیکسٹائل", "A\u202eB", "Lahore Foods", "Lahore Foods"],
    "ntn": ["", "822910", "0000000", "35202-0000001-3", "3.52E+12"],
    "cnic": ["", "35202-0000001-3", "1111111111111", "9520200000010", "12"],
    "other_id": ["", "NIL", "ab 12345", "#"],
    "province": ["PB", "Punjab", ""],
    "category": ["company", "call_centre", "Company"],
    "connection_type": ["static_ip", "mobile_number", "static"],
    "local_ip": ["39.32.0.8", "39.32.0.9/29", "10.0.0.1", "203.0.113.8;39.32.0.8", "2400:adc1::/32", ""],
    "service_ips": ["39.32.0.8", "192.168.1.1", "39.32.0.08", ""],
    "valid_from": ["2026-01-01", "1/6/2026", "2028-02-30"],
    "valid_to": ["", "2025-12-31", "2026-06-14", "2099-01-01"],
    "verified_on": ["2026-01-01", "2026-06-16", "2020-01-01", ""],
    "active_since": ["2024-03-01", "2027-01-01", "soon"],
    "vpn_use": ["yes", "no", "maybe"],
    "service_status": ["active", "Active"],
}


@dataclass(frozen=True)
class GeneratedFile:
    """A file as it is read, and what it is judged with."""

    feed: Feed
    data: bytes
    context: Context
    tolerance: tuple[float, int]

    def read(self) -> tuple[Decoded | None, tuple[Finding, ...]]:
        return validation.read(self.data, "csv", self.feed)


@st.composite
def generated_files(draw: st.DrawFn, least: int = 0, most: int = 30) -> GeneratedFile:
    """A file of `least` to `most` rows, with rows of the wrong width among them and keys that repeat."""
    feed = draw(st.sampled_from([Feed.REGISTRATIONS, Feed.CLIENTS]))
    base = {column.name: column.example for column in columns_of(feed)}
    odd = {name: values for name, values in _ODD.items() if name in base}
    cells = st.sampled_from([(name, value) for name, values in odd.items() for value in values])
    lines = [",".join(base)]
    for number in range(draw(st.integers(least, most))):
        changes = dict(draw(st.lists(cells, max_size=4)))
        row = base | {columns_of(feed)[0].name: f"K-{number // 2}"} | changes
        lines.append(",".join(row.values()) + draw(st.sampled_from([""] * 9 + [",more"])))
    full = feed is Feed.CLIENTS or draw(st.booleans())
    context = Context(
        isp="indus",
        today=TODAY,
        mode=Mode.FULL if full else Mode.DELTA,
        seq=draw(st.sampled_from([2, 9])),
        prefixes=draw(st.sampled_from([(), ("39.32.0.0/11",)])),
        known=draw(st.sampled_from([None, _KNOWN])),
        has_gap=draw(st.booleans()),
    )
    tolerance = draw(st.sampled_from([(0.10, 20), (0.10, 1), (0.5, 0), (0.0, 3)]))
    return GeneratedFile(feed, ("\r\n".join(lines) + "\r\n").encode(), context, tolerance)


_KNOWN: Final = pd.DataFrame(
    {
        "registration_ref": ["R-1", "R-2", "K-0"],
        "is_in_force": [True, False, True],
        "decided_seq": [1, 5, 1],
        "row_sha256": ["other", "other", "other"],
    }
)
