"""Comparing clients with registrations: `python tests/benchmarks/compare.py [CLIENTS REGISTRATIONS]`.

Thirty ISPs of equal size, one after the other, as the tasks do it; frames are made beforehand. Printed against polars'
anti-joins over the same keys and against a plain sorted search over the same spans, in one run; fails beyond the goals.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from vpn_registry.reconciliation import comparison, spans, terms

ISPS = 30
JOINS = 3.0
CONTAINMENT = 2.0
GROWTH = 1.2
MEMORY_GB = 2.0
DAY = date(2026, 6, 1)
Frames = list[tuple[pd.DataFrame, pd.DataFrame]]


def main(clients: int = 1_000_000, registrations: int = 100_000) -> int:
    small = cost(make(clients // 10, registrations // 10), clients // 10)
    frames = make(clients, registrations)
    each = cost(frames, clients)
    joins = seconds(lambda c, r: [spans.text_groups(c[key], r[key]) for key in ("subscriber_id", "ntn")], frames)
    polars = seconds(lambda c, r: [anti_join(c[key], r[key]) for key in ("subscriber_id", "ntn")], frames)
    parsed = [(spans.spans_of(texts(c, "service_ips"), texts(r, "local_ip")), len(c), len(r)) for c, r in frames]
    started = time.perf_counter()
    for (ours, theirs), ours_rows, theirs_rows in parsed:
        spans.find_overlap(ours, np.zeros(ours_rows, dtype=np.int64), theirs, np.zeros(theirs_rows, dtype=np.int64))
    contained = time.perf_counter() - started
    started = time.perf_counter()
    for (ours, theirs), _, _ in parsed:
        sorted_search(ours, theirs)
    searched = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6

    print(f"{clients:,} clients with {registrations:,} registrations over {ISPS} ISPs")
    print(f"   whole comparison {each * clients / 1e6:.1f} s, {each:.1f} microseconds a client")
    goals = (
        (f"joins {joins:.2f} s, polars {polars:.2f} s", joins / polars, JOINS),
        (f"containment {contained:.3f} s, plain sorted search {searched:.3f} s", contained / searched, CONTAINMENT),
        (f"cost a client against a tenth of the size ({small:.1f} microseconds)", each / small, GROWTH),
        ("memory at most, in GB, frames of all ISPs included", memory, MEMORY_GB),
    )
    for what, ratio, goal in goals:
        print(f"   {what}: {ratio:.2f} (goal {goal:g}){'' if ratio <= goal else ' MISSED'}")
    return int(any(ratio > goal for _, ratio, goal in goals))


def cost(frames: Frames, clients: int) -> float:
    """Microseconds a client of the whole comparison, the better of two runs."""
    return min(seconds(compare, frames) for _ in range(2)) / clients * 1e6


def compare(clients: pd.DataFrame, registrations: pd.DataFrame) -> pd.DataFrame:
    return comparison.compare(clients, registrations, deadline=date(2026, 6, 30), today=DAY, list_on=DAY)


def seconds(work: Callable[[pd.DataFrame, pd.DataFrame], object], frames: Frames) -> float:
    started = time.perf_counter()
    for clients, registrations in frames:
        work(clients, registrations)
    return time.perf_counter() - started


def anti_join(left: pd.Series[str], right: pd.Series[str]) -> int:
    ours, theirs = (pl.DataFrame(pl.from_arrow(pa.table({"key": pa.array(side)}))) for side in (left, right))
    return ours.join(theirs, on="key", how="anti").height


def sorted_search(ours: spans.Spans, theirs: spans.Spans) -> np.ndarray:
    order = np.argsort(theirs.first)
    first, reach = theirs.first[order], np.maximum.accumulate(theirs.last[order])
    place = np.searchsorted(first, ours.first, side="right") - 1
    return (place >= 0) & (reach[place] >= ours.first)


def texts(frame: pd.DataFrame, column: str) -> tuple[pd.Series[str], pd.Series[str]]:
    return frame[column], frame["msisdn"]


def make(clients: int, registrations: int) -> Frames:
    rng = np.random.default_rng(1)
    return [one_isp(rng, clients // ISPS, registrations // ISPS) for _ in range(ISPS)]


def one_isp(rng: np.random.Generator, clients: int, registrations: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clients with an address each, a tenth of them IPv6; registrations of some, by one key or another."""
    who = rng.permutation(clients)
    listed = pd.DataFrame(dict.fromkeys(comparison.CLIENT_COLUMNS, ""), index=range(clients), dtype="str")
    listed["subscriber_id"] = text(f"S-{n:08d}" for n in who.tolist())
    listed["client_name"] = text(f"Firm {n}" for n in who.tolist())
    listed["ntn"] = text(f"{n:07d}" for n in who.tolist())
    listed["service_ips"] = text(address(n, "") for n in who.tolist())
    listed["service_status"] = "active"
    listed["vpn_use"] = text(rng.choice(["yes", "no"], clients).tolist())

    of = rng.permutation(clients)[:registrations]
    stranger = rng.random((2, registrations)) < 0.2
    filed = pd.DataFrame(dict.fromkeys(terms.REGISTRATION_COLUMNS, ""), index=range(registrations), dtype="str")
    filed["registration_ref"] = text(f"R-{n:08d}" for n in of.tolist())
    filed["subscriber_id"] = text(f"S-{n:08d}" for n in (of + stranger[0] * 10_000_000).tolist())
    filed["ntn"] = text(f"{n % 10_000_000:07d}" for n in (of + stranger[1] * 5_000_000).tolist())
    filed["local_ip"] = text(address(n, "/30" if n % 2 else "") for n in of.tolist())
    filed["valid_from"] = "2026-01-01"
    filed["is_in_force"] = True
    return listed, filed


def address(number: int, length: str) -> str:
    value = 0x67000000 + number * 8
    if number % 10 == 0:
        return f"2001:db8:{number >> 16:x}:{number & 65535:x}::{'/64' if length else '1'}"
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}{length}"


def text(values: object) -> pd.Series[str]:
    return pd.Series(pd.array(list(values), dtype="str"))  # type: ignore[call-overload]


if __name__ == "__main__":
    sys.exit(main(*(int(number) for number in sys.argv[1:])))
