"""A simulated installation with zones that are folders, and ISPs whose files are short to write."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest import mock

from tests import fresh_homes
from vpn_registry import validation
from vpn_registry.demo import sample_cast
from vpn_registry.demo.sample_cast import Client, Row, withdrawal
from vpn_registry.demo.sample_files import file_name, to_csv
from vpn_registry.demo.sample_stories import PLACES, Story
from vpn_registry.dropzone import FolderZone, Zone
from vpn_registry.model import PAKISTAN, Feed, Mode, Status
from vpn_registry.pipeline import collect, dispatch, notify
from vpn_registry.pipeline.exchange import Exchange, open_exchange
from vpn_registry.roster import Isp
from vpn_registry.settings import Settings

MORNING: Final = datetime(2026, 6, 16, 9, 0, tzinfo=PAKISTAN)
"""The day of stage T-14, in working hours."""
DAY: Final = MORNING.date()
ISPS: Final = ("indus", "kirana")


class Cast:
    """Makes the clients and registrations of one ISP, in a fixed order."""

    def __init__(self, isp: str) -> None:
        self._story = Story(sample_cast.Cast(PLACES[isp], DAY))
        self._clients: dict[str, Client] = {}
        self.isp = isp

    def registered(self, count: int) -> list[Row]:
        """Registrations of so many new clients, who are on the list too."""
        return [self.registration(subscriber) for subscriber in self.open(count)]

    def registration(self, subscriber: str, **changes: str) -> Row:
        """A registration of a client that was made before."""
        return self._story.registers(self._clients[subscriber], **changes)

    def open(self, count: int) -> list[str]:
        """So many new clients on the list that nobody registered; their subscriber ids."""
        clients = [self._story.cast.client("company") for _ in range(count)]
        for client in clients:
            self._clients[client.subscriber_id] = self._story.lists(client, Status.UNREGISTERED)
        return [client.subscriber_id for client in clients]

    @property
    def book(self) -> list[Row]:
        return list(self._story.book)

    @property
    def listed(self) -> list[Row]:
        return list(self._story.listed)


def registrations(isp: str, seq: int, rows: Iterable[Row], mode: Mode = Mode.DELTA, age: int = 1) -> tuple[str, bytes]:
    """Name and content of a registrations file."""
    name = file_name(isp, Feed.REGISTRATIONS, mode, DAY, age, seq)
    return name, to_csv(Feed.REGISTRATIONS, list(rows)).encode()


def clients(isp: str, seq: int, rows: Iterable[Row], age: int = 1) -> tuple[str, bytes]:
    """Name and content of a client list."""
    return file_name(isp, Feed.CLIENTS, Mode.FULL, DAY, age, seq), to_csv(Feed.CLIENTS, list(rows)).encode()


def responses(isp: str, seq: int, rows: Iterable[Row], age: int = 0) -> tuple[str, bytes]:
    """Name and content of a file of answers to notices."""
    return file_name(isp, Feed.RESPONSES, Mode.DELTA, DAY, age, seq), to_csv(Feed.RESPONSES, list(rows)).encode()


def answer(subscriber: str, said: str, **more: str) -> Row:
    """A row of a responses file about a client whom the first notice names."""
    return {
        "subscriber_id": subscriber,
        "notice_no": "N-2026-000001",
        "response": said,
        "reference": "",
        "comment": "as our sales desk says",
        "responded_on": DAY.isoformat(),
    } | more


def withdrawals(rows: Iterable[Row]) -> list[Row]:
    return [withdrawal(row) for row in rows]


class Relay:
    """A mail relay in this process: accepts, or answers each try of a recipient with the next of its `replies`."""

    from_email: str | None = "registry@regulator.example"

    def __init__(self) -> None:
        self.accepted: list[tuple[str, bytes]] = []
        self.tries: list[str] = []
        self.replies: dict[str, list[Exception | None]] = {}
        self.is_down = False
        self.before_post: Callable[[str], None] = lambda recipient: None

    @contextmanager
    def __call__(self) -> Iterator[Relay]:
        if self.is_down:
            raise ConnectionRefusedError("the relay is down")
        yield self

    def post(self, recipient: str, frozen: bytes) -> None:
        self.before_post(recipient)
        self.tries.append(recipient)
        reply = (self.replies.get(recipient) or [None]).pop(0)
        if reply is not None:
            raise reply
        self.accepted.append((recipient, frozen))

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.accepted]


class Installation:
    """A home of its own with ISPs on folders; `exchange` is what the pipeline works on.

    A home that has a key file is opened as it is, any other one made, with its database.
    """

    def __init__(
        self, home: Path, isps: Iterable[str] = ISPS, *, database_url: str = "", settle: float = 0,
        opened_at: datetime = MORNING,
    ) -> None:  # fmt: skip
        self.home = home
        self.settings = Settings(
            home=home,
            database_url=database_url or f"sqlite:///{home / 'registry.sqlite'}",
            isps=home / "isps",
            key_file=home / "keys" / "registry.key",
            settle_seconds=settle,
        )
        if not self.settings.key_file.exists():
            fresh_homes.make(self.settings)
        for isp in isps:
            self.add_isp(isp)
        self._moments = itertools.count(1_000_000_000)
        self.relay = Relay()
        self.zones: dict[str, Callable[[Zone], Zone]] = {}
        self.exchange = self._open(opened_at)

    def add_isp(self, isp: str, extra: str = "") -> None:
        """Its file and its zone; `extra` is appended to the file."""
        for folder in ("incoming", "check", "outgoing"):
            (self.zone(isp) / folder).mkdir(parents=True, exist_ok=True)
        self.settings.isps.mkdir(exist_ok=True)
        contacts = "".join(
            f'[[contacts]]\nname = "{role} of {isp}"\nemail = "{role}@{isp}.example"\nrole = "{role}"\n'
            for role in ("compliance", "escalation")
        )
        text = f'name = "{isp} networks"\nsample = true\nfolder = "zones/{isp}"\nprefixes = ["192.0.2.0/24"]\n'
        aside = self.settings.isps / f"{isp}.{os.getpid()}"  # other processes may open the same home right now
        aside.write_text(text + extra + contacts, "utf-8")
        aside.replace(aside.with_suffix(".toml"))

    def at(self, moment: datetime | timedelta) -> Exchange:
        """Reopen the home at a later moment, or so much later than now."""
        self.exchange = self._open(self.exchange.now() + moment if isinstance(moment, timedelta) else moment)
        return self.exchange

    def zone(self, isp: str) -> Path:
        return self.home / "zones" / isp

    def drop(self, named: tuple[str, bytes], *, isp: str = "", folder: str = "incoming") -> Path:
        """Put a file into the zone of the ISP (that of its name), with an mtime no other file has here."""
        name, content = named
        path = self.zone(isp or name.partition("_")[0]) / folder / name
        path.write_bytes(content)
        moment = next(self._moments)
        os.utime(path, (moment, moment))
        return path

    def take(self, isp: str, *, holder: str = "test") -> list[int]:
        """Settle and take, without judging."""
        collect.zones_with_mail(self.exchange, sleep=no_sleep)
        return collect.take(self.exchange, isp, holder=holder)

    def run(self, *, holder: str = "test") -> dict[str, dict[str, int]]:
        """One whole pass of collecting; the counts of each ISP that had something."""
        return {isp: self._one_isp(isp, holder) for isp in collect.zones_with_mail(self.exchange, sleep=no_sleep)}

    def _one_isp(self, isp: str, holder: str) -> dict[str, int]:
        collect.take(self.exchange, isp, holder=holder)
        counts = collect.judge_and_merge(self.exchange, isp, holder=holder)
        collect.answer(self.exchange, isp, holder=holder)
        return counts

    def out(self, isp: str) -> dict[str, bytes]:
        """What lies in the zone's outgoing folder: path -> content."""
        folder = self.zone(isp) / "outgoing"
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
        }

    def incoming(self, isp: str) -> list[str]:
        return sorted(path.name for path in (self.zone(isp) / "incoming").iterdir())

    def result(self, isp: str, stem: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.out(isp)[f"{stem}.result.json"])
        return content

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a query of the registry's database gives."""
        from sqlalchemy import text

        with self.exchange.registry.reading() as db:
            return [tuple(row) for row in db.execute(text(query), values)]

    def codes(self, isp: str, stem: str) -> list[str]:
        """The file-level findings of a result."""
        return [finding["code"] for finding in self.result(isp, stem)["findings"]]

    def _open(self, as_of: datetime) -> Exchange:
        exchange = open_exchange(self.settings, open_sftp=_no_sftp, as_of=as_of)
        return _Wrapped(**vars(exchange), wrappers=self.zones)


