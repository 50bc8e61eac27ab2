"""How fast the composed stack answers, what it costs when idle, and what a second worker brings.

    PYTHONPATH=include:. .venv/bin/python tests/compose/timings.py [--files 20] [--isps 12] [--idle 180] [--workers 1 2]

Goals for one file of 2,000 rows, from its last byte: with a look each minute the receipt within settle time + 60 s +
15 s and the result 30 s later; with one each 10 s and 5 s to settle, 30 s and 60 s. Idle, with a look each minute: a
quarter of one core. The figures stand in docs/operations.md; other work on the machine makes them worse.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks import judge as sample
from tests.compose import stack as composed
from tests.compose.stack import Stack
from vpn_registry.demo.deliver import connect, deliver
from vpn_registry.model import PAKISTAN

if TYPE_CHECKING:
    import paramiko

ROWS: Final = 2_000
PATIENCE_S: Final = 900.0
SETTINGS: Final = ((60, 30), (10, 5))
"""Poll and settle seconds."""
NANOSECONDS: Final = "/sys/fs/cgroup/cpuacct/cpuacct.usage"
CPU_USED: Final = f"cat {NANOSECONDS} 2>/dev/null || sed -n 's/usage_usec \\(.*\\)/\\1000/p' /sys/fs/cgroup/cpu.stat"
"""Nanoseconds that the container has used, whatever the version of cgroups."""


def main() -> int:
    """Print every figure; 1 when a goal is missed."""
    options = _options()
    if message := composed.missing():
        print(message)
        return 1
    slugs = [f"isp{number:02}" for number in range(options.isps)]
    with tempfile.TemporaryDirectory() as folder, composed.running(Path(folder), slugs) as stack:
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        missed = idle(stack, options.idle)
        seqs = iter(range(1, 10_000))
        for poll, settle in SETTINGS:
            _set(stack, poll, settle, workers=1)
            missed |= latency(stack, slugs[0], seqs, options.files, poll, settle)
        for workers in options.workers:
            _set(stack, *SETTINGS[1], workers=workers)
            rush(stack, slugs, next(seqs), workers)
    return int(missed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--isps", type=int, default=12)
    parser.add_argument("--idle", type=int, default=180)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    return parser.parse_args()


def _set(stack: Stack, poll: int, settle: int, workers: int) -> None:
    own = {"POLL_SECONDS": str(poll), "VPN_REGISTRY_SETTLE_SECONDS": str(settle), "WORKERS": str(workers)}
    print(f"poll {poll} s, settle {settle} s, {workers} worker(s): up in {stack.up(**own):.0f} s", flush=True)


def idle(stack: Stack, seconds: int) -> bool:
    """CPU of each service while nothing is dropped, and its memory; whether the goal is missed."""
    services = stack("ps", "--services").stdout.split()
    before = {service: _used(stack, service) for service in services}
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    shares = {service: 100 * (_used(stack, service) - before[service]) / took for service in services}
    memory = dict(line.split("|") for line in stack.memory().splitlines())
    for service in services:
        held = next(text.split(" /")[0] for name, text in memory.items() if f"-{service}-1" in name)
        print(f"idle {service}: {shares[service]:.1f} % of a core, {held}")
    total = sum(shares.values())
    print(f"idle stack: {total:.0f} % of one core over {took:.0f} s, goal 25", flush=True)
    return total > 25


def _used(stack: Stack, service: str) -> float:
    """CPU seconds that a service's container has used."""
    return int(stack.inside(service, "sh", "-c", CPU_USED).stdout) / 1e9


def latency(stack: Stack, slug: str, seqs: Iterator[int], files: int, poll: int, settle: int) -> bool:
    """One file at a time, at any moment of the minute: seconds to receipt and result; whether a goal is missed."""
    dice = random.Random(poll)  # noqa: S311 - repeatable on purpose; until 2027-12-31
    receipts, results = [], []
    for number in range(files):
        time.sleep(dice.uniform(0, min(poll, 30)))
        name = _name(slug, next(seqs))
        data = sample.rows(ROWS, seed=number)
        deliver(stack.account(slug), {name: data})
        dropped = time.time()
        with connect(stack.account(slug)) as zone:
            receipts.append(_seconds_until(zone, f"outgoing/{name}.receipt.json", dropped))
            results.append(_seconds_until(zone, f"outgoing/{name}.result.json", dropped))
        print(f"  file {number + 1}: receipt {receipts[-1]:.0f} s, result {results[-1]:.0f} s", flush=True)
    goals = (settle + poll + 15, settle + poll + 45) if poll >= 60 else (30, 60)
    for what, times, goal in zip(("receipt", "result"), (receipts, results), goals, strict=True):
        met = sum(seconds <= goal for seconds in times)
        print(
            f"poll {poll} s, settle {settle} s, {what}: median {median(times):.0f} s, worst {max(times):.0f} s,"
            f" {met} of {files} within the goal of {goal} s",
            flush=True,
        )
    return max(receipts) > goals[0] or max(results) > goals[1]


def rush(stack: Stack, slugs: list[str], seq: int, workers: int) -> None:
    """A file from every ISP at the same moment: when the last receipt and the last result lie there."""
    for slug in slugs:
        deliver(stack.account(slug), {_name(slug, seq): sample.rows(ROWS, seed=seq)})
    dropped = time.time()
    with ExitStack() as open_zones:
        zones = {slug: open_zones.enter_context(connect(stack.account(slug))) for slug in slugs}
        for kind in ("receipt", "result"):
            wanted = {slug: f"outgoing/{_name(slug, seq)}.{kind}.json" for slug in slugs}
            times = [_seconds_until(zones[slug], path, dropped) for slug, path in wanted.items()]
            told = f"half in {median(times):.0f} s, all in {max(times):.0f} s"
            print(f"{workers} worker(s), {len(slugs)} ISPs, {kind}s: {told}", flush=True)


def _name(slug: str, seq: int) -> str:
    return f"{slug}_registrations_full_{datetime.now(PAKISTAN):%Y%m%d}_{seq:04}.csv"


def _seconds_until(zone: paramiko.SFTPClient, path: str, dropped: float) -> float:
    """When an answer was written, by the clock of the zone, which is this machine's."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            return max(0.0, float(zone.stat(path).st_mtime or 0) - dropped)
        except FileNotFoundError:
            time.sleep(0.5)
    raise TimeoutError(f"{path} did not come within {PATIENCE_S:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
