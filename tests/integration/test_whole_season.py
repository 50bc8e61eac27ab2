"""`vpnreg season` as its users call it: the production DAGs, SFTP and mail on loopback, and a moving clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import commands
from tests.commands import Said

pytestmark = [pytest.mark.airflow, pytest.mark.services]


def vpnreg(home: Path, *arguments: str) -> Said:
    return commands.started(commands.own_environment(VPN_REGISTRY_HOME=str(home)), *arguments, patience=3_600)


def test_a_season_counts_forward(tmp_path: Path) -> None:
    done = vpnreg(tmp_path / "home", "season", "--from", "3", "--to", "3")
    assert done.code == 2
    assert "--from 3 is not before --to 3" in " ".join(done.err.split())
    assert not (tmp_path / "home").exists()


@pytest.mark.soak
def test_the_whole_season_explains_every_client_day(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = vpnreg(home, "season")
    assert done.code == 0, done.out + done.err
    again = vpnreg(home, "season", "--json")  # read back, not played again
    assert again.code == 0, again.err
    told: dict[str, Any] = json.loads(again.out)
    reasons = told["client_days"]["by_reason"]
    assert reasons.pop("unexplained") == 0
    assert all(reasons.values()), reasons
    assert sum(reasons.values()) == told["client_days"]["total"]
    assert (told["first_day"], told["last_day"]) == ("2026-04-30", "2026-07-22")
    assert {letter["stage"] for letter in told["letters"]} >= {"T-60", "T-30", "T-14", "extended", "T+7"}
    asked = [entry["isp"] for entry in told["days"][-1]["entries"] if ", dossier 2026/" in entry["text"]]
    assert "sahil" in asked  # it fell silent: the ladder ends with people
    assert set(told["dossiers"]) == set(asked)
    assert told["dossiers"]["margalla"]["clients"], "still to register, with the letters that named them"
    shown = "\n".join(line.strip() for line in done.out.splitlines())
    assert "as `vpnreg dossier" in shown
    assert "This is a record for people to decide on. Nothing has been disconnected or blocked." in shown
    assert vpnreg(home, "demo").code == 2  # its clock stands later
