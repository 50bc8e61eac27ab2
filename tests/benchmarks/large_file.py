"""One large registrations file from its bytes to its findings: memory, growth of the cost, and the cost of bad rows.

Goals: 1,000,000 rows under 1.5 GiB resident, offline and with Great Expectations; the cost of a row grows by less than
15 % from 100,000 to 1,000,000 rows; a file with half of its rows bad costs at most twice as much. Each figure is
measured in a child process of its own. Run by `make bench`; the rows of the large file can be given as an argument.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks import judge as sample
from vpn_registry import validation
from vpn_registry.model import Limits, Mode

MEMORY_MIB = 1_536
GROWTH = 1.15
BAD = 2.0


def write(path: Path, count: int, *, half_bad: bool = False) -> None:
    """A file of `count` rows; with `half_bad` every second row has a malformed NTN."""
    data = sample.rows(count)
    if half_bad:
        place = data.splitlines()[0].split(b",").index(b"ntn")
        lines = [line.split(b",") for line in data.splitlines()]
        for line in lines[1::2]:
            line[place] = b"822910"
        data = b"\r\n".join(b",".join(line) for line in lines) + b"\r\n"
    path.write_bytes(data)


def measure(path: Path, *, with_suite: bool) -> dict[str, float]:
    """Read, judge and list the findings of a file in this process; CPU seconds without imports, and peak MiB."""
    if with_suite:
        from vpn_registry.validation import expectations

        expectations._batches()
    start = time.process_time()
    decoded, found = validation.read(path.read_bytes(), "csv", sample.FEED, limits=Limits(rows=10_000_000))
    verdict = validation.judge(
        decoded,
        found,
        feed=sample.FEED,
        mode=Mode.DELTA,
        context=sample.CONTEXT,
        with_suite=with_suite,
    )
    findings = len(validation.row_findings(verdict))
    taken = time.process_time() - start
    # Not getrusage: its maximum is handed on from the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return {"rows": verdict.rows.total, "seconds": taken, "mib": peak, "findings": findings}


def in_child(path: Path, *, with_suite: bool) -> dict[str, float]:
    """`measure` in a process of its own, so that one measurement's memory is not another's."""
    command = [sys.executable, __file__, str(path), "suite" if with_suite else "offline"]
    done = subprocess.run(command, capture_output=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def main(count: int) -> int:
    """Print the table; 1 when a goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        large, small, bad = (Path(folder) / name for name in ("large.csv", "small.csv", "bad.csv"))
        write(large, count)
        write(small, count // 10)
        write(bad, count // 10, half_bad=True)
        figures = {
            "large, offline": in_child(large, with_suite=False),
            "large, with Great Expectations": in_child(large, with_suite=True),
            "a tenth, offline": in_child(small, with_suite=False),
            "a tenth, half of it bad, offline": in_child(bad, with_suite=False),
        }
    for name, figure in figures.items():
        each = figure["seconds"] / figure["rows"] * 1e6
        size = f"{figure['rows']:>10,.0f} rows"
        print(f"{name:36}{size}{figure['seconds']:8.2f} s{each:7.1f} us/row{figure['mib']:7.0f} MiB")
    whole, suite, tenth, half = figures.values()
    goals = {
        f"memory under {MEMORY_MIB} MiB": max(whole["mib"], suite["mib"]) / MEMORY_MIB,
        f"cost of a row grows to less than {GROWTH} times": whole["seconds"] / 10 / tenth["seconds"] / GROWTH,
        f"half bad costs at most {BAD} times": half["seconds"] / tenth["seconds"] / BAD,
    }
    for goal, share in goals.items():
        print(f"{goal}: at {share:.0%} of the limit, {'met' if share <= 1 else 'MISSED'}")
    return int(any(share > 1 for share in goals.values()))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(Path(sys.argv[1]), with_suite=sys.argv[2] == "suite")))
        sys.exit(0)
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
