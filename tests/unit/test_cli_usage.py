"""What `vpnreg` says when it is used wrongly: one sentence, exit code 2 (contract section 9)."""

from __future__ import annotations

import sys

import pytest

from vpn_registry.cli.app import main


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["export"], " export: Missing argument 'VIEW'."),
        (["approve"], " approve: Missing option '--reason'."),
        (["expor"], ": No such command 'expor'. Did you mean 'export'?"),
        (["db", "upgrade", "--fast"], " db upgrade: No such option: --fast."),
        (["run", "--as-of", "noon"], " run: Invalid value for '--as-of': 'noon' is not a time like"),
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
