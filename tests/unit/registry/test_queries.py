"""The overview, the explanation and the views."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from tests.unit.registry.filing import AT, add, file_clients, file_registrations, withdraw
from vpn_registry import terminal
from vpn_registry.cli import explanation
from vpn_registry.reconciliation.comparison import STATUS_COLUMNS
from vpn_registry.registry import queries, status_runs
from vpn_registry.registry.home import Registry

SECRET = "3520212345671"


def registry_view(registry: Registry, days: int | None = None) -> pd.DataFrame:
    with registry.reading() as db:
        return queries.export(db, "registry", as_of=None if days is None else AT + timedelta(days=days))


@pytest.mark.parametrize("view", queries.VIEWS)
@pytest.mark.parametrize("days", [None, 0])
def test_every_view_is_there_for_an_empty_registry(registry: Registry, view: str, days: int | None) -> None:
    with registry.reading() as db:
        frame = queries.export(db, view, isp="indus", as_of=None if days is None else AT)
    assert len(frame) == 0
    assert len(frame.columns) > 5


def test_the_registry_view_masks_identity_numbers(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", cnic=SECRET, valid_from="2026-06-01"), add("b"))
    frame = registry_view(registry)
    assert list(frame["cnic"]) == ["hidden", ""]
    assert list(frame["state"]) == ["in_force", "in_force"]
    assert list(frame["valid_from"]) == ["2026-06-01", ""]
    assert SECRET not in frame.to_csv()


@pytest.mark.parametrize("days", [None, 1])
def test_identity_numbers_are_shown_to_whoever_can_open_them(registry: Registry, days: int | None) -> None:
    file_registrations(registry, 1, add("a", cnic=SECRET), add("b"))
    as_of = None if days is None else AT + timedelta(days=days)
    with registry.reading() as db:
        frame = queries.export(db, "registry", as_of=as_of, reveal=registry.keys.decrypt_text)
    assert list(frame["cnic"]) == [SECRET, ""]
    assert list(frame["other_id"]) == ["", ""]


@pytest.mark.parametrize("view", queries.VIEWS)
def test_a_view_is_streamed_as_it_is_exported(registry: Registry, view: str) -> None:
    file_registrations(registry, 1, add("a", cnic=SECRET), add("b"))
    file_clients(registry, 1, {"subscriber_id": "7", "client_name": "X", "cnic": SECRET})
    reveal = registry.keys.decrypt_text
    with registry.reading() as db:
        whole, told = queries.export(db, view, reveal=reveal), queries.stream(db, view, reveal=reveal)
        rows = [row for piece in told.pieces for row in piece]
    assert (told.count, list(told.columns)) == (len(whole), list(whole.columns))
    assert rows == [tuple(None if value is pd.NA else value for value in row) for row in whole.to_numpy().tolist()]


def test_a_registration_that_the_last_comparison_paired_with_no_client_is_an_orphan(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"), add("b"))
    nobody = pd.DataFrame(columns=list(STATUS_COLUMNS), dtype="str")
    with registry.writing() as db:
        status_runs.store(db, "indus", nobody, at=AT, rule_version="1", deadline_on=date(2026, 6, 30), orphans=["a"])
    assert list(registry_view(registry)["orphan"]) == ["orphan", ""]
    assert list(registry_view(registry, days=1)["orphan"]) == ["", ""]


def test_any_past_day_can_be_asked_for(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", name="Old"), add("b"), at=AT)
    file_registrations(registry, 2, add("a", name="New"), withdraw("b"), at=AT + timedelta(days=2))
    before = registry_view(registry, days=-1)
    then, now = registry_view(registry, days=1), registry_view(registry, days=2)
    assert len(before) == 0
    assert list(then["client_name"]) == ["Old", "Firm"]
    assert list(then["state"]) == ["in_force", "in_force"]
    assert list(now["client_name"]) == list(registry_view(registry)["client_name"]) == ["New", "Firm"]
    assert list(now["state"]) == list(registry_view(registry)["state"]) == ["in_force", "withdrawn"]


def test_a_client_is_explained_by_everything_that_touched_him(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", subscriber="7"))
    file_clients(registry, 1, {"subscriber_id": "7", "client_name": "X", "vpn_use": "yes"})
    with registry.reading() as db:
        found = queries.explain(db, "indus", "7")
        assert queries.explain(db, "ravi", "7") is None
    assert found is not None
    assert [one["state"] for one in found.client] == ["listed"]
    assert [one["registration_ref"] for one in found.registrations] == ["a"]


def test_a_client_is_explained_by_the_row_that_withdrew_his_registration(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", subscriber="7"), add("b", subscriber="8"))
    file_registrations(registry, 2, withdraw("b"), withdraw("a"))
    with registry.reading() as db:
        found = queries.explain(db, "indus", "7")
    assert found is not None
    assert [(one["delivery_id"], one["row"], one["key"], one["effect"]) for one in found.rows] == [
        (1, 1, "a", "created"),
        (2, 2, "a", "closed"),
    ]


@pytest.mark.parametrize(
    ("state", "begins", "ends", "said"),
    [
        ("in_force", "2026-01-01", "", "in force"),
        ("in_force", "2026-01-01", "2026-06-16", "in force"),
        ("in_force", "2026-01-01", "2026-06-15", "ended"),
        ("in_force", "2026-06-17", "", "not begun"),
        ("withdrawn", "2026-01-01", "2026-06-15", "withdrawn"),
    ],
)
def test_what_a_registration_is_worth_follows_from_its_dates(state: str, begins: str, ends: str, said: str) -> None:
    one = {"state": state, "valid_from": begins, "valid_to": ends}
    assert queries.standing(one, date(2026, 6, 16)) == said


def test_a_client_is_explained_by_the_registration_that_decided_whatever_it_names(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", subscriber="old"), add("b", subscriber="other"))
    file_clients(registry, 1, {"subscriber_id": "7", "client_name": "X", "vpn_use": "yes"})
    found = pd.DataFrame(
        {"subscriber_id": ["7"], "status": ["registered"], "key": ["ntn"], "registration_ref": ["a"],
         "national_no": [""], "reason": ["It is."], "candidate": [""]}
    )  # fmt: skip
    with registry.writing() as db:
        status_runs.store(db, "indus", found, at=AT, rule_version="2", deadline_on=date(2026, 6, 30))
    with registry.reading() as db:
        told = queries.explain(db, "indus", "7")
    assert told is not None
    assert [one["registration_ref"] for one in told.registrations] == ["a"]
    assert told.basis[0]["rule_version"] == "2"
    assert told.basis[0]["list_file"].startswith("indus_clients_full")
    values = explanation.as_values(told)
    assert values["to_do"] == "Nothing."
    assert values["statuses"][0]["registration_delivery_id"] == 1


def test_a_client_is_not_explained_by_rows_of_another_client_it_resembles(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", subscriber="other"), add("b", subscriber="old"))
    file_clients(registry, 1, {"subscriber_id": "7", "client_name": "X", "vpn_use": "yes"})
    review = {"subscriber_id": "7", "status": "review", "key": "name", "reason": "It may be.", "national_no": ""}
    resembled = pd.DataFrame([{**review, "registration_ref": "", "candidate": "a"}])
    paired = pd.DataFrame([{**review, "registration_ref": "b", "candidate": "a"}])
    told = []
    for statuses in (resembled, paired):
        with registry.writing() as db:
            status_runs.store(db, "indus", statuses, at=AT, rule_version="2", deadline_on=date(2026, 6, 30))
            told.append(queries.explain(db, "indus", "7"))
    assert [[one["key"] for one in found.rows] for found in told if found] == [[], ["b"]]
    assert [[one["registration_ref"] for one in found.registrations] for found in told if found] == [["a"], ["a", "b"]]


def test_a_registration_without_a_client_is_explained_as_an_orphan(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    file_registrations(registry, 1, add("a", subscriber="S9"), add("b", subscriber="S8"))
    file_clients(registry, 1, {"subscriber_id": "S8", "client_name": "Firm"})
    nobody = pd.DataFrame(
        columns=["subscriber_id", "status", "key", "registration_ref", "reason", "candidate"], dtype=str
    )
    with registry.writing() as db:
        status_runs.store(db, "indus", nobody, at=AT, rule_version="1", deadline_on=date(2026, 6, 30), orphans=["a"])
        alone, listed = queries.explain(db, "indus", "S9"), queries.explain(db, "indus", "S8")
    assert alone is not None
    assert listed is not None
    assert (alone.orphans, listed.orphans) == (["a"], [])
    explanation.show(terminal.console(), "indus", "S9", alone, AT.date())
    told = capsys.readouterr().out
    assert "No status: not on the ISP's client list at present." in told
    assert "a in force, and no client of the list pairs with it" in told


def test_of_a_client_on_many_lists_the_last_rows_are_shown(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    file_clients(registry, 1, {"subscriber_id": "7", "client_name": "X", "vpn_use": "yes"})
    with registry.reading() as db:
        found = queries.explain(db, "indus", "7")
    assert found is not None
    row = {"file_name": "list.csv", "key": "7", "row": 1, "outcome": "accepted", "effect": "", "codes": ""}
    often = replace(found, rows=[row | {"delivery_id": number} for number in range(1, 13)])
    explanation.show(terminal.console(), "indus", "7", often, AT.date())
    told = capsys.readouterr().out
    assert "the last 10 of 12; --json has all" in told
    assert told.count("list.csv (7), delivery ") == 10
    assert "delivery 3 row 1" in told
