"""The page of the chase: who is silent, since when, what was done, and what is in the way."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.unit.page.conftest import look, see_clients
from tests.unit.registry.filing import AT
from vpn_registry import settings
from vpn_registry.page import Guards, make_app
from vpn_registry.page.desk import Desk


@pytest.fixture
def ask_two(desk: Desk) -> Callable[[str], Any]:
    """The page with a second ISP that never filed."""
    ravi = replace(desk.isps["indus"], slug="ravi", name="Ravi")
    wider = replace(desk, isps={**desk.isps, "ravi": ravi})
    app = make_app(settings.PROJECT / "plugins" / "registry_page", Guards(look, see_clients), lambda: wider)
    client = TestClient(app)
    return lambda path: client.get(path, headers={"x-user": "viewer"}).text


def test_an_isp_that_never_filed_is_silent_and_stands_first(ask_two: Callable[[str], Any]) -> None:
    page = ask_two("/filers")
    assert page.index('id="ravi"') < page.index('id="indus"')
    assert "Its zone has not been listed today." in page
    assert 'id="indus"' not in ask_two("/filers?show=silent")


def test_overview_and_isp_page_lead_to_it(ask_two: Callable[[str], Any]) -> None:
    assert 'href="/filers#ravi"' in ask_two("/")
    assert 'href="/filers#ravi"' in ask_two("/isps/ravi")


def test_the_sheet_says_it_in_columns(ask_two: Callable[[str], Any]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask_two("/filers?form=csv").lstrip("\ufeff"))))
    assert [row["isp"] for row in rows] == ["ravi", "indus"]
    assert rows[0]["silent since"] == "2026-02-06"
    assert rows[1]["next one in time until"] == f"{(AT.replace(day=1) + timedelta(days=31)):%Y-%m-%d}"
