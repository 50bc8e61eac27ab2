"""An Airflow of the tests' own. Airflow reads its settings when it is first imported, so they are made here, before."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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


FRESH: Final = """
import json, logging, runpy, sys
from airflow import sdk, settings
before = set(sys.modules)
for path in sys.argv[1:]:
    runpy.run_path(path)
parsed = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
settings.initialize()
levels = {name: logging.getLogger(name).level for name in ("great_expectations", "asyncssh")}
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
plugin = next(one for one in plugins if one.name == "vpn_registry")
print(json.dumps({
    "parsed": parsed, "levels": levels, "errors": errors, "loaded": sorted(sys.modules),
    "views": [(view["destination"], view["href"], view["url_route"]) for view in plugin.external_views],
    "prefixes": [one["url_prefix"] for one in plugin.fastapi_apps],
}))
"""
"""Tells which packages parsing the DAGs loaded, how talkative others are then, and what Airflow sees of our plugin."""


@pytest.fixture(scope="session")
def fresh(airflow_db: Path) -> Any:
    """What FRESH tells in an interpreter of its own, which has loaded nothing but Airflow before."""
    files = sorted(map(str, (PROJECT / "dags").glob("*.py")))
    done = subprocess.run([sys.executable, "-c", FRESH, *files], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


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
