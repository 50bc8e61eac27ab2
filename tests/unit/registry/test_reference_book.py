"""The books against a reference: what the files say, read from plain dictionaries without regard to their arrival.

The machine files deltas, full files, late fillers, repeated and rejected rows of two ISPs in any order into a registry,
and after each compares every key, the effect of every row and the number of versions with the reference.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from tests.unit.registry.filing import AT, add, file_registrations, name_of, withdraw
from vpn_registry.model import Effect, Feed, Mode, Status
from vpn_registry.reconciliation.comparison import STATUS_COLUMNS
from vpn_registry.registry import deciding, status_runs
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import ClientStatusRow, RegistrationRow, RegistrationVersionRow

REFS = "abc"
_numbers = itertools.count(1)  # one registry for all examples: new ISPs for each

Stands = tuple[bool, int, int | None, str | None, Any, bool]
"""In force, deciding number, number of the content, the content, closed on, has a national number."""


@dataclass
class File:
    """What one file says: ref -> content, None for a withdrawal; `kept` is None unless it closes what it leaves out."""

    rows: dict[str, str | None]
    kept: set[str] | None = None

    def closes(self, ref: str) -> bool:
        return self.kept is not None and ref not in self.kept and ref not in self.rows


@dataclass
class Reference:
    """The files of one ISP by number, and what follows from them."""

    isp: str
    files: dict[int, File] = field(default_factory=dict)

    def refs(self) -> list[str]:
        return sorted({ref for file in self.files.values() for ref in file.rows})

    def stands(self, ref: str) -> Stands:
        said = {seq: file.rows[ref] for seq, file in self.files.items() if ref in file.rows}
        content_seq = max((seq for seq, content in said.items() if content is not None), default=None)
        left_out = [seq for seq, file in self.files.items() if file.closes(ref)]
        decided = max([*said, *left_out])
        is_in_force = decided == content_seq
        # Without content a key was known to no full file before it was first withdrawn.
        first = min(seq for seq in said if said[seq] is None) if content_seq is None else content_seq + 1
        closings = [*(seq for seq in said if said[seq] is None), *left_out]
        closed = None if is_in_force else min(seq for seq in closings if seq >= first)
        return (
            is_in_force,
            decided,
            content_seq,
            None if content_seq is None else said[content_seq],
            None if closed is None else name_of(self.isp, Feed.REGISTRATIONS, Mode.DELTA, closed).content_on,
            content_seq is not None,
        )

    def file(self, seq: int, file: File) -> tuple[dict[str, str], int]:
        """Take a file up: the effect of each of its rows, and how many versions it adds."""
        before = {ref: self.stands(ref) for ref in self.refs()}
        later = [one for number, one in self.files.items() if number > seq]
        effects = {ref: self._effect(before.get(ref), ref, content, seq, later) for ref, content in file.rows.items()}
        silent = [
            ref
            for ref, effect in effects.items()
            if effect == Effect.UNCHANGED and not (file.rows[ref] is None and before[ref][1] < seq)
        ]
        closed_from_the_start = [ref for ref in file.rows if ref not in before and effects[ref] == Effect.OVERTAKEN]
        closed = [ref for ref, now in before.items() if file.closes(ref) and now[0] and now[1] < seq]
        self.files[seq] = file
        return effects, len(file.rows) - len(silent) + len(closed_from_the_start) + len(closed)

    @staticmethod
    def _effect(now: Stands | None, ref: str, content: str | None, seq: int, later: list[File]) -> str:
        if now is None:
            if any(file.closes(ref) for file in later):
                return Effect.OVERTAKEN
            return Effect.CLOSED if content is None else Effect.CREATED
        is_in_force, decided, _, held, _, has_number = now
        if decided > seq:
            return Effect.OVERTAKEN
        if content is None:
            return Effect.CLOSED if is_in_force else Effect.UNCHANGED
        if not is_in_force:
            return Effect.REINSTATED if has_number else Effect.CREATED
        return Effect.UNCHANGED if content == held else Effect.CHANGED


class Season(RuleBasedStateMachine):
    """Files of two ISPs in any order."""

    registries: list[Registry]

    def __init__(self) -> None:
        super().__init__()
        number = next(_numbers)
        self.books = [Reference(f"i{number}"), Reference(f"j{number}")]
        self.versions = {book.isp: 0 for book in self.books}
        self.statuses: dict[str, dict[str, str]] = {book.isp: {} for book in self.books}
        self.ended = dict.fromkeys(self.versions, 0)

    @rule(
        which=st.integers(0, 1),
        seq=st.integers(1, 9),
        rows=st.dictionaries(st.sampled_from(REFS), st.sampled_from(["v", "w", None]), max_size=3),
    )
    def file_a_delta(self, which: int, seq: int, rows: dict[str, str | None]) -> None:
        book = self.books[which]
        if seq in book.files:
            return  # the number is used up
        now = {ref: book.stands(ref) for ref in book.refs()}
        # What the rules call a repetition of what is in force is handed on as that, and tells no effect.
        repeated = [r for r, v in rows.items() if r in now and v == now[r][3] and now[r][0] and now[r][1] < seq]
        self._file(book, seq, File(rows), Mode.DELTA, confirmed=repeated)

    @rule(
        which=st.integers(0, 1),
        seq=st.integers(1, 9),
        rows=st.dictionaries(st.sampled_from(REFS), st.sampled_from(["v", "w"]), max_size=3),
        rejected=st.sets(st.sampled_from(REFS), max_size=2),
        may_close=st.booleans(),
    )
    def file_a_full(
        self, which: int, seq: int, rows: dict[str, str | None], rejected: set[str], may_close: bool
    ) -> None:
        book = self.books[which]
        if seq in book.files:
            return
        good = {ref: content for ref, content in rows.items() if ref not in rejected}
        self._file(book, seq, File(good, rejected if may_close else None), Mode.FULL)

    def _file(self, book: Reference, seq: int, file: File, mode: Mode, confirmed: list[str] | None = None) -> None:
        repeated = confirmed or []
        effects, added = book.file(seq, file)
        self.versions[book.isp] += added
        given = [
            withdraw(ref) if content is None else add(ref, name=content)
            for ref, content in sorted(file.rows.items())
            if ref not in repeated
        ]
        told = {ref: effect for ref, effect in effects.items() if ref not in repeated}
        for registry in self.registries:
            frame = file_registrations(
                registry, seq, *given, mode=mode, isp=book.isp, may_close=file.kept is not None,
                protected_refs=sorted(file.kept or ()), confirmed_refs=repeated,
            )  # fmt: skip
            assert dict(zip(frame["registration_ref"], frame["effect"], strict=True)) == told

    @rule(which=st.integers(0, 1))
    def compare_clients(self, which: int) -> None:
        """One status a ref, as if each were a client: a status that stays keeps its row, one that changes is ended."""
        book = self.books[which]
        found = {
            ref: Status.REGISTERED if book.stands(ref)[0] else Status.WITHDRAWN
            for ref in book.refs()
            if book.stands(ref)[5]
        }
        before = self.statuses[book.isp]
        self.ended[book.isp] += sum(found.get(ref) != status for ref, status in before.items())
        self.statuses[book.isp] = {ref: str(status) for ref, status in found.items()}
        frame = pd.DataFrame([{"subscriber_id": r, "status": str(s)} for r, s in found.items()], dtype="str")
        frame = frame.reindex(columns=list(STATUS_COLUMNS), fill_value="").astype("str")
        for registry in self.registries:
            with registry.writing() as db:
                status_runs.store(db, book.isp, frame, at=AT, rule_version="1", deadline_on=AT.date())

    @invariant()
    def the_books_are_what_the_files_say(self) -> None:
        for registry, book in itertools.product(self.registries, self.books):
            assert stored(registry, book.isp) == {ref: book.stands(ref) for ref in book.refs()}

    @invariant()
    def no_version_is_lost_or_written_twice(self) -> None:
        for registry, book in itertools.product(self.registries, self.books):
            with registry.reading() as db:
                of_isp = select(func.count()).select_from(RegistrationVersionRow).join(RegistrationRow)
                assert db.scalar(of_isp.where(RegistrationRow.isp == book.isp)) == self.versions[book.isp]

    @invariant()
    def statuses_are_those_of_the_last_run_and_their_history_stays(self) -> None:
        row = ClientStatusRow
        for registry, book in itertools.product(self.registries, self.books):
            with registry.reading() as db:
                said = db.execute(select(row.subscriber_id, row.status, row.ended_run_id).where(row.isp == book.isp))
                rows = said.all()
            current = {one.subscriber_id: one.status for one in rows if one.ended_run_id is None}
            assert current == self.statuses[book.isp]
            assert len(rows) - len(current) == self.ended[book.isp]


def stored(registry: Registry, isp: str) -> dict[str, tuple[Any, ...]]:
    """What the registry holds of an ISP, in the reference's words."""
    row, version, closing = RegistrationRow, RegistrationVersionRow, deciding.closings(Feed.REGISTRATIONS)
    numbers = (number(row, row.registration_ref, closing.c) for number in (deciding.decided_seq, deciding.content_seq))
    query = (
        select(
            row.registration_ref, row.is_in_force, *numbers, version.client_name, row.closed_on,
            row.national_no.is_not(None),
        )
        .outerjoin(version, version.id == row.version_id)
        .outerjoin(closing, closing.c.isp == row.isp)
        .where(row.isp == isp)
    )  # fmt: skip
    with registry.reading() as db:
        return {found[0]: tuple(found[1:]) for found in db.execute(query)}


def _run(registries: list[Registry], examples: int, steps: int) -> None:
    machine = type("SeasonHere", (Season,), {"registries": registries})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=steps < 20,
            phases=[Phase.explicit, Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_the_books_follow_from_the_files_whatever_their_order(registry: Registry) -> None:
    _run([registry], examples=3, steps=10)


@pytest.mark.soak
def test_the_books_follow_from_thousands_of_files(registry: Registry) -> None:
    _run([registry], examples=150, steps=30)
