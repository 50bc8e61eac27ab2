"""A whole pass of the pipeline, and what must be equal after one that was disturbed and made good."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest import mock

from sqlalchemy import select

from tests.installation import Installation
from vpn_registry import validation
from vpn_registry.pipeline import dispatch, notify, reconcile
from vpn_registry.registry.cases import UNCERTAIN_MESSAGE
from vpn_registry.registry.tables import metadata

_SURROGATES: Final = frozenset(
    {"id", "notice_id", "run_id", "current_id", "version_id", "since_run_id", "ended_run_id", "registration_id"}
)
_OF_THE_TRY: Final = frozenset({"claim_no", "settling_s", "listed_s", "attempts", "reply", "settled_at", "state"})
"""What may differ after a kill: who had the claim, when it was listed; states are compared by rules of their own."""
_TABLES_OF_THE_TRY: Final = frozenset(
    {"audit_events", "audit_seals", "leases", "zone_watches", "home", "counters", "delivery_moves", "message_moves"}
)


class FolderRelay:
    """A relay that keeps what it accepted in a folder, so that it outlives the sender."""

    from_email: str | None = "registry@regulator.example"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    @contextmanager
    def __call__(self) -> Iterator[FolderRelay]:
        yield self

    def post(self, recipient: str, frozen: bytes) -> None:
        (self._folder / f"{len(list(self._folder.iterdir())):04}-{recipient}").write_bytes(frozen)

    def accepted(self) -> list[str]:
        """The recipients, one entry a mail."""
        return sorted(path.name.partition("-")[2] for path in self._folder.iterdir())


def whole_pass(home: Path, url: str, holder: str) -> None:
    """Collect, compare, plan, approve and send, as the DAGs do; nobody waits for the lease of one that was killed."""
    house = Installation(home, database_url=url)
    house.run(holder=holder)
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    notify.approve(house.exchange.registry, actor="tester", reason="figures checked")
    relay = FolderRelay(home / "mail")
    for isp in notify.brake(house.exchange):
        dispatch.send(house.exchange, isp, relay, holder=holder, sleep=_no_sleep)


@contextmanager
def remembered_verdicts() -> Iterator[None]:
    """The same file under the same circumstances is judged once a process: rules are no subject of these tests."""
    judge, known = partial(validation.judge, with_suite=False), {}

    def remembering(decoded: Any, findings: Any, **given: Any) -> Any:
        context = {part.name: getattr(given["context"], part.name) for part in fields(given["context"])}
        context["known"] = None if context["known"] is None else context["known"].to_csv()
        rows = None if decoded is None else (decoded.frame.to_csv(), decoded.header)
        key = pickle.dumps((rows, findings, {**given, "context": context}))
        if key not in known:
            known[key] = judge(decoded, findings, **given)
        return known[key]

    with mock.patch.object(validation, "judge", remembering):
        yield


def _no_sleep(seconds: float) -> None:
    raise AssertionError("a dead holder's lease must not be waited for")


@dataclass(frozen=True)
class World:
    """What is left after the passes: registry, zones, landing store and mail."""

    tables: dict[str, list[str]] = field(repr=False)
    outgoing: dict[str, bytes] = field(repr=False)
    lying: list[str]
    landing: list[str]
    states: dict[str, str]  # deliveries
    messages: dict[str, str]
    notices: dict[str, str]
    judgements: list[str]
    mails: list[str]
    in_doubt: int  # cases about messages of which nobody knows whether they arrived

    def things(self) -> Counter[tuple[str, str]]:
        """Rows of tables, answers, stored deliveries and mails."""
        rows = ((name, row) for name, rows in self.tables.items() for row in rows)
        answers = (("answer", f"{path} {content!r}") for path, content in self.outgoing.items())
        kept = (("landing", sha256) for sha256 in self.landing)
        return Counter([*rows, *answers, *kept, *(("mail", email) for email in self.mails)])

    def flagged(self) -> Counter[tuple[str, str]]:
        return Counter(("mail", email) for email, state in self.messages.items() if state == "uncertain")


_DELIVERIES: Final = "SELECT file_name, state FROM deliveries"
_MESSAGES: Final = "SELECT email, state FROM messages"


def states(home: Path, url: str) -> tuple[set[str], set[str]]:
    """In which states deliveries and messages are."""
    house = Installation(home, database_url=url)
    return set(_states(house, _DELIVERIES).values()), set(_states(house, _MESSAGES).values())


def world(home: Path, url: str) -> World:
    house = Installation(home, database_url=url)
    outgoing = {
        f"{isp}/{path}": _masked(content) for isp in ("indus", "kirana") for path, content in house.out(isp).items()
    }
    judged = house.rows("SELECT object_id FROM audit_events WHERE action = 'judge' ORDER BY 1")
    return World(
        tables=tables_of(house),
        outgoing=outgoing,
        lying=house.incoming("indus") + house.incoming("kirana"),
        landing=sorted(house.exchange.landing),
        states=_states(house, _DELIVERIES),
        messages=_states(house, _MESSAGES),
        notices=_states(house, "SELECT isp, state FROM notices"),
        judgements=[str(row[0]) for row in judged],
        mails=FolderRelay(home / "mail").accepted(),
        in_doubt=len(house.rows("SELECT id FROM cases WHERE kind = :kind", kind=UNCERTAIN_MESSAGE)),
    )


def tables_of(house: Installation) -> dict[str, list[str]]:
    """Every table's rows as text, in order, without surrogate keys, ciphertext and what belongs to a single try.

    A delivery goes by its file's name: PostgreSQL gives the number of an undone transaction to nobody else.
    """
    files = dict(house.rows("SELECT id, file_name FROM deliveries"))
    with house.exchange.registry.reading() as db:
        return {
            table.name: sorted(_as_text(row, files) for row in db.execute(_rows_of(table)).mappings())
            for table in metadata.sorted_tables
            if table.name not in _TABLES_OF_THE_TRY
        }


def differences(undisturbed: World, found: World) -> list[str]:
    """In what a world that was killed and recovered differs from the undisturbed one, beyond what it may."""
    told = [name for name, rows in undisturbed.tables.items() if found.tables[name] != rows]
    told += [f"{path}: answer" for path in undisturbed.outgoing.keys() | found.outgoing.keys()
             if undisturbed.outgoing.get(path) != found.outgoing.get(path)]  # fmt: skip
    for name in ("lying", "landing", "states"):
        if getattr(found, name) != getattr(undisturbed, name):
            told.append(f"{name}: {getattr(found, name)}")
    if len(found.judgements) != len(set(found.judgements)) or len(found.judgements) != len(undisturbed.judgements):
        told.append(f"judged: {found.judgements}")
    return told + _mail_differences(undisturbed, found)


_ISSUED: Final = re.compile(r"\b(?:VPN|N)-\d{4}-\d+")
_CURRENT: Final = frozenset({"registrations", "registration_addresses", "clients"})


def essentials(undisturbed: World, found: World) -> tuple[World, World]:
    """Both worlds without what may depend on the order in which things happened: history, answers, numbers issued.

    For faults that hold one ISP's file back while the pass goes on with others (contract section 6).
    """
    return _essential(undisturbed), _essential(found)


def _essential(world: World) -> World:
    tables = {name: sorted(_ISSUED.sub("", row) for row in world.tables[name]) for name in _CURRENT}
    return replace(world, tables=tables, outgoing={})


def _mail_differences(undisturbed: World, found: World) -> list[str]:
    """Each message was accepted once and is `sent`, or is flagged `uncertain` and was accepted at most once."""
    told = []
    doubtful = sum(state == "uncertain" for state in found.messages.values())
    if found.in_doubt != doubtful:
        told.append(f"{doubtful} messages are uncertain, and {found.in_doubt} cases ask a person about one")
    for email in undisturbed.messages:
        state, count = found.messages.get(email), found.mails.count(email)
        if (state, count) not in {("sent", 1), ("uncertain", 0), ("uncertain", 1)}:
            told.append(f"{email}: {state}, accepted {count} times")
        isp = email.partition("@")[2].removesuffix(".example")
        if found.notices.get(isp) != state:
            told.append(f"notice to {isp}: {found.notices.get(isp)}, its message {state}")
    return told


def _rows_of(table: Any) -> Any:
    """A table's rows; cases about uncertain messages are counted apart, for an undisturbed pass has none."""
    query = select(*_compared(table))
    return query.where(table.c.kind != UNCERTAIN_MESSAGE) if table.name == "cases" else query


def _compared(table: Any) -> list[Any]:
    return [
        column
        for column in table.columns
        if column.name not in _SURROGATES | _OF_THE_TRY and not column.name.endswith("_cipher")
    ]


def _as_text(row: Mapping[Any, Any], files: Mapping[Any, Any]) -> str:
    of_files = {name: files.get(cell) for name, cell in row.items() if name.endswith("delivery_id")}
    return str([_plain(cell) for cell in {**row, **of_files}.values()])


def _plain(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return _masked(cell)
    return json.dumps(cell, sort_keys=True) if isinstance(cell, dict | list) else cell


def _masked(content: bytes) -> bytes:
    return re.sub(rb'"delivery_id": \d+', b'"delivery_id": 0', content)


def _states(house: Installation, query: str) -> dict[str, str]:
    return {str(name): str(state) for name, state in house.rows(query)}
