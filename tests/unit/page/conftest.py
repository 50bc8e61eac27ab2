"""A page on a small registry, seen by whom the tests say: `nobody`, a `viewer`, or an `officer` who may see clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from tests.unit.registry.filing import AT, add, file_clients, file_registrations, store
from vpn_registry import roster, settings
from vpn_registry.model import Contact, ContactRole, Feed, Finding, Mode, NoticeState, Outcome, RowCounts, Severity
from vpn_registry.page import Guards, make_app
from vpn_registry.page.desk import Desk
from vpn_registry.registry import audit, cases, home, ledger, messages, outbox, status_runs
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.home import Registry
from vpn_registry.registry.reader import Reader
from vpn_registry.settings import Settings

HOSTILE = '<script>alert("x")</script>{{ 7*7 }}\'"&'
URDU = "کراچی نیٹ"
DELIVERY = 3
RUN = "collect_deliveries/scheduled__2026-06-16T04:00:00+00:00"


def look(request: Request) -> None:
    name = request.headers.get("x-user", "nobody")
    if name == "nobody":
        raise HTTPException(401)
    request.state.actor = name


def see_clients(request: Request) -> None:
    if request.headers.get("x-user") != "officer":
        raise HTTPException(403)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("page")
    url = f"sqlite:///{folder / 'registry.sqlite'}"
    made = home.open_home(Settings(folder, url, folder, folder / "keys" / "registry.key"), as_of=AT)
    fill(made)
    yield made
    engine_for(url).dispose()


def fill(registry: Registry) -> None:
    """A client list, a registration, a refused file with a hostile finding, a case, a held notice."""
    file_clients(registry, 1, *({"subscriber_id": str(n), "client_name": HOSTILE} for n in range(1, 61)))
    file_registrations(registry, 1, add("ref/1", "1", HOSTILE, cnic="3520212345671"))
    found = pd.DataFrame(
        [
            {"subscriber_id": str(n), "status": "registered" if n == 1 else "unregistered", "reason": HOSTILE,
             "key": "", "registration_ref": "", "candidate": ""}
            for n in range(1, 61)
        ]
    )  # fmt: skip
    with replace(registry, run=RUN).writing() as db:
        status_runs.store(db, "indus", found, at=AT, rule_version="1", deadline_on=date(2026, 6, 30))
        delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 2)
        assert delivery.id == DELIVERY
        ledger.conclude(
            db, delivery, delivery.claim_no, outcome=Outcome.HELD, rows=RowCounts(1, 0, 1), counts_by_code={"H101": 1},
            findings=[Finding("H101", Severity.ERROR, HOSTILE, HOSTILE)], result={}, rulebook_version="1.0", at=AT,
        )  # fmt: skip
        audit.record(
            db, actor="collect_deliveries", action="judge", object_type="delivery", object_id=str(delivery.id),
            detail={"isp": "indus", "outcome": "held"}, at=AT,
        )  # fmt: skip
        cases.open_case(db, "indus", cases.HELD_DELIVERY, "3", reason=HOSTILE, at=AT, delivery_id=delivery.id)
        cases.open_case(db, "indus", cases.DISPUTE, "2", reason=HOSTILE, at=AT)
        notice = outbox.add_notice(
            db, isp="indus", campaign="2026", deadline_version=1, ends_on=date(2026, 6, 30), stage="T-14",
            stage_on=date(2026, 6, 16), form="T-14", counts={"to_register": 59, "comparable": 60}, at=AT,
            state=NoticeState.HELD, reason=HOSTILE,
        )  # fmt: skip
        messages.add(db, notice, [(Contact(HOSTILE, "desk@indus.example", ContactRole.COMPLIANCE), "<1@x>")])
        for kind, number in (("notice", notice.notice_no), ("message", "1")):
            audit.record(
                db, actor="send_notices", action=f"{kind}_held", object_type=kind, object_id=number, detail={}, at=AT
            )  # fmt: skip


@pytest.fixture(scope="session")
def isp() -> roster.Isp:
    contact = Contact("Desk", "desk@indus.example", ContactRole.COMPLIANCE)
    return roster.Isp("indus", HOSTILE, URDU, "", "sftp_indus", None, (contact,))


@pytest.fixture
def desk(registry: Registry, isp: roster.Isp) -> Desk:
    dags = frozenset({"approve_notices", "collect_deliveries"})
    return Desk(Reader(registry.settings.database_url), {"indus": isp}, roster.load_campaign(), frozenset(), dags)


@pytest.fixture
def app(desk: Desk) -> FastAPI:
    return make_app(settings.PROJECT / "plugins" / "registry_page", Guards(look, see_clients), lambda: desk)


@pytest.fixture
def ask(app: FastAPI) -> Callable[..., Any]:
    """GET an address as somebody (an officer unless said otherwise)."""
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    return lambda path, user="officer": client.get(path, headers={"x-user": user})
