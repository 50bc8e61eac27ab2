"""The ledger: settling, claims, numbers, moves and answers."""

from __future__ import annotations

import multiprocessing
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.unit.registry.filing import AT, conclude, name_of, see, store
from vpn_registry.model import (
    Answer,
    DeliveryState,
    Feed,
    Finding,
    ListedFile,
    Mode,
    Outcome,
    RowCounts,
    Severity,
    ZoneFolder,
)
from vpn_registry.registry import guards, home, ledger
from vpn_registry.registry.deliveries import find
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import DeliveryRow
from vpn_registry.settings import Settings

A = ListedFile("a.csv", 10, 1000, "file")


def look(db: Any, second: float, *files: ListedFile) -> tuple[list[str], int]:
    settled, waiting = ledger.observe(
        db, "indus", ZoneFolder.INCOMING, files, at=AT, monotonic=second, settle_seconds=30
    )
    return [delivery.file_name for delivery in settled], waiting


def states(db: Any) -> list[str]:
    return [delivery.state.value for delivery in sorted(find(db), key=lambda delivery: delivery.id)]


def test_a_file_settles_when_two_listings_far_enough_apart_agree(registry: Registry) -> None:
    with registry.writing() as db:
        assert look(db, 0, A) == ([], 1)
        assert look(db, 29, A) == ([], 1)
        assert look(db, 30, A) == (["a.csv"], 0)
        assert states(db) == ["seen"]


def test_a_file_that_changes_settles_anew_as_the_same_delivery(registry: Registry) -> None:
    grown = ListedFile("a.csv", 11, 1001, "file")
    with registry.writing() as db:
        look(db, 0, A)
        assert look(db, 40, grown) == ([], 1)
        assert look(db, 60, grown) == ([], 1)
        assert look(db, 70, grown) == (["a.csv"], 0)
        assert states(db) == ["seen"]


def test_a_file_that_goes_before_it_is_taken_has_vanished_and_comes_back_as_another(registry: Registry) -> None:
    with registry.writing() as db:
        look(db, 0, A)
        assert look(db, 40) == ([], 0)
        look(db, 50, A)
        assert states(db) == ["vanished", "seen"]


def test_a_listing_older_than_what_is_known_changes_nothing(registry: Registry) -> None:
    with registry.writing() as db:
        look(db, 10, A)
        assert look(db, 5) == ([], 0)
        assert states(db) == ["seen"]


