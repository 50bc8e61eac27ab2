"""`vpnreg check` and `vpnreg template`: what an ISP's engineer uses before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from vpn_registry import settings
from vpn_registry.cli.app import app
from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of

SAMPLES = settings.INCLUDE / "samples"
AS_OF = ("--as-of", "2026-06-16T09:00+05:00")


def vpnreg(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_good_file_is_accepted_with_exit_code_zero() -> None:
    done = vpnreg("check", *AS_OF, SAMPLES / "indus" / "indus_clients_full_20260614_0001.csv")
    assert done.exit_code == 0, done.output
    assert "accepted, 40 rows" in done.output


def test_findings_give_line_column_remedy_and_exit_code_one() -> None:
    file = SAMPLES / "kirana" / "kirana_registrations_full_20260612_0001.csv"
    done = vpnreg("check", *AS_OF, "--json", file)
    assert done.exit_code == 1
    (told,) = json.loads(done.stdout)
    assert told["outcome"] == "partial"
    assert told["rows"] == {"total": 31, "accepted": 19, "rejected": 11, "duplicate": 1, "warned": 2}
    lost_zero = next(one for one in told["rows_with_findings"] if one["code"] == "H108")
    assert lost_zero["suggestion"] == "0200029"
    assert lost_zero["line"] == 21


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert vpnreg("check", tmp_path / "absent.csv").exit_code == 2


@pytest.mark.parametrize("feed", list(Feed))
def test_a_template_has_the_header_and_one_example_row(feed: Feed) -> None:
    header, example = vpnreg("template", feed).output.splitlines()
    assert header.split(",") == [column.name for column in columns_of(feed)]
    assert example.count(",") == header.count(",")


@pytest.mark.parametrize("feed", ["registrations", "clients"])
def test_the_example_row_of_a_template_passes_the_check(feed: str, tmp_path: Path) -> None:
    mode = "full" if feed == "clients" else "delta"
    file = tmp_path / f"indus_{feed}_{mode}_20260615_0001.csv"
    file.write_text(vpnreg("template", feed).output, "utf-8")
    done = vpnreg("check", *AS_OF, file)
    assert done.exit_code == 0, done.output
