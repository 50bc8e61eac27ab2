"""`vpnreg doctor`: one sentence for each thing that is wrong, and silence about what is not."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from vpn_registry import one_pass, settings
from vpn_registry.cli import checkup
from vpn_registry.cli.app import app
from vpn_registry.registry import audit, glance, home, ledger, office_mails
from vpn_registry.registry.home import Registry

CONTACT = '[[contacts]]\nname = "Desk"\nemail = "desk@isp.example"\nrole = "compliance"\n'
ISP = f'name = "Indus"\nsftp = "sftp_indus"\n{CONTACT}'


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry on the real clock whose one zone was listed just now."""
    (tmp_path / "isps").mkdir()
    (tmp_path / "isps" / "indus.toml").write_text(ISP, encoding="utf-8")
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(tmp_path))
    monkeypatch.setenv("VPN_REGISTRY_ISPS", str(tmp_path / "isps"))
    monkeypatch.setenv(one_pass.MAIL, "{}")
    monkeypatch.setattr(checkup, "FREE_BYTES", 0)
    here = settings.load()
    home.upgrade(here)
    registry = home.open_home(here)
    listed(registry, None)
    return registry


def listed(registry: Registry, error: str | None, at: datetime | None = None) -> None:
    with registry.writing() as db:
        ledger.record_listing(db, "indus", at=at or datetime.now(UTC), error=error)


def event(registry: Registry, at: datetime) -> None:
    with registry.writing() as db:
        audit.record(db, actor="x", action="x", object_type="x", object_id="x", detail={}, at=at)


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_a_sound_installation_is_fine(installed: Registry) -> None:
    done = doctor()
    assert (done.exit_code, done.output) == (0, "Nothing is wrong.\n")
    assert json.loads(doctor("--json").output) == []


def _wrong_isp(registry: Registry) -> None:
    (registry.settings.isps / "indus.toml").write_text(ISP + "colour = 1\n", encoding="utf-8")


def _lost_key(registry: Registry) -> None:
    registry.settings.key_file.unlink()


@pytest.mark.parametrize(
    ("spoil", "about", "words"),
    [
        (_wrong_isp, "settings", "indus.toml"),
        (_lost_key, "registry", "registry.key"),
        (lambda registry: listed(registry, "The server refused the key."), "zones", "refused the key"),
        (lambda registry: listed(registry, None, datetime.now(UTC) - timedelta(hours=3)), "zones", "last listed"),
        (lambda registry: event(registry, datetime.now(UTC) - timedelta(hours=3)), "audit", "1 events are not sealed"),
        (lambda registry: event(registry, datetime.now(UTC) + timedelta(hours=3)), "clock", "an event of"),
    ],
)
def test_each_trouble_is_one_sentence(
    installed: Registry, spoil: Callable[[Registry], None], about: str, words: str
) -> None:
    spoil(installed)
    done = doctor("--json")
    (trouble,) = json.loads(done.output)
    assert done.exit_code == 1
    assert trouble["about"] == about
    assert words in trouble["sentence"]
    assert trouble["sentence"].endswith(("?", "."))


def test_missing_mail_and_a_full_disk_are_told(installed: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(one_pass.MAIL)
    monkeypatch.setattr(checkup, "FREE_BYTES", 2**62)
    done = doctor()
    assert done.exit_code == 1
    assert [line.partition(":")[0] for line in done.output.splitlines()] == ["disk", "mail"]


def test_a_relay_that_has_taken_a_letter_is_not_missing(installed: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(one_pass.MAIL)
    monkeypatch.setattr(glance, "has_sent", lambda _: True)
    assert doctor().exit_code == 0


def test_a_wrong_setting_and_a_missing_registry_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(tmp_path))
    assert "vpnreg db upgrade" in doctor().output
    monkeypatch.setenv("VPN_REGISTRY_SETTLE_SECONDS", "soon")
    assert doctor().output.startswith("settings: ")


def test_a_relay_that_does_not_answer_is_told(installed: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = "AIRFLOW_CONN_SMTP_DEFAULT"
    monkeypatch.setenv(relay, json.dumps({"host": "127.0.0.1", "port": 1}))
    [told] = doctor().output.splitlines()
    assert told.startswith("mail: the relay at 127.0.0.1, port 1, does not answer: ")
    monkeypatch.setenv(relay, "smtp://127.0.0.1")
    assert "is no JSON object" in doctor().output
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv(relay, json.dumps({"host": "127.0.0.1", "port": server.getsockname()[1]}))
        assert doctor().exit_code == 0


def test_mails_to_the_data_team_that_wait_are_told(installed: Registry) -> None:
    with installed.writing() as db:
        office_mails.queue(
            db, office_mails.REPORT, "2026-06-16", recipient="team@regulator.example", subject="", text="", html="",
            at=datetime.now(UTC) - timedelta(hours=3),
        )  # fmt: skip
    assert doctor().output.startswith("mail: 1 mails to the data team wait since ")


def test_a_zone_that_was_never_listed_is_told_with_what_its_connection_lacks(installed: Registry) -> None:
    (installed.settings.isps / "ravi.toml").write_text(ISP.replace("indus", "ravi"), encoding="utf-8")
    told = doctor().output
    assert "connections: ravi: The environment has no AIRFLOW_CONN_SFTP_RAVI" in told
    assert "zones: ravi: the zone has never been listed" in told
