"""What every DAG here has, before any of them runs."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vpn_registry import settings

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

pytestmark = pytest.mark.airflow

DAG_FILES = sorted((settings.PROJECT / "dags").glob("*.py"))
TAGS = {"deliveries", "registry", "notices", "people", "hourly-or-faster", "daily", "by-hand"}
HEAVY = ("pandas", "pyarrow", "numpy", "great_expectations", "polars")


def test_every_file_in_dags_parses_into_the_dag_it_is_named_after(dag_bag: DagBag) -> None:
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == [path.stem for path in DAG_FILES]


def explanation(task: Any) -> str | None:
    """The docstring of a task's function; mapped tasks keep it there only, and what runs no function has its `doc`."""
    docstring: str | None = task.python_callable.__doc__ if hasattr(task, "python_callable") else task.doc
    return docstring


def test_every_dag_explains_itself_and_what_to_do_when_it_fails(dag_bag: DagBag) -> None:
    for dag_id, dag in dag_bag.dags.items():
        assert dag.doc_md, dag_id
        assert "### When this fails" in dag.doc_md, dag_id
        for task in dag.tasks:
            assert explanation(task), f"{task.task_id} of {dag_id} has no docstring"


def test_the_failure_table_of_a_dag_names_tasks_it_has(dag_bag: DagBag) -> None:
    for dag_id, dag in dag_bag.dags.items():
        lines = (dag.doc_md or "").split("### When this fails")[1].splitlines()
        named = {line.split("|")[1].strip(" `") for line in lines if line.startswith("| `")}
        assert named, dag_id
        assert named <= {task.task_id.rpartition(".")[2] for task in dag.tasks}, dag_id


def test_every_task_has_an_owner_retries_a_time_limit_and_tells_of_its_failure(dag_bag: DagBag) -> None:
    for dag in dag_bag.dags.values():
        for task in dag.tasks:
            assert task.owner not in ("", "airflow"), task.task_id
            assert task.retries, task.task_id
            assert task.execution_timeout is not None, task.task_id
            assert task.on_failure_callback, task.task_id


def test_every_dag_is_tagged_from_the_closed_set(dag_bag: DagBag) -> None:
    for dag_id, dag in dag_bag.dags.items():
        assert dag.tags, dag_id
        assert set(dag.tags) <= TAGS, f"{dag_id} brings a tag of its own; add it to the set or use another"


def test_every_dag_keeps_pakistans_clock_and_never_catches_up(dag_bag: DagBag) -> None:
    for dag_id, dag in dag_bag.dags.items():
        assert dag.start_date is not None, dag_id
        assert str(dag.timezone) == "Asia/Karachi", dag_id
        assert dag.catchup is False, dag_id


def test_no_form_takes_an_identity_number_for_a_reason(dag_bag: DagBag) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    forms = {name: dag.params.get_param("reason") for name, dag in dag_bag.dags.items() if "reason" in dag.params}
    assert len(forms) == 4
    for name, field in forms.items():
        assert field.resolve("the floods of June 2026") == "the floods of June 2026", name
        for number in ("35202-0000001-3", "3520200000013", "35202 0000001 3"):
            with pytest.raises(ParamValidationError):
                field.resolve(f"he said {number} is his")


def test_every_dag_survives_serialisation(dag_bag: DagBag) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag_id, dag in dag_bag.dags.items():
        serialised = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        assert set(DagSerialization.from_dict(serialised).task_ids) == set(dag.task_ids), dag_id


def test_every_pool_that_a_task_names_is_one_that_set_up_makes(dag_bag: DagBag) -> None:
    from vpn_registry.airflow_services import POOLS

    used = {task.pool for dag in dag_bag.dags.values() for task in dag.tasks}
    assert used <= {*POOLS, "default_pool"}
    compose = (settings.PROJECT / "docker-compose.yaml").read_text(encoding="utf-8")
    for pool, wanted in POOLS.items():
        assert f'airflow pools set {pool} {wanted["slots"]} "{wanted["description"]}"' in compose


def test_receipts_and_letters_go_before_what_may_take_all_night(dag_bag: DagBag) -> None:
    tasks = [(dag_id, task) for dag_id, dag in dag_bag.dags.items() for task in dag.tasks]
    weights = {(dag_id, task.task_id): task.priority_weight for dag_id, task in tasks}
    nightly = [weight for (dag_id, _), weight in weights.items() if dag_id == "keep_house"]
    urgent = [
        weights["collect_deliveries", "zones_with_mail"],
        weights["collect_deliveries", "one_isp.take"],
        weights["send_notices", "send"],
    ]
    others = set(weights.values()) - set(nightly) - set(urgent)
    assert max(nightly) < min(others) <= max(others) < min(urgent)
    assert {str(task.weight_rule) for _, task in tasks} == {str(tasks[0][1].weight_rule)}
    assert "absolute" in str(tasks[0][1].weight_rule).lower()


@pytest.mark.parametrize("seconds", ["10", "4"])
def test_the_time_between_two_looks_at_the_zones_can_be_set(
    airflow_db: Path, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("AIRFLOW__VPN_REGISTRY__POLL_SECONDS", seconds)
    from airflow_defaults import LEAST_POLL_SECONDS, poll

    if int(seconds) >= LEAST_POLL_SECONDS:
        assert poll() == timedelta(seconds=int(seconds))
    else:
        with pytest.raises(ValueError, match="POLL_SECONDS: 4 is too short"):
            poll()


def test_parsing_the_dags_loads_none_of_the_heavy_packages(fresh: dict[str, Any]) -> None:
    assert "airflow_defaults" in fresh["parsed"]
    assert set(fresh["parsed"]).isdisjoint(HEAVY)


def test_airflow_finds_our_local_settings_which_quieten_what_floods_task_logs(fresh: dict[str, Any]) -> None:
    assert fresh["levels"] == {"great_expectations": logging.WARNING, "asyncssh": logging.WARNING}


def test_the_wiring_of_a_dag_is_short_and_holds_no_sql_or_frames() -> None:
    for path in DAG_FILES:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 130, f"{path.name}: a DAG file reads like a table of contents"
        assert "SELECT " not in text, path.name
