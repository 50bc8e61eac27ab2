"""Who may see what, what each answer carries, and that nothing of ours can be made to run in a browser."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from starlette.routing import Route

from tests.unit.page.conftest import HOSTILE, URDU
from tests.unit.registry.filing import AT
from vpn_registry import campaign, roster
from vpn_registry.model import ConfigurationError
from vpn_registry.page.desk import Desk
from vpn_registry.pipeline.decisions import KINDS
from vpn_registry.registry import cases, deadlines, reader
from vpn_registry.registry.home import Registry
from vpn_registry.registry.reader import NotAuditedError
from vpn_registry.registry.tables import AuditEventRow

FIGURES = ("/", "/isps/indus", "/filers", "/deliveries", "/deliveries/3", "/cases", "/cases?show=all", "/notices",
           "/rules", "/static/page.css", "/static/page.js", "/static/chart.umd.min.js", "/static/icon.svg")  # fmt: skip
OF_CLIENTS = ("/deliveries/3/findings", "/isps/indus/clients", "/isps/indus/clients/1", "/notices/N-2026-000001",
              "/find?q=17", "/find")  # fmt: skip
SHEETS = ("/?form=csv", "/filers?form=csv", "/deliveries?form=csv", "/deliveries/3/findings?form=csv",
          "/isps/indus/clients?form=csv", "/cases?form=csv", "/notices?form=csv",
          "/notices/N-2026-000001?form=csv")  # fmt: skip


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        assert isinstance(route, Route), f"{route} is not asked for a login"
        for method in route.methods or ():
            yield method, re.sub(r"{(\w+)(:path)?}", "1", route.path)


def test_every_route_refuses_who_is_not_logged_in(app: FastAPI) -> None:
    client = TestClient(app, raise_server_exceptions=False)
    found = list(routes(app))
    assert len(found) > 15
    for method, path in [*found, *(("GET", path) for path in ("/docs", "/redoc", "/openapi.json", "/nothing"))]:
        assert client.request(method, path).status_code == 401, f"{method} {path}"


@pytest.mark.parametrize("path", FIGURES)
def test_whoever_may_look_sees_figures(ask: Callable[..., Any], path: str) -> None:
    assert ask(path, "viewer").status_code == 200


@pytest.mark.parametrize("path", OF_CLIENTS)
def test_clients_are_shown_only_to_who_may_see_them(ask: Callable[..., Any], path: str) -> None:
    assert ask(path, "viewer").status_code == 403
    assert ask(path, "officer").status_code in (200, 303)


@pytest.mark.parametrize("path", ["/", *OF_CLIENTS, "/nothing", "/deliveries/word", "/static/page.css"])
@pytest.mark.parametrize("user", ["nobody", "officer"])
def test_every_answer_is_guarded(ask: Callable[..., Any], path: str, user: str) -> None:
    headers = ask(path, user).headers
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "no-store" in headers["cache-control"] or path.startswith("/static")


@pytest.mark.parametrize("path", [*FIGURES[:9], *OF_CLIENTS[:4]])
def test_hostile_names_are_text_and_nothing_is_inline(ask: Callable[..., Any], path: str) -> None:
    page = ask(path).text
    assert HOSTILE not in page
    assert "<script>alert" not in page
    outside = re.sub(r"<bdi.*?</bdi>", "", page)
    assert not re.findall(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", outside)
    assert "3520212345671" not in page


def test_names_are_shown_as_they_are_and_urdu_from_right_to_left(ask: Callable[..., Any]) -> None:
    page = ask("/isps/indus").text
    assert HOSTILE in html.unescape(page)
    assert f'<bdi lang="ur" dir="rtl" class="ur">{URDU}</bdi>' in page


@pytest.mark.parametrize("path", SHEETS)
def test_sheets_are_files_that_are_safe_to_open(ask: Callable[..., Any], path: str) -> None:
    reply = ask(path)
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.text.count("\r\n") >= 1
    assert not [cell for line in reply.text.splitlines() for cell in line.split(",") if cell[:1] in ("=", "+", "@")]


@pytest.mark.parametrize("path", ["/isps/nobody", "/deliveries/99", "/deliveries/0", f"/deliveries/{10**30}",
                                  "/notices/N",
                                  "/isps/indus/clients/nobody", "/messages/1/letter", "/messages/1/x",
                                  "/static/../registry_page.py", "/static/chart.LICENSE.md"])  # fmt: skip
def test_what_is_not_there_is_404(ask: Callable[..., Any], path: str) -> None:
    assert ask(path).status_code == 404


def test_filters_that_mean_nothing_are_ignored_and_pages_beyond_the_end_are_empty(ask: Callable[..., Any]) -> None:
    assert "indus_registrations" in ask("/deliveries?isp=nobody&told=x&page=-3").text
    assert "No delivery fits" in ask("/deliveries?page=999").text
    assert ask("/deliveries?page=x").status_code == 422
    assert ask("/isps/indus/clients?status=%27%20OR%201=1").status_code == 200


def test_a_look_at_a_client_is_recorded_before_it_is_shown(ask: Callable[..., Any], registry: Registry) -> None:
    ask("/isps/indus/clients/7")
    with registry.reading() as db:
        trail = db.execute(
            select(AuditEventRow.actor, AuditEventRow.detail).where(AuditEventRow.object_id == "indus/7")
        )
        assert [tuple(row) for row in trail] == [("officer", {"isp": "indus"})]


@pytest.mark.parametrize("path", OF_CLIENTS[:5])
def test_nothing_of_a_client_is_shown_when_the_look_can_not_be_recorded(
    ask: Callable[..., Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NotAuditedError("locked")

    monkeypatch.setattr(reader.Reader, "record", fail)
    reply = ask(path)
    assert reply.status_code == 503
    assert "alert" not in reply.text
    assert "could not be recorded" in reply.text


def test_a_wrong_installation_is_told_in_one_sentence(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Desk) -> None:
        raise ConfigurationError("The registry's database is not set up; run `vpnreg db upgrade`.")

    monkeypatch.setattr(Desk, "sitting", fail)
    reply = TestClient(app, raise_server_exceptions=False).get("/", headers={"x-user": "viewer"})
    assert (reply.status_code, "vpnreg db upgrade" in reply.text) == (503, True)


def test_an_action_is_offered_with_its_values_where_its_dag_exists(ask: Callable[..., Any]) -> None:
    page = html.unescape(ask("/").text)
    assert 'href="/dags/approve_notices"' in page
    assert '"isp": "indus", "reason": "", "stage": "T-14"' in page
    assert "/dags/decide_case" not in page


@pytest.mark.parametrize(
    ("q", "target"),
    [("N-2026-000001", "/notices/N-2026-000001"), ("3 ", "/deliveries/3"), ("ref/1", "/isps/indus/clients/1"),
     ("VPN-2026-0000001", "/isps/indus/clients/1"), ("17", "/isps/indus/clients/17"),
     ("REF/1", "/isps/indus/clients/1"), ("vpn-2026-0000001", "/isps/indus/clients/1")],
)  # fmt: skip
def test_a_number_leads_to_what_it_means(ask: Callable[..., Any], q: str, target: str) -> None:
    assert ask(f"/find?q={q}").headers["location"] == target


def test_an_open_case_tells_what_may_be_decided(ask: Callable[..., Any]) -> None:
    told = html.unescape(ask("/cases").text)
    for kind in (cases.HELD_DELIVERY, cases.DISPUTE):
        assert all(f"<code>{name}</code>: {option.means}" in told for name, option in KINDS[kind].options.items())


def test_a_message_leads_to_its_notice(ask: Callable[..., Any]) -> None:
    assert ask("/messages/1").headers["location"] == "/notices/N-2026-000001"
    assert ask("/messages/1", "viewer").status_code == 403
    assert ask("/messages/2").status_code == 404


def test_a_delivery_tells_whether_it_was_in_time(ask: Callable[..., Any]) -> None:
    assert "in time for 30 Jun 2026" in ask("/deliveries/3").text


@pytest.mark.parametrize(
    ("path", "links"),
    [("/deliveries/3", 1), ("/isps/indus", 3), ("/isps/indus/clients/1", 1), ("/cases", 2),
     ("/notices/N-2026-000001", 2)],
)  # fmt: skip
def test_what_a_run_made_leads_to_that_run(ask: Callable[..., Any], path: str, links: int) -> None:
    run = "/dags/collect_deliveries/runs/scheduled__2026-06-16T04%3A00%3A00%2B00%3A00"
    assert ask(path).text.count(run) == links


def test_a_mute_stands_with_its_isp_and_with_the_client(ask: Callable[..., Any], registry: Registry) -> None:
    with registry.writing() as db:
        for subject in ("", "7"):
            number = cases.open_case(db, "indus", cases.MUTE, subject, reason=HOSTILE, at=AT, opened_by="amna")
            (case,) = cases.get_cases(db, [number])
            cases.record_decision(db, case, cases.Decision("mute", HOSTILE, "amna", AT, date(2026, 6, 20)))
    page = ask("/isps/indus").text
    assert "No letter speaks of this ISP until 20 Jun 2026" in page
    assert "one of its clients</a> for now" in page
    assert "No letter speaks of this client until 20 Jun 2026" in ask("/isps/indus/clients/7").text
    assert HOSTILE not in page


def test_an_extension_is_a_case_of_every_isp_and_moves_the_deadline_of_the_page(
    ask: Callable[..., Any], registry: Registry
) -> None:
    written = roster.load_campaign()
    extended = campaign.extend(written, date(2026, 7, 31), date(2026, 6, 15), "Letter 12")
    with registry.writing() as db:
        case = cases.open_case(db, "", cases.EXTENSION, "2026-07-31", reason="Letter 12", at=AT, opened_by="amna")
    told = ask("/cases?kind=extension").text
    assert "every ISP" in told
    assert "entered by amna; somebody else decides" in told
    with registry.writing() as db:
        deadlines.record(db, extended)
        cases.close_case(db, "", cases.EXTENSION, "2026-07-31", at=AT)
    assert "Deadline 31 Jul 2026" in ask("/cases").text
    assert case
