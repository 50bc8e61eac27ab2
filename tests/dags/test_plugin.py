"""The plugin as Airflow loads it: one plugin, no error, and nothing heavy in a process that only loads it."""

from __future__ import annotations

import json
import subprocess
import sys

LOAD = """
import json, sys
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
plugin = next(one for one in plugins if one.name == "vpn_registry")
heavy = [name for name in ("vpn_registry.page", "pandas", "great_expectations") if name in sys.modules]
views = [(view["destination"], view["href"], view["url_route"]) for view in plugin.external_views]
prefixes = [one["url_prefix"] for one in plugin.fastapi_apps]
print(json.dumps({"errors": errors, "heavy": heavy, "views": views, "prefixes": prefixes}))
"""


def test_airflow_loads_the_page_without_what_stands_behind_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["errors"] == {}
    assert told["heavy"] == []
    assert told["prefixes"] == ["/vpn-registry"]
    assert [view[:2] for view in told["views"]] == [["nav", "/vpn-registry/"], ["dag", "/vpn-registry/dags/{DAG_ID}"]]
    assert len({route for _, _, route in told["views"]}) == 2  # Airflow takes the first view of a route
