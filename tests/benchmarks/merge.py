"""Merging a whole book with few changes: `python tests/benchmarks/merge.py [REGISTRATIONS]`.

A full file of as many rows as are registered, 5 % of them changed, new or gone, is merged with its history: on SQLite,
and on a PostgreSQL cluster of its own. Printed against the limit in one run: COPY of the same rows into an unlogged
table of PostgreSQL and one hash join with the registry on key and hash of the row. Seconds are those of CPU, of this
process and of the server together: the clock tells of whatever else the machine does. The memory is what this process
takes on top of the judged rows. Fails beyond the goals.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv

from tests import postgres_server
from vpn_registry import validation
from vpn_registry.demo import volume
from vpn_registry.model import Delivery, DeliveryName, Feed, Limits, ListedFile, Mode, Outcome, RowCounts, ZoneFolder
from vpn_registry.registry import home, ledger, merge
from vpn_registry.registry.home import Registry
from vpn_registry.rulebook import Context
from vpn_registry.settings import Settings

POSTGRESQL = 2.0
SQLITE = 2.0
CHANGED, NEW, GONE = 0.035, 0.01, 0.005
ROUNDS = 3
ISP, DAY = "kirana", date(2026, 6, 12)
AT = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)
KEY = b"only for this measurement"


def main(registrations: int = 100_000) -> int:
    programs = postgres_server.programs()
    if programs is None:
        print("not measured: PostgreSQL's server programs are missing (apt-get install postgresql)")
        return 0
    took: dict[str, list[float]] = {"limit": [], "postgresql": [], "sqlite": []}
    first: dict[str, float] = {}
    with postgres_server.running(programs) as server, tempfile.TemporaryDirectory() as folder:
        with psycopg.connect(f"{server}postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE registry")
            [(folder_of_server,)] = connection.execute("SHOW data_directory").fetchall()
        clock = Clock(int(Path(folder_of_server, "postmaster.pid").read_text().split()[0]))
        registries = {
            "postgresql": made(Path(folder, "a"), f"{server}registry"),
            "sqlite": made(Path(folder, "b"), f"sqlite:///{Path(folder, 'b', 'registry.sqlite')}"),
        }
        memory = Memory()
        for seq, rows in enumerate(deliveries(registrations), 1):
            if first:
                took["limit"].append(limit(clock, f"{server}registry", rows))
            for name, registry in registries.items():
                memory.mark()
                seconds = merged(clock, registry, seq, rows)
                memory.look()
                if seq > 1:
                    took[name].append(seconds)
                else:
                    first[name] = seconds
            if seq == 1:
                tidy(f"{server}registry")
    middle = {name: statistics.median(times) for name, times in took.items()}

    print(f"{registrations:,} rows into as many registrations, 5 % of them changed, new or gone; medians of {ROUNDS}")
    print(f"   the first file: PostgreSQL {first['postgresql']:.1f} s, SQLite {first['sqlite']:.1f} s")
    print(f"   memory of a merge, beside its rows: at most {memory.most_mib:.0f} MiB")
    goals = (
        (f"PostgreSQL {middle['postgresql']:.2f} s, COPY and a join {middle['limit']:.2f} s",
         middle["postgresql"] / middle["limit"], POSTGRESQL),
        (f"SQLite {middle['sqlite']:.2f} s, against PostgreSQL", middle["sqlite"] / middle["postgresql"], SQLITE),
    )  # fmt: skip
    for what, ratio, goal in goals:
        print(f"   {what}: {ratio:.2f} (goal {goal:g}){'' if ratio <= goal else ' MISSED'}")
    return int(any(ratio > goal for _, ratio, goal in goals))


@dataclass(frozen=True)
class Clock:
    """CPU seconds of this process and of a server of PostgreSQL, given by the process that started the others."""

    postmaster: int

    def seconds(self) -> float:
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # a process may end while it is looked at
                fields = path.read_text(errors="replace").rpartition(")")[2].split()
                if path.parent.name == str(self.postmaster):  # with those of its processes that have ended
                    ticks += sum(map(int, fields[11:15]))
                elif int(fields[1]) == self.postmaster:
                    ticks += sum(map(int, fields[11:13]))
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


class Memory:
    """The most that this process took at any moment between a mark and the look that follows it."""

    def __init__(self) -> None:
        self.most_mib = 0.0
        self._before = 0.0

    def mark(self) -> None:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
        self._before = self._mib("VmRSS")

    def look(self) -> None:
        self.most_mib = max(self.most_mib, self._mib("VmHWM") - self._before)

    @staticmethod
    def _mib(name: str) -> float:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def tidy(url: str) -> None:
    """What PostgreSQL does by itself within a minute of so large a change: here, so that no measurement pays for it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def deliveries(registrations: int) -> Iterator[pd.DataFrame]:
    """The first book, then as many books as there are rounds, each the one before with 5 % of its rows another way."""
    rng = np.random.default_rng(1)
    spare = int(registrations * NEW * ROUNDS)
    every = canonical(volume.registrations(volume.Volume(ISP, registrations + spare, DAY, unregistered=0)))
    book = every[:registrations]
    yield book
    for number in range(ROUNDS):
        begin = registrations + number * (spare // ROUNDS)
        stays = book[rng.random(len(book)) >= GONE]
        book = pd.concat([stays, every[begin : begin + spare // ROUNDS]], ignore_index=True)
        book["row"] = np.arange(1, len(book) + 1)
        is_changed = rng.random(len(book)) < CHANGED
        book["client_name"] = book["client_name"].where(~is_changed, book["client_name"] + f" {number}")
        # Any other hash does: what it is made from is hashed before the merge.
        book["row_sha256"] = book["row_sha256"].where(~is_changed, book["row_sha256"].str[1:] + str(number))
        yield book


def canonical(content: bytes) -> pd.DataFrame:
    """The rows as judging hands them on."""
    limits = Limits(*[2**40] * 6)
    decoded, _ = validation.read(content, "csv", Feed.REGISTRATIONS, stem="book", limits=limits)
    context = Context(isp=ISP, today=DAY + timedelta(3), mode=Mode.FULL, seq=1, sample=True, prefixes=(), known=None,
                      has_gap=False, row_key=KEY)  # fmt: skip
    verdict = validation.judge(
        decoded, (), feed=Feed.REGISTRATIONS, mode=Mode.FULL, context=context, tolerance=(1.0, 0), with_suite=False
    )
    return validation.with_keys(verdict, verdict.is_merged).reset_index(drop=True)


def made(folder: Path, url: str) -> Registry:
    return home.open_home(Settings(folder, url, folder, folder / "keys" / "registry.key"), as_of=AT)


def merged(clock: Clock, registry: Registry, seq: int, rows: pd.DataFrame) -> float:
    """CPU seconds from the judged rows to the end of the transaction."""
    text = f"{ISP}_registrations_full_{DAY:%Y%m%d}_{seq:04d}.csv"
    delivery = stored(registry, DeliveryName(text, ISP, Feed.REGISTRATIONS, Mode.FULL, DAY, seq, "csv"))
    started = clock.seconds()
    with registry.writing() as db:
        merge.merge_registrations(db, registry.keys, delivery, rows, at=AT, may_close=True)
        ledger.conclude(
            db, delivery, delivery.claim_no, outcome=Outcome.ACCEPTED, rows=RowCounts(len(rows), len(rows)),
            counts_by_code={}, findings=(), result={}, rulebook_version="1", at=AT,
        )  # fmt: skip
    return clock.seconds() - started


def stored(registry: Registry, name: DeliveryName) -> Delivery:
    files = [ListedFile(name.text, 10, 1000, "file")]
    with registry.writing() as db:
        for second in (0.0, 31.0):
            settled, _ = ledger.observe(db, ISP, ZoneFolder.INCOMING, files, at=AT, monotonic=second, settle_seconds=30)
        claim_no = ledger.claim(db, settled[0]) or 0
        taken = ledger.store(
            db, settled[0], claim_no, sha256=f"{name.seq:064x}", size_bytes=10, received_at=AT, name=name
        )
        ledger.source_removed(db, taken.id)
    return taken


def limit(clock: Clock, url: str, rows: pd.DataFrame) -> float:
    """CPU seconds for COPY of all columns as Arrow writes them, and a hash join that counts what differs."""
    names = [name for name in rows.columns if name not in ("line", "ntn_key", "cnic_key", "other_id_key")]
    arrow = pa.Table.from_pandas(rows[names], preserve_index=False)
    with psycopg.connect(url) as connection:
        columns = ", ".join(f"{name} {'int' if name == 'row' else 'text'}" for name in names)
        connection.execute(f"CREATE UNLOGGED TABLE staging ({columns})")
        started = clock.seconds()
        with connection.cursor() as cursor, cursor.copy("COPY staging FROM STDIN (FORMAT csv)") as copy:
            for batch in arrow.to_batches(50_000):
                sink = io.BytesIO()
                pa_csv.write_csv(batch, sink, pa_csv.WriteOptions(include_header=False))
                copy.write(sink.getbuffer())
        connection.execute(
            "SELECT count(*) FROM staging AS s LEFT JOIN registrations AS r ON r.isp = %s"
            " AND r.registration_ref = s.registration_ref AND r.content_sha256 = s.row_sha256 WHERE r.id IS NULL",
            [ISP],
        )
        took = clock.seconds() - started
        connection.rollback()
    return took


if __name__ == "__main__":
    sys.exit(main(*(int(number) for number in sys.argv[1:])))
