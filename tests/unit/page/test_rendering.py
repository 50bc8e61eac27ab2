"""Filters and addresses of the page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from vpn_registry.model import Status
from vpn_registry.page import lists, rendering


def test_moments_are_shown_on_pakistans_clock() -> None:
    assert rendering.moment(datetime(2026, 6, 30, 19, 0, tzinfo=UTC)) == "1 Jul 2026, 00:00"
    assert rendering.moment(None) == "-"


def test_addresses_quote_what_isps_wrote() -> None:
    assert rendering.address("isps", "indus", "clients", "a/b?c#d") == "/isps/indus/clients/a%2Fb%3Fc%23d"
    assert rendering.address("deliveries", isp="", code="H101") == "/deliveries?code=H101"
    assert rendering.link("/deliveries", {"isp": "indus", "page": "3"}, page="") == "/deliveries?isp=indus"


def test_every_status_has_its_words() -> None:
    assert set(rendering.STATUS_WORDS) == set(Status)


def test_a_name_that_a_template_does_not_get_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text("{{ missing }}", encoding="utf-8")
    with pytest.raises(UndefinedError):
        rendering.environment(tmp_path).get_template("one.html").render()


def test_a_sheet_says_what_it_leaves_out_and_holds_no_formula() -> None:
    reply = lists.sheet("x", {"a": "name", "b": "count"}, [{"a": "=1+1", "b": -3}], total=5)
    assert bytes(reply.body).decode("utf-8-sig").splitlines() == [
        "name,count", "'=1+1,-3", "4 more rows are left out; vpnreg export gives all.",
    ]  # fmt: skip
