"""Many ISPs drop a file at the same moment: when the last receipt and the last result lie in their zones.

Goal: 50 ISPs with a file of 2,000 rows each: receipts within 60 seconds, results within 5 minutes on 2 cores. Airflow
itself does the work: api-server, scheduler, dag-processor and its local executor, over SFTP, looking each ten seconds.
Run by `make bench`; the number of ISPs can be given as an argument.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.benchmarks import judge as sample
from vpn_registry import airflow_services, settings
from vpn_registry.demo import samples
from vpn_registry.demo.deliver import deliver
from vpn_registry.demo.services import services
from vpn_registry.registry import home

RECEIPTS, RESULTS = 60.0, 300.0
ROWS = 2_000
PATIENCE = 1_200.0
SETTLE, POLL = "5", "10"  # seconds
ISP = """
name = "{slug} networks"
sample = true
sftp = "sftp_{slug}"
prefixes = ["39.32.0.0/11"]
[[contacts]]
name = "Compliance"
email = "compliance@{slug}.example"
role = "compliance"
"""


def main(count: int = 50) -> int:
    """Print when the answers came; 1 when a goal is missed."""
    slugs = [f"isp{number:02}" for number in range(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "isps").mkdir()
        for slug in slugs:
            (folder / "isps" / f"{slug}.toml").write_text(ISP.format(slug=slug), "utf-8")
        own = {
            "AIRFLOW__VPN_REGISTRY__PRELOAD": "True",  # as in docker-compose.yaml
            "AIRFLOW__VPN_REGISTRY__POLL_SECONDS": POLL,
            "VPN_REGISTRY_HOME": name,
            "VPN_REGISTRY_SETTLE_SECONDS": SETTLE,
            "VPN_REGISTRY_ISPS": str(folder / "isps"),
        }
        home.open_home(settings.load(own), as_of=samples.INSTANT)
        with services(folder, slugs) as servers:
            port = airflow_services.free_port(0)
            airflow = airflow_services.prepare(
                folder, settings.environment(""), port=port, extra=servers.environment | own
            )
            airflow_services.migrate(airflow)
            with airflow_services.running(airflow):
                # One file passes first, so that what starts once has started.
                deliver(servers.account(slugs[0]), {_name(slugs[0], 1): sample.rows(ROWS, seed=1)})
                _wait(folder, slugs[:1], 1, "result", time.monotonic())
                data = sample.rows(ROWS, seed=2)
                began = time.monotonic()
                for slug in slugs:
                    deliver(servers.account(slug), {_name(slug, 2): data})
                print(f"{count} files of {ROWS:,} rows dropped in {time.monotonic() - began:.0f} s")
                receipts = _wait(folder, slugs, 2, "receipt", began)
                results = _wait(folder, slugs, 2, "result", began)
        outcomes = Counter(
            json.loads(path.read_text("utf-8"))["outcome"]
            for path in folder.glob("zones/*/outgoing/*_0002.csv.result.json")
        )
    print(f"outcomes: {dict(outcomes)}")
    for what, times, goal in (("receipts", receipts, RECEIPTS), ("results", results, RESULTS)):
        middle, last = times[len(times) // 2], times[-1]
        print(
            f"{what}: half within {middle:.0f} s, all within {last:.0f} s, goal {goal:.0f}: "
            f"{'met' if last <= goal else 'MISSED'}"
        )
    return int(receipts[-1] > RECEIPTS or results[-1] > RESULTS)


def _name(slug: str, seq: int) -> str:
    return f"{slug}_registrations_delta_{samples.INSTANT:%Y%m%d}_{seq:04}.csv"


def _wait(folder: Path, slugs: list[str], seq: int, kind: str, began: float) -> list[float]:
    """Seconds from `began` until each ISP's answer lay in its zone, sorted; by the clock of its file."""
    wanted = [folder / "zones" / slug / "outgoing" / f"{_name(slug, seq)}.{kind}.json" for slug in slugs]
    until = time.monotonic() + PATIENCE
    while not all(path.exists() for path in wanted):
        assert time.monotonic() < until, f"{sum(path.exists() for path in wanted)} of {len(wanted)} {kind}s came"
        time.sleep(1)
    offset = time.time() - time.monotonic()
    return sorted(path.stat().st_mtime - offset - began for path in wanted)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
