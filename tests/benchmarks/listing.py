"""One look at many zones without mail, over real SFTP on this machine: what a listing pass costs, and a zone of it.

Goal: 50 zones in under 5 seconds of wall time, against a local OpenSSH server with the production configuration (root
is needed to start it). Run by `make bench`; the number of zones can be given as an argument.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko

from tests.installation import Installation, no_sleep
from tests.openssh_server import OpenSsh, openssh_server, why_not
from vpn_registry.pipeline import collect
from vpn_registry.pipeline.exchange import open_exchange

GOAL = 5.0
TIMES = 5


def installation(folder: Path, slugs: list[str], server: OpenSsh) -> Installation:
    """An installation whose every ISP has an SFTP zone on the server."""
    here = Installation(folder, slugs)
    for slug in slugs:
        file = here.settings.isps / f"{slug}.toml"
        lines = file.read_text("utf-8").replace(f'folder = "zones/{slug}"', f'sftp = "sftp_{slug}"')
        file.write_text(lines, "utf-8")

    @contextmanager
    def open_sftp(connection: str) -> Iterator[paramiko.SFTPClient]:
        account = f"{server.account(connection.removeprefix('sftp_'))}-c"
        with server.ssh(account) as ssh, ssh.open_sftp() as client:
            yield client

    here.exchange = open_exchange(here.settings, open_sftp=open_sftp, as_of=here.exchange.now())
    return here


def main(count: int = 50) -> int:
    """Print the median of some passes and the share of a zone; 1 when the goal is missed."""
    if reason := why_not():
        print(f"not measured: {reason}")
        return 0
    slugs = [f"z{number:02}" for number in range(count)]
    with openssh_server(slugs) as server, tempfile.TemporaryDirectory() as folder:
        here = installation(Path(folder), slugs, server)
        taken, cpu = [], []
        for _ in range(TIMES):
            began, worked = time.perf_counter(), time.process_time()
            assert collect.zones_with_mail(here.exchange, sleep=no_sleep) == []
            taken.append(time.perf_counter() - began)
            cpu.append(time.process_time() - worked)
    median = sorted(taken)[TIMES // 2]
    print(
        f"{count} zones: {median:.2f} s (worst {max(taken):.2f}), a zone {median / count * 1000:.0f} ms, "
        f"of which CPU of ours {sorted(cpu)[TIMES // 2] / count * 1000:.0f} ms"
    )
    print(f"goal {GOAL:.0f} s: {'met' if median <= GOAL else 'MISSED'}")
    return int(median > GOAL)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
