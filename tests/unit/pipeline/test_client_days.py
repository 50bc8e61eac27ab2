"""Why a client that had to register stood in no letter on a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.unit.test_project import table
from vpn_registry import roster, settings
from vpn_registry.campaign import extend
from vpn_registry.model import NoticeState, Status
from vpn_registry.pipeline.client_days import MEANS, Record, Why, count, explain
from vpn_registry.registry.chronicle import Fate, Spell
from vpn_registry.registry.mutes import Mute

OFFSETS = {"T-14": -14, "T-7": -7}
T14, BEFORE, AFTER = date(2026, 6, 16), date(2026, 6, 15), date(2026, 6, 17)


def at(day: int, hour: int = 5) -> datetime:
    return datetime(2026, 6, day, hour, tzinfo=UTC)


def spell(status: Status = Status.UNREGISTERED, since: int = 1, ended: datetime | None = None) -> Spell:
    return Spell("indus", "C-1", status, at(since), ended)


def letter(state: NoticeState = NoticeState.SENT, **values: Any) -> Fate:
    """The letter of T-14, sent on its day with C-1 in it unless told otherwise."""
    sent = Fate(
        notice_no="N-2026-000001",
        isp="indus",
        campaign="2026",
        deadline_version=1,
        ends_on=date(2026, 6, 30),
        stage="T-14",
        stage_on=T14,
        form="T-14",
        state=state,
        reason="",
        counts={},
        planned_at=at(16),
        approved_by="",
        settled_at=at(16),
        left_at=at(16),
        named={"C-1": "A"},
    )
    return replace(sent, **values)


def cancelled(reason: str, day: int = 16) -> Fate:
    return letter(NoticeState.CANCELLED, reason=reason, settled_at=at(day), left_at=None, named={})


def why(day: date, *fates: Fate, spells: tuple[Spell, ...] = (), **values: Any) -> Why:
    """Where the only client-day of the day belongs."""
    record = Record(
        campaign=values.get("campaign", roster.load_campaign()),
        offsets=OFFSETS,
        holidays=frozenset(),
        spells=spells or (spell(),),
        fates=fates,
        held=values.get("held", {}),
        suppressed=values.get("suppressed", frozenset()),
        first_lists={"indus": values.get("first_list", date(2026, 6, 1))},
        mutes=values.get("mutes", ()),
    )
    (found,) = explain(record, day, day)
    return found.why


def test_the_letter_of_the_day_names_the_client() -> None:
    assert why(T14, letter()) is Why.LISTED


def test_between_two_stages_no_letter_is_due() -> None:
    assert why(BEFORE, letter()) is Why.NOT_DUE
    assert why(AFTER, letter()) is Why.NOT_DUE


def test_a_letter_that_leaves_the_client_out_explains_nothing() -> None:
    assert why(T14, letter(named={})) is Why.UNEXPLAINED


def test_a_stage_without_any_trace_is_a_hole_as_long_as_it_could_go() -> None:
    assert why(T14) is why(date(2026, 6, 19)) is Why.UNEXPLAINED
    assert why(BEFORE) is Why.NOT_DUE
    assert why(T14, first_list=AFTER) is Why.NOT_DUE


def test_whoever_had_to_register_only_after_the_letter_waits_for_the_next() -> None:
    assert why(T14, letter(named={}), spells=(Spell("indus", "C-1", Status.EXPIRED, at(16, 9), None),)) is Why.NOT_DUE


def test_a_stage_that_goes_late_lists_the_client_on_the_days_before() -> None:
    late = letter(settled_at=at(18), left_at=at(18))
    assert why(T14, late) is why(AFTER, late) is Why.LISTED


def test_a_late_letter_leaves_out_whoever_got_a_deadline_of_his_own_before_it_went() -> None:
    own = extend(roster.load_campaign(), date(2026, 7, 3), date(2026, 6, 18), "Letter 12", "indus", "C-1")
    late = letter(settled_at=at(18), left_at=at(18), named={})
    assert why(T14, late, campaign=own) is Why.NOT_DUE
    assert why(T14, late) is Why.UNEXPLAINED


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("merged", Why.MERGED),
        ("lapsed", Why.LAPSED),
        ("extended", Why.NOT_DUE),
        ("nothing_to_tell", Why.UNEXPLAINED),
        ("The list is being corrected.", Why.HELD),
    ],
)
def test_a_cancelled_letter_explains_the_day_by_its_reason(reason: str, expected: Why) -> None:
    assert why(T14, cancelled(reason)) is expected


def test_nothing_to_tell_is_a_reason_for_nobody_who_had_to_register_then() -> None:
    since_then = (Spell("indus", "C-1", Status.WITHDRAWN, at(16, 9), None),)
    assert why(T14, cancelled("nothing_to_tell"), spells=since_then) is Why.NOT_DUE


def test_a_held_letter_waits_until_somebody_decides() -> None:
    waiting = letter(NoticeState.HELD, settled_at=None, left_at=None, named={})
    assert why(AFTER, waiting, held={"N-2026-000001": (at(16), None)}) is Why.HELD
    lapsed = cancelled("lapsed", day=20)
    held = {"N-2026-000001": (at(16), at(20))}
    assert why(AFTER, lapsed, held=held) is Why.HELD
    assert why(date(2026, 6, 20), lapsed, held=held) is Why.LAPSED


def test_a_stage_may_wait_for_our_own_backlog() -> None:
    suppressed = frozenset({("indus", "T-14", T14)})
    assert why(T14, suppressed=suppressed) is Why.SUPPRESSED
    assert why(T14, letter(settled_at=at(18), left_at=at(18)), suppressed=suppressed) is Why.SUPPRESSED


def test_a_clients_own_deadline_ends_when_his_isp_gets_the_same() -> None:
    """Letters of the ISP speak of him again; no stage of his own is due any more."""
    own = extend(roster.load_campaign(), date(2026, 7, 2), date(2026, 6, 10), "Letter 12", "indus", "C-1")
    both = extend(own, date(2026, 7, 2), date(2026, 6, 22), "Letter 13", "indus")
    theirs = letter(deadline_version=3, stage="T-7", stage_on=date(2026, 6, 25), settled_at=at(25), left_at=at(25))
    assert why(date(2026, 6, 25), theirs, campaign=both) is Why.LISTED
    assert why(date(2026, 6, 24), theirs, campaign=both) is Why.NOT_DUE
    assert why(date(2026, 6, 19), theirs, campaign=both) is Why.UNEXPLAINED  # T-14 of his own left no trace


def mute(client: str = "", since: int = 10, until: int = 16, replaced: datetime | None = None) -> Mute:
    return Mute(1, "indus", client, "mute", "a flood", "amna", at(since), date(2026, 6, until), replaced)


@pytest.mark.parametrize("client", ["", "C-1"])
def test_a_mute_explains_what_it_kept_back_and_nothing_else(client: str) -> None:
    muted = (mute(client),)
    assert why(T14, letter(named={}), mutes=muted) is Why.SUPPRESSED
    assert why(T14, cancelled("nothing_to_tell"), mutes=muted) is Why.SUPPRESSED
    assert (
        why(T14, letter(NoticeState.APPROVED, settled_at=None, left_at=None, named={}), mutes=muted) is Why.SUPPRESSED
    )
    assert why(T14, mutes=muted) is Why.SUPPRESSED
    assert why(T14, letter(), mutes=muted) is Why.LISTED
    assert why(BEFORE, letter(named={}), mutes=muted) is Why.NOT_DUE
    assert why(AFTER, mutes=muted) is Why.UNEXPLAINED


def test_a_mute_of_another_day_or_client_explains_nothing() -> None:
    for other in (mute("C-2"), mute(until=15), mute(since=17, until=20), mute(replaced=at(16, 4))):
        assert why(T14, letter(named={}), mutes=(other,)) is Why.UNEXPLAINED


def test_a_disputed_client_is_counted_with_its_dispute() -> None:
    assert why(T14, letter(named={}), spells=(spell(Status.DISPUTED),)) is Why.DISPUTED


@pytest.mark.parametrize("state", [NoticeState.FAILED, NoticeState.PLANNED, NoticeState.APPROVED])
def test_a_letter_that_nobody_got_explains_nothing(state: NoticeState) -> None:
    assert why(T14, letter(state, settled_at=None, left_at=None)) is Why.UNEXPLAINED


def test_a_merged_stage_does_not_hide_whom_the_other_one_left_out() -> None:
    other = letter(named={}, notice_no="N-2026-000002", stage="T-7")
    assert why(T14, cancelled("merged"), other) is Why.UNEXPLAINED


def test_the_counts_name_every_reason() -> None:
    assert set(count([])) == set(MEANS) == set(Why)


def test_the_operations_page_says_what_each_reason_means() -> None:
    page = (settings.PROJECT / "docs/operations.md").read_text(encoding="utf-8")
    assert table(page, "## A season") == [[why.value, meaning] for why, meaning in MEANS.items()]
