"""Who is told of failures, what is measured, and when our promises are looked at."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from vpn_registry.settings import INCLUDE, PROJECT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.airflow


def emitted() -> set[str]:
    """The first argument of each call of count() and measure() in the DAGs and beside them."""
    names = set()
    for path in [*(PROJECT / "dags").glob("*.py"), *INCLUDE.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("count", "measure"):
                argument = node.args[0]
                assert isinstance(argument, ast.Constant), f"{path.name}: a metric's name is written out"
                names.add(str(argument.value))
    return names


def test_the_metrics_that_are_emitted_are_those_that_are_documented() -> None:
    import airflow_watch

    assert emitted() == set(airflow_watch.METRICS)
    operations = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    documented = dict(re.findall(r"^\| `(vpn_registry\.[\w.]+)` \| (.+) \|$", operations, re.MULTILINE))
    assert documented == dict(airflow_watch.METRICS)


def test_what_is_not_documented_is_not_measured() -> None:
    import airflow_watch

    with pytest.raises(ValueError, match="not in METRICS"):
        airflow_watch.count("vpn_registry.surprise", 1)


def test_a_failure_mail_takes_its_advice_from_the_page_of_the_dag(dag_bag: DagBag) -> None:
    import airflow_watch

    page = dag_bag.dags["collect_deliveries"].doc_md or ""
    means, next_step = airflow_watch.advice(page, "judge_and_merge")
    assert means == "our own fault: a bad file never fails here, it gets a finding"
    assert next_step == "report it with the delivery's number; the bytes are safe in the landing store"
    assert airflow_watch.advice(page, "unknown")[1] == "read the task's log"


def test_every_row_of_a_failure_table_can_be_taken_as_advice(dag_bag: DagBag) -> None:
    import airflow_watch

    for dag_id, dag in dag_bag.dags.items():
        table = (dag.doc_md or "").split("### When this fails")[1]
        for task in re.findall(r"^\| `(\w+)`", table, re.MULTILINE):
            assert airflow_watch.advice(dag.doc_md or "", task) != airflow_watch.advice("", task), f"{dag_id}.{task}"


def test_the_promises_are_those_of_the_library(dag_bag: DagBag) -> None:
    from vpn_registry.pipeline import promises

    alerts = dag_bag.dags["collect_deliveries"].deadline
    assert isinstance(alerts, list)
    assert [alert.interval for alert in alerts] == [promises.RECEIPT_WITHIN, promises.RESULT_WITHIN]
