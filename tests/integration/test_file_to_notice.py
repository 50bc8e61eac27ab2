"""Real parts end to end: a file dropped over SFTP becomes answers in the zone and a letter in the mail sink.

Airflow's api-server, scheduler, dag-processor and triggerer run as they do for `vpnreg demo --ui`; nothing is called in
this process but what an ISP, the approving person and Airflow's own REST API can do. The tests are one story, in order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import browser
from tests.processes import processes_of
from vpn_registry import airflow_services, settings
from vpn_registry.airflow_services import Airflow
from vpn_registry.demo import samples
from vpn_registry.demo.deliver import deliver, fetch
from vpn_registry.demo.mail_sink import Mail
from vpn_registry.demo.services import Services, services
from vpn_registry.model import NoticeState
from vpn_registry.pipeline import notify
from vpn_registry.registry import home, outbox, statuses

pytestmark = [pytest.mark.airflow, pytest.mark.services]

ISP = "indus"
PATIENCE = 300.0
FRUGAL = {
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",  # no DAG changes here
    "AIRFLOW__VPN_REGISTRY__PRELOAD": "True",
    "VPN_REGISTRY_SETTLE_SECONDS": "1",
}
"""Settings with which the story takes less of the machine."""


@dataclass(frozen=True)
class Stack:
    """A simulated home with its zones, its mail sink and a running Airflow, until `stop`."""

    here: settings.Settings
    servers: Services
    airflow: Airflow
    running: airflow_services.Services
    stop: Callable[[], None]

    def trigger(self, dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
        """Start a DAG run through Airflow's REST API as the admin.

        An Airflow on SQLite answers 500 when two of its processes write at the same moment ("database is locked"), so
        the call is repeated; the run's own id keeps it one run, also when the first call did its work.
        """
        login = {"username": "admin", "password": airflow_services.password(self.airflow)}
        token = self._post("/auth/token", login, {}).raise_for_status().json()["access_token"]
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        for pause in (1, 2, 4, 8, None):
            reply = self._post(f"/api/v2/dags/{dag_id}/dagRuns", body, {"Authorization": f"Bearer {token}"})
            if pause is None or not reply.is_server_error:
                break
            time.sleep(pause)
        assert reply.is_success or reply.status_code == httpx.codes.CONFLICT, reply.text

    def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
        return httpx.post(self.airflow.url + path, json=body, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    here = settings.load({"VPN_REGISTRY_HOME": str(folder), "VPN_REGISTRY_SETTLE_SECONDS": "1"})
    home.open_home(here, as_of=samples.INSTANT)
    with services(folder, samples.SLUGS) as servers, ExitStack() as started:
        airflow = airflow_services.prepare(
            folder,
            settings.environment(""),
            port=airflow_services.free_port(0),
            extra={**servers.environment, **FRUGAL},
        )
        airflow_services.migrate(airflow)
        running = started.enter_context(airflow_services.running(airflow))
        yield Stack(here, servers, airflow, running, started.close)


def letters(stack: Stack) -> list[Mail]:
    """What the relay took for the ISP; the data team has its report, and the others may be reminded of their lists."""
    return [mail for mail in stack.servers.mails() if mail.to == (f"compliance@{ISP}.example",)]


def wait_for(what: str, is_there: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_there():
        assert time.monotonic() < until, f"waited {PATIENCE:.0f} seconds for {what}"
        time.sleep(2)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_airflow_comes_up_healthy(stack: Stack) -> None:
    assert set(airflow_services.health(stack.airflow).values()) == {"healthy"}
    assert len(processes_of(sessions(stack))) >= len(stack.running.children) == 4
    stack.running.check()


def test_a_file_dropped_over_sftp_becomes_a_letter_in_the_mail_sink(stack: Stack) -> None:
    account = stack.servers.account(ISP)
    files = samples.sample().files(ISP)
    deliver(account, files)
    results = {f"{name}.result.json" for name in files}
    wait_for("the results of every file", lambda: results <= fetch(account).keys())
    assert {json.loads(fetch(account)[name])["outcome"] for name in results} == {"accepted"}
    assert deliveries_left(stack) == []

    registry = home.open_home(stack.here)
    wait_for("statuses of every client", lambda: ISP in compared(registry))
    stack.trigger("send_notices", "plan", {"dry_run": False})
    wait_for("the held notice", lambda: bool(held(registry)))
    approved = notify.approve(registry, actor="tester", reason="figures checked by hand")
    assert letters(stack) == []

    stack.trigger("send_notices", "send", {"dry_run": False})
    wait_for("the letter", lambda: bool(letters(stack)))
    (mail,) = letters(stack)
    assert approved[0] in mail.subject
    wait_for("the zone's copy", lambda: f"{approved[0]}.csv" in fetch(account, "outgoing/notices"))


PAGES = (
    "/", f"/isps/{ISP}", "/isps/ravi", "/deliveries", "/deliveries/1", "/deliveries/1/findings", f"/isps/{ISP}/clients",
    f"/isps/{ISP}/clients?status=unregistered", "/filers", "/cases", "/notices", "/rules", "/find?q=nobody",
)  # fmt: skip


def test_the_data_teams_page_shows_it_in_airflow(stack: Stack) -> None:
    password = airflow_services.password(stack.airflow)
    with browser.browser() as chromium:
        visitor = browser.Visitor.of(chromium, stack.airflow.url, viewport=browser.DESK, color_scheme="light")
        visitor.log_in("admin", password)
        for path in PAGES:
            visitor.open(f"/vpn-registry{path}")
        inside_airflow(visitor)
        assert visitor.noticed == []

        visitor = browser.Visitor.of(chromium, stack.airflow.url, viewport=browser.PHONE, color_scheme="dark")
        visitor.log_in("admin", password)
        for path in PAGES[::2]:
            visitor.open(f"/vpn-registry{path}")
        assert visitor.page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert visitor.noticed == []


def inside_airflow(visitor: browser.Visitor) -> None:
    """From Airflow's navigation into the page, to an ISP, and out to a run; addresses follow and can be shared."""
    page, frame = visitor.page, visitor.page.frame_locator("iframe")
    page.goto(visitor.home)
    page.get_by_role("link", name="Registry", exact=True).click()
    frame.get_by_role("link", name=ISP, exact=True).first.click()
    page.wait_for_url(f"**/plugin/vpn-registry/vpn-registry/isps/{ISP}")
    page.reload()
    frame.get_by_role("heading", level=1).wait_for()
    frame.get_by_role("link", name="reconcile_clients").first.click()
    page.wait_for_url(f"{visitor.home}/dags/reconcile_clients/runs/*")
    page.goto(f"{visitor.home}/dags/approve_notices")
    page.locator("a[href$='/plugin/vpn-registry-of-dag']").click()
    frame.get_by_role("heading", name="Notices", exact=True).wait_for()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for leftover processes in /proc")
def test_airflow_leaves_no_process_behind(stack: Stack) -> None:
    assert processes_of(sessions(stack)) != []
    stack.stop()
    assert processes_of(sessions(stack)) == []
    assert airflow_services.health(stack.airflow) == {}


def sessions(stack: Stack) -> set[int]:
    """Each service leads one, with everything that it starts."""
    return {child.pid for child in stack.running.children.values()}


def deliveries_left(stack: Stack) -> list[str]:
    """What still lies in the ISP's incoming folder."""
    return sorted(path.name for path in (stack.servers.zones / ISP / "incoming").iterdir())


def held(registry: home.Registry) -> list[outbox.Notice]:
    """The notices that wait for a person."""
    with registry.reading() as db:
        return outbox.notices(db, NoticeState.HELD)


def compared(registry: home.Registry) -> set[str]:
    """The ISPs whose clients have statuses."""
    with registry.reading() as db:
        return {isp for isp in samples.SLUGS if len(statuses.latest(db, isp))}
