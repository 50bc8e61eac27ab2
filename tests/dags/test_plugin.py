"""The plugin as Airflow loads it: one plugin, no error, and nothing heavy in a process that only loads it."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.airflow


def test_airflow_loads_the_page_without_what_stands_behind_it(fresh: dict[str, Any]) -> None:
    assert fresh["errors"] == {}
    assert {"vpn_registry.page", "pandas", "great_expectations"}.isdisjoint(fresh["loaded"])
    assert fresh["prefixes"] == ["/vpn-registry"]
    assert [view[:2] for view in fresh["views"]] == [["nav", "/vpn-registry/"], ["dag", "/vpn-registry/dags/{DAG_ID}"]]
    assert len({route for _, _, route in fresh["views"]}) == 2  # Airflow takes the first view of a route