def test_a_file_that_still_lies_there_after_it_was_stored_is_no_new_delivery(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = see(db, "indus", "a.csv")
        claim_no = ledger.claim(db, delivery)
        assert claim_no == 1
        ledger.store(db, delivery, claim_no, sha256="0" * 64, size_bytes=10, received_at=AT, name=None)
        assert look(db, 100, A) == ([], 0)
        assert [waiting.id for waiting in ledger.unremoved(db, "indus")] == [delivery.id]
        ledger.source_removed(db, delivery.id)
        assert ledger.unremoved(db, "indus") == []
        assert look(db, 200, A) == ([], 1)
        assert states(db) == ["stored", "seen"]


def test_another_file_under_a_stored_name_is_a_new_delivery(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = see(db, "indus", "a.csv")
        ledger.store(
            db, delivery, ledger.claim(db, delivery) or 0, sha256="0" * 64, size_bytes=10, received_at=AT, name=None
        )
        assert look(db, 100, ListedFile("a.csv", 99, 2000, "file")) == ([], 1)
        assert ledger.unremoved(db, "indus") == []


def test_links_directories_and_unreadable_names_are_left_alone(registry: Registry) -> None:
    odd = [ListedFile(kind, 1, 1, kind) for kind in ("link", "fifo", "directory", "device")]
    odd.append(ListedFile("bad\udcff.csv", 1, 1, "file"))
    with registry.writing() as db:
        for second in (0, 40):
            assert look(db, second, *odd) == ([], 0)
        assert states(db) == []
        assert db.scalar(text("SELECT count(*) FROM irregular_files")) == 5


def test_deliveries_come_in_the_order_of_feed_number_and_name(registry: Registry) -> None:
    names = [name_of("indus", Feed.REGISTRATIONS, Mode.DELTA, seq).text for seq in (10, 9)]
    names += [name_of("indus", Feed.CLIENTS, Mode.FULL, 11).text, "zzz.csv"]
    files = [ListedFile(name, 1, 1, "file") for name in names]
    with registry.writing() as db:
        look(db, 0, *files)
        assert look(db, 40, *files)[0] == [names[2], names[1], names[0], "zzz.csv"]


def test_a_second_claim_on_the_same_reading_gets_nothing(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = see(db, "indus", "a.csv")
        assert ledger.claim(db, delivery) == 1
        assert ledger.claim(db, delivery) is None


def test_a_worker_whose_claim_was_taken_over_is_fenced_off(registry: Registry) -> None:
    with registry.writing() as db:
        late = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        again = ledger.unfinished(db, "indus")[0]
        assert ledger.claim(db, again) == 2
    with pytest.raises(ledger.Fenced), registry.writing() as db:
        conclude(db, late)
    with registry.writing() as db:
        conclude(db, ledger.get(db, late.id))
    with pytest.raises(ledger.Fenced), registry.writing() as db:
        conclude(db, ledger.get(db, late.id))


def test_a_delivery_goes_its_way_and_ends_when_its_answers_are_written(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        ledger.queue_answers(db, delivery.id, [Answer("x.result.json", b"{}")])
        ledger.conclude(
            db, delivery, delivery.claim_no,
            outcome=Outcome.PARTIAL, rows=RowCounts(2, 1, 1), counts_by_code={"H101": 1},
            findings=[Finding("F102", Severity.WARNING, "A gap.", "Send it.")], result={"ok": True},
            rulebook_version="1", at=AT,
        )  # fmt: skip
        rows = pd.DataFrame({"row": [1, 2], "line": [2, 3], "outcome": ["accepted", "rejected"], "key": ["a", 'b"']})
        ledger.record_rows(db, delivery, rows)
        with pytest.raises(ValueError, match="answers that are not written"):
            ledger.finish(db, delivery, delivery.claim_no)
        [(answer_id, answer)] = ledger.pending_answers(db, "indus")
        assert answer == Answer("x.result.json", b"{}")
        ledger.answer_written(db, answer_id, AT)
        ledger.finish(db, delivery, delivery.claim_no)
        assert ledger.unfinished(db, "indus") == []
        assert ledger.isps_with_work(db) == set()
        assert db.execute(text("SELECT key, codes FROM delivery_rows ORDER BY row")).all() == [("a", ""), ('b"', "")]


def test_a_held_delivery_is_decided_as_a_new_revision_and_never_again(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        conclude(db, delivery, Outcome.HELD)
        ledger.finish(db, delivery, delivery.claim_no)
        [held] = ledger.held(db, "indus", Feed.CLIENTS)
        verdict: dict[str, Any] = {
            "outcome": Outcome.ACCEPTED, "rows": RowCounts(1, 1), "counts_by_code": {}, "findings": (), "result": {},
            "rulebook_version": "1", "at": AT,
        }  # fmt: skip
        released = ledger.revise(db, held, **verdict)
        assert (released.revision, released.state) == (2, DeliveryState.JUDGED)
        assert ledger.held(db, "indus", Feed.CLIENTS) == []
        with pytest.raises(ledger.Fenced):
            ledger.revise(db, held, **verdict)


@pytest.mark.parametrize("before", list(DeliveryState))
def test_the_database_refuses_every_move_that_is_not_in_the_table(registry: Registry, before: DeliveryState) -> None:
    with registry.writing() as db:
        see(db, "indus", "a.csv")
        for guard in ("moves", "final"):
            _drop_guard(db, guard)
        db.execute(update(DeliveryRow).values(state=before, outcome=Outcome.ACCEPTED))
    with registry.writing() as db:
        guards.install(db.connection())
    for after in DeliveryState:
        if after is before:
            continue
        with registry.reading() as db:
            if (before, after) in ledger.MOVES:
                db.execute(update(DeliveryRow).values(state=after))
            else:
                with pytest.raises(IntegrityError):
                    db.execute(update(DeliveryRow).values(state=after))


def _drop_guard(db: Any, name: str) -> None:
    trigger = f"guard_deliveries_update_{name}"
    on_table = "" if db.get_bind().dialect.name == "sqlite" else " ON deliveries"
    db.execute(text(f"DROP TRIGGER {trigger}{on_table}"))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM deliveries",
        "UPDATE deliveries SET sha256 = 'x'",
        "UPDATE deliveries SET claim_no = 0",
        "UPDATE number_uses SET seq = 9",
        "DELETE FROM number_uses",
    ],
)
def test_history_cannot_be_edited(registry: Registry, statement: str) -> None:
    with registry.writing() as db:
        store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
    with pytest.raises(DBAPIError), registry.writing() as db:
        db.execute(text(statement))


def test_the_first_delivery_of_a_number_uses_it_up(registry: Registry) -> None:
    with registry.writing() as db:
        first = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1, content="x")
        copy = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1, content="x")
        other = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1, content="y")
        check = store(db, "indus", Feed.CLIENTS, Mode.FULL, 2, folder=ZoneFolder.CHECK)
        assert [d.owns_number for d in (first, copy, other, check)] == [True, False, False, False]
        assert ledger.number_use(db, first).first_use is None
        assert ledger.number_use(db, copy).first_use == first.id
        assert ledger.number_use(db, copy).first_use_same_bytes
        assert not ledger.number_use(db, other).first_use_same_bytes
        assert store(db, "ravi", Feed.CLIENTS, Mode.FULL, 1).owns_number
        assert store(db, "indus", Feed.REGISTRATIONS, Mode.FULL, 1).owns_number


