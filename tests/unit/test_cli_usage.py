"""What `vpnreg` says when it is used wrongly, or lacks what it needs: one sentence (contract section 9)."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vpn_registry import one_pass, settings
from vpn_registry.cli.app import app, main
from vpn_registry.model import PAKISTAN
from vpn_registry.registry import home


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export"], " export: Missing argument 'VIEW'."),
        (["approve"], " approve: Missing option '--reason'."),
        (["expor"], ": No such command 'expor'. Did you mean 'export'?"),
        (["db", "upgrade", "--fast"], " db upgrade: No such option: --fast."),
        (["run", "--as-of", "noon"], " run: Invalid value for '--as-of': 'noon' is not a time like"),
        (["run", "--as-of", "9999-12-31T23:59-05:00"], " run: Invalid value for '--as-of': '9999-12-31T23:59-05:00' l"),
        (
            ["export", "clients", "--as-of", "0001-01-01"],
            " export: Invalid value for '--as-of': '0001-01-01' lies outs",
        ),
        (["explain", "kirana", "KIR-\udcff"], ": an argument is no text in UTF-8."),
        (
            ["subject", "kirana", "K-1", "--reason", "of 35202-1234567-1"],
            " subject: --reason holds what reads as an iden",
        ),
        (
            ["export", "clients", "--reveal", "--reason", "of 3520212345671"],
            " export: --reason holds what reads as an ident",
        ),
        (["audit", "verify", "--head", "12"], " audit verify: '12' is no head; the daily report tells it as"),
        (["template", "letters"], " template: Invalid value for 'feed': 'letters' is not one of"),
        (["export", "registry", "--format", "xml"], " export: 'xml' is none of csv, json, parquet."),
    ],
)
def test_wrong_usage_is_one_line_that_names_command_and_mistake(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["vpnreg", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"vpnreg{sentence}")
    assert shown.err.count("\n") == 1


def test_without_a_command_the_help_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["vpnreg"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert "Usage: vpnreg" in shown.out
    assert shown.err == ""


def test_a_pass_without_a_mail_relay_reminds_nobody_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "isps").mkdir()
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VPN_REGISTRY_ISPS", str(tmp_path / "isps"))
    home.upgrade(settings.load())
    dry = []

    def ran(dag: str, _log: Path, *, is_dry: bool = False) -> one_pass.DagResult:
        dry.extend([dag] if is_dry else [])
        return one_pass.DagResult(dag, "success", ())

    monkeypatch.setattr(one_pass, "prepare", lambda *_: tmp_path / "log")
    monkeypatch.setattr(one_pass, "run_dag", ran)
    done = CliRunner().invoke(app, ["run"])
    assert (done.exit_code, dry) == (0, ["chase_filers"]), done.output
    assert "No mail relay is named (AIRFLOW_CONN_SMTP_DEFAULT)" in done.output

    monkeypatch.setenv(one_pass.MAIL, "{}")
    dry.clear()
    done = CliRunner().invoke(app, ["run"])
    assert (done.exit_code, dry) == (0, []), done.output


def test_a_stage_that_no_letter_has_is_refused_with_those_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "isps").mkdir()
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VPN_REGISTRY_ISPS", str(tmp_path / "isps"))
    home.open_home(settings.load(), as_of=datetime(2026, 6, 16, 9, tzinfo=PAKISTAN))
    refused = CliRunner().invoke(app, ["approve", "--stage", "T-15", "--reason", "checked"])
    assert refused.exit_code == 2
    assert "'T-15' is no stage" in refused.output
    assert CliRunner().invoke(app, ["approve", "--stage", "T-14", "--reason", "checked"]).exit_code == 0
