"""dags/README.md is the operator's table; it says what the DAGs say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vpn_registry import settings

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.airflow

README = settings.PROJECT / "dags" / "README.md"
COLUMNS = ["DAG", "schedule", "reads", "writes", "who is told on failure"]


def rows() -> list[list[str]]:
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_has_one_row_for_each_dag_and_says_something_in_each_column(dag_bag: DagBag) -> None:
    header, _, *body = rows()
    assert header == COLUMNS
    assert [row[0].strip("`") for row in body] == sorted(dag_bag.dags)
    assert all(all(row) and len(row) == len(COLUMNS) for row in body)


def test_the_table_shows_each_dags_own_schedule(dag_bag: DagBag) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for row in rows()[2:]:
        dag = DagSerialization.from_dict(DagSerialization.to_dict(dag_bag.dags[row[0].strip("`")]))
        assert f"`{dag.timetable.summary}`" in row[1], f"{row[0]} runs {dag.timetable.summary}"


def test_reads_and_writes_are_the_sentences_of_the_dags_own_page(dag_bag: DagBag) -> None:
    for name, _, reads, writes, _ in rows()[2:]:
        page = " ".join((dag_bag.dags[name.strip("`")].doc_md or "").split())
        assert f"**Reads** {reads}." in page, name
        assert f"**Writes** {writes}." in page, name


def test_the_owner_who_is_told_is_the_dags_owner(dag_bag: DagBag) -> None:
    for row in rows()[2:]:
        assert dag_bag.dags[row[0].strip("`")].owner in row[4]
