"""One pass of every DAG, in order, in this process (contract section 9, `vpnreg run`).

The DAGs are the production ones, run by Airflow's own `dag.test()`; Airflow is reached through `airflow_defaults`,
which stands beside this package, because the library itself never imports it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from vpn_registry import airflow_services, settings
from vpn_registry.settings import Settings

DAGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "collect_deliveries": {},
    "reconcile_clients": {},
    "send_notices": {"dry_run": False},
    "chase_filers": {"dry_run": False},
    "keep_house": {"dry_run": False},
}
"""The DAGs of a pass, in order, with the form values each gets."""
MAIL: Final = "AIRFLOW_CONN_SMTP_DEFAULT"
"""The variable that names the mail relay; an Airflow of the home's own has no other place for it."""


@dataclass(frozen=True, slots=True)
class DagResult:
    """How one DAG ended; `failed` names each task that failed itself, with its ISP."""

    dag: str
    state: str
    failed: tuple[str, ...]

    @property
    def is_success(self) -> bool:
        return self.state == "success"


def prepare(home: Settings, connections: Mapping[str, str]) -> Path:
    """Give this process an Airflow of the home's own; the file that its log goes to.

    `connections` are `AIRFLOW_CONN_*` variables beside those of the environment. Must come before Airflow is imported.
    """
    airflow = airflow_services.prepare(
        home.home,
        settings.environment(""),
        port=airflow_services.free_port(),
        extra={**settings.environment("AIRFLOW_CONN_"), **connections},
    )
    settings.provide(airflow.env)
    log = airflow.log_of("one-pass")
    with output_to(log):
        _airflow().prepare_database()
    return log


def run_dag(dag: str, log: Path, *, is_dry: bool = False) -> DagResult:
    """Run one DAG of DAGS to its end, with `is_dry` as a dry run of its form; what it prints goes to `log`."""
    form = {**DAGS[dag], "dry_run": True} if is_dry else dict(DAGS[dag])
    with output_to(log):
        result = _airflow().run_dag(dag, form)
    return DagResult(dag, result["state"], tuple(result["failed"]))


def sftp_client(connection_id: str) -> Any:
    """The zone behind a connection of the prepared Airflow, as a context manager."""
    return _airflow().sftp_client(connection_id)


def _airflow() -> Any:
    """The one Airflow-aware module; by name, because it stands beside the library and nothing here depends on it."""
    return importlib.import_module("airflow_defaults")


@contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Standard output and error of this process, also those of libraries in C, into a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, number in zip(kept, (1, 2), strict=True):
            os.dup2(descriptor, number)
            os.close(descriptor)


def no_sftp(connection_id: str) -> NoReturn:
    """For commands that look at the registry only: no zone is opened."""
    raise RuntimeError(f"{connection_id}: this command opens no zone")