FileAndList = Callable[[int, int], Installation]
"""Gives a home in which indus has registered so many clients, and listed so many more."""


@dataclass(frozen=True)
class _Wrapped(Exchange):
    """An exchange whose zones pass through what the test put around them."""

    wrappers: Mapping[str, Callable[[Zone], Zone]] = field(default_factory=dict)

    def open_zone(self, isp: Isp) -> AbstractContextManager[Zone]:
        assert isp.folder is not None
        zone: Zone = FolderZone(isp.folder)
        return nullcontext(self.wrappers[isp.slug](zone) if isp.slug in self.wrappers else zone)


def send_notices(house: Installation) -> None:
    """Plan what is due, approve whatever is held, and send it."""
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    notify.approve(house.exchange.registry, actor="tester", reason="figures checked")
    for isp in notify.brake(house.exchange):
        dispatch.send(house.exchange, isp, house.relay, holder="test")


@contextmanager
def foreseen_verdicts() -> Iterator[None]:
    """Verdicts as Great Expectations would give them, without asking it; test_foreseen shows that they are the same."""
    with mock.patch.object(validation, "judge", partial(validation.judge, with_suite=False)):
        yield


class ZoneAround:
    """A zone that passes everything on; a test overrides what it wants to happen instead."""

    def __init__(self, zone: Zone) -> None:
        self.inner = zone

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def no_sleep(seconds: float) -> None:
    """Settling takes no time where settle_seconds is 0."""


def _no_sftp(connection_id: str) -> AbstractContextManager[Any]:
    raise AssertionError(f"no zone of these tests is reached over SFTP ({connection_id})")