def test_missing_numbers_are_named_as_ranges(registry: Registry) -> None:
    with registry.writing() as db:
        assert ledger.number_use(db, store(db, "indus", Feed.CLIENTS, Mode.FULL, 3)).missing == ((1, 2),)
        last = store(db, "indus", Feed.CLIENTS, Mode.FULL, 9)
        assert ledger.number_use(db, last).missing == ((1, 2), (4, 8))
        store(db, "indus", Feed.CLIENTS, Mode.FULL, 5)
        assert ledger.number_use(db, last).missing == ((1, 2), (4, 4), (6, 8))


def test_later_deliveries_of_a_name_are_answered_under_their_own(registry: Registry) -> None:
    with registry.writing() as db:
        first = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        second = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        odd = see(db, "indus", "a b.csv")
        assert ledger.answer_stem(db, first) == first.file_name
        assert ledger.answer_stem(db, second) == f"{first.file_name}.{second.id}"
        assert ledger.answer_stem(db, odd) == f"unnamed-{odd.id}"


def test_a_failing_zone_is_remembered_since_it_began(registry: Registry) -> None:
    with registry.writing() as db:
        for hour in range(3):
            ledger.record_listing(db, "indus", at=AT + timedelta(hours=hour), error="It does not answer.")
        since = text("SELECT failing_since_at = (SELECT min(failing_since_at) FROM zone_watches) FROM zone_watches")
        assert db.scalar(since)
        assert ledger.isps_with_work(db) == {"indus"}
        ledger.record_listing(db, "indus", at=AT, error=None)
        assert ledger.isps_with_work(db) == set()


def _claim_all(settings: Settings, claimed: Any, start: Any) -> None:
    registry = home.open_home(settings)
    with registry.reading() as db:
        waiting = find(db)
    start.wait()
    for delivery in waiting:
        with registry.writing() as db:
            if ledger.claim(db, delivery) is not None:
                claimed.append(delivery.id)


def test_several_processes_never_claim_the_same_delivery(registry: Registry) -> None:
    files = [ListedFile(f"f{number}.csv", 1, 1, "file") for number in range(40)]
    with registry.writing() as db:
        look(db, 0, *files)
    engine_for(registry.settings.database_url).dispose()
    context = multiprocessing.get_context("fork")
    with context.Manager() as manager:
        claimed, start = manager.list(), manager.Barrier(3)
        workers = [context.Process(target=_claim_all, args=(registry.settings, claimed, start)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0, 0]
        assert sorted(claimed) == sorted(set(claimed))
        assert len(claimed) == 40
