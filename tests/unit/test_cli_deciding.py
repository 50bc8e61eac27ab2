"""What people enter at the command line of a simulated home, and what it tells programs (`--json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.installation import Cast, Installation, clients, foreseen_verdicts, registrations
from vpn_registry.cli.app import app
from vpn_registry.model import Mode
from vpn_registry.pipeline import notify


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Of indus' five clients three are registered; its first letter is held."""
    house, indus = Installation(tmp_path / "home"), Cast("indus")
    house.drop(registrations("indus", 1, indus.registered(3), Mode.FULL))
    indus.open(2)
    house.drop(clients("indus", 1, indus.listed))
    with foreseen_verdicts():
        house.run()
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(house.home))
    monkeypatch.setenv("VPN_REGISTRY_ISPS", str(house.settings.isps))
    return house


def told(*arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 2, done.output
    return " ".join(done.output.split())


def test_a_mute_is_entered_shown_and_lifted(home: Installation) -> None:
    muted = told("mute", "indus", "--until", "2026-06-20", "--reason", "its exchange burnt down")
    assert muted == {"case": 1, "isp": "indus", "client": "", "until": "2026-06-20"}
    shown = " ".join(CliRunner().invoke(app, ["status"]).output.split())
    assert "no letter speaks of it until 2026-06-20, by operator (case 1): its exchange burnt down" in shown
    lifted = told("decide", "1", "--outcome", "lift", "--reason", "it is back")
    assert lifted == {"case": 1, "kind": "mute", "isp": "indus", "subject": "", "outcome": "lift", "until": None}
    assert told("status")["isps"][0]["mutes"] == []


def test_explain_tells_of_a_mute(home: Installation) -> None:
    [(who,)] = home.rows("SELECT subscriber_id FROM client_statuses WHERE status = 'unregistered' LIMIT 1")
    told("mute", "indus", "--client", who, "--until", "2026-06-20", "--reason", "a liquidator is asked first")
    shown = " ".join(CliRunner().invoke(app, ["explain", "indus", who]).output.split())
    assert "letters none speaks of this client until 2026-06-20 (case 1)" in shown
    assert "by operator: a liquidator is asked first" in shown


def test_what_is_no_mute_ends_with_two(home: Installation) -> None:
    assert "There is no ISP nobody" in refused("mute", "nobody", "--until", "2026-06-20", "--reason", "x")
    assert "has passed" in refused("mute", "indus", "--until", "2026-06-01", "--reason", "x")
    assert home.rows("SELECT * FROM cases") == []


def test_approvals_and_extensions_are_told_to_programs_too(home: Installation) -> None:
    assert told("approve", "--reason", "checked") == [{"notice_no": "N-2026-000001", "state": "approved"}]
    assert told("approve", "--reason", "checked") == []
    extended = told("extend", "2026-07-15", "--source", "Letter 12", "--isp", "indus")
    assert extended == {"version": 2, "ends_on": "2026-07-15", "isp": "indus", "client": "", "source": "Letter 12"}
