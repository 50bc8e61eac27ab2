"""An Airflow of the tests' own. Airflow reads its settings when it is first imported, so they are made here, before."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vpn_registry.settings import INCLUDE, PROJECT

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

assert "airflow" not in sys.modules, "something imported Airflow before its settings were made"

AIRFLOW_HOME = Path(tempfile.mkdtemp(prefix="vpn-registry-airflow-"))
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)

for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "VPN_REGISTRY_"))]:
    del os.environ[name]  # whatever the person who runs the tests has set up is neither read nor touched
os.environ |= {
    "AIRFLOW_HOME": str(AIRFLOW_HOME),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{AIRFLOW_HOME / 'airflow.db'}",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "PYTHONPATH": os.pathsep.join(filter(None, [str(INCLUDE), os.environ.get("PYTHONPATH", "")])),
    "TZ": "UTC",
}


@pytest.fixture(scope="session")
def airflow_db() -> Path:
    """Airflow's metadata database, migrated; its file."""
    from airflow.utils.db import initdb

    initdb()
    return AIRFLOW_HOME / "airflow.db"


@pytest.fixture(scope="session")
def dag_bag(airflow_db: Path) -> DagBag:
    """Everything in dags/, parsed once."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag()
