"""`vpnreg check` and `vpnreg template`: what an ISP's engineer uses before anything is sent."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.installation import Cast, Installation, registrations
from vpn_registry import settings
from vpn_registry.cli.app import app
from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of

SAMPLES = settings.INCLUDE / "samples"
DAMAGED = SAMPLES / "kirana" / "kirana_registrations_full_20260612_0001.csv"
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


HEAVY = ("airflow", "sqlalchemy", "alembic", "great_expectations", "jinja2", "cryptography", "asyncssh", "paramiko")


def test_a_check_loads_nothing_that_an_isp_would_not_have(tmp_path: Path) -> None:
    """In a process of its own, without a home: not even Airflow has to be installed."""
    program = (
        "import sys; from vpn_registry.cli.app import app\n"
        f"try: app(['check', {str(DAMAGED)!r}, '--as-of', '2026-06-16'])\n"
        "except SystemExit as end: print(end.code, *sys.modules)"
    )
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(settings.INCLUDE), "VPN_REGISTRY_HOME": str(tmp_path / "none")}
    call = [sys.executable, "-c", program]
    done = subprocess.run(call, env=env, capture_output=True, text=True, timeout=120, check=True)
    code, *modules = done.stdout.splitlines()[-1].split()
    assert code == "1"
    assert not {name.partition(".")[0] for name in modules} & set(HEAVY)
    assert not (tmp_path / "none").exists()


def test_a_check_gives_the_texts_that_the_zone_gives(tmp_path: Path) -> None:
    """Same file, once offline and once through the zone: rows, findings and their words are the same."""
    house = Installation(tmp_path)
    kirana = Cast("kirana")
    rows = kirana.registered(3)
    named = registrations("kirana", 1, [rows[0], rows[1] | {"ntn": "82291"}, rows[2] | {"cnic": "35202-123"}])
    house.drop(named)
    house.run()
    file = tmp_path / named[0]
    file.write_bytes(named[1])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VPN_REGISTRY_HOME", str(tmp_path))
        environment.setenv("VPN_REGISTRY_ISPS", str(house.settings.isps))
        (told,) = json.loads(vpnreg("check", *AS_OF, "--json", file).stdout)
    result = house.result("kirana", named[0])
    for key in ("file", "outcome", "rows", "findings", "counts_by_code", "rulebook_version"):
        assert told[key] == result[key]
    answer = house.out("kirana")[f"{named[0]}.findings.csv"].decode()
    lines = list(csv.DictReader(io.StringIO(answer, newline=""), strict=True))
    assert [{name: str(value) for name, value in line.items()} for line in told["rows_with_findings"]] == lines


def test_identity_numbers_are_masked_in_both_outputs(tmp_path: Path) -> None:
    file = tmp_path / "acme_clients_full_20260615_0001.csv"
    header, example = vpnreg("template", "clients").stdout.splitlines()
    cells = dict(zip(header.split(","), example.split(","), strict=True)) | {"cnic": "352021234567"}
    file.write_text(f"{header}\n{','.join(cells.values())}\n", "utf-8")
    for arguments in (("--json",), ()):
        done = vpnreg("check", *AS_OF, *arguments, file)
        assert done.exit_code == 1
        assert "12 digits, ..67" in done.output
        assert "352021234567" not in done.output


def test_a_check_speaks_urdu() -> None:
    done = vpnreg("check", *AS_OF, "--lang", "ur", DAMAGED)
    assert "ntn غلط شکل میں" in done.output
    assert "is not" not in done.output
    assert vpnreg("check", "--lang", "fr", DAMAGED).exit_code == 2


def test_several_files_are_judged_each_for_itself_and_the_reservation_is_said_once() -> None:
    good = SAMPLES / "indus" / "indus_clients_full_20260614_0001.csv"
    done = vpnreg("check", *AS_OF, good, DAMAGED)
    assert done.exit_code == 1
    assert f"{good.name}: accepted" in done.output
    assert f"{DAMAGED.name}: partial" in done.output
    assert done.output.count("Not known offline") == 1


def test_a_checksum_beside_the_file_is_compared(tmp_path: Path) -> None:
    file = tmp_path / "indus_clients_full_20260614_0001.csv"
    file.write_bytes((SAMPLES / "indus" / file.name).read_bytes())
    sidecar = tmp_path / f"{file.name}.sha256"
    sidecar.write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n")
    assert vpnreg("check", *AS_OF, file).exit_code == 0
    sidecar.write_text(f"{'0' * 64}  {file.name}\n")
    done = vpnreg("check", *AS_OF, file)
    assert (done.exit_code, "F212 error" in done.output) == (1, True)


def test_only_ten_rows_of_a_code_are_shown_to_people(tmp_path: Path) -> None:
    file = tmp_path / "acme_clients_full_20260615_0001.csv"
    header, example = vpnreg("template", "clients").stdout.splitlines()
    cells = dict(zip(header.split(","), example.split(","), strict=True)) | {"vpn_use": "maybe"}
    rows = "\n".join(",".join((cells | {"subscriber_id": f"C-{number}"}).values()) for number in range(15))
    file.write_text(f"{header}\n{rows}\n", "utf-8")
    done = vpnreg("check", *AS_OF, file)
    assert "H144 error, 15 rows" in done.output
    assert "... and 5 more" in done.output
    assert done.output.count("Found: maybe.") == 10


@pytest.mark.parametrize("feed", list(Feed))
def test_a_template_has_the_header_and_one_example_row(feed: Feed) -> None:
    header, example = vpnreg("template", feed).stdout.splitlines()
    assert header.split(",") == [column.name for column in columns_of(feed)]
    assert example.count(",") == header.count(",")


@pytest.mark.parametrize("feed", list(Feed))
def test_the_example_row_of_a_template_passes_the_check_of_any_isp(feed: Feed, tmp_path: Path) -> None:
    done = vpnreg("template", feed)
    pattern = re.search("Save it as <isp>(.*)<seq>(.*?),", done.stderr)
    assert pattern
    file = tmp_path / f"acme{pattern[1]}0001{pattern[2]}"
    file.write_text(done.stdout, "utf-8")
    checked = vpnreg("check", file, "--json")
    assert checked.exit_code == 0
    (told,) = json.loads(checked.stdout)
    assert told["outcome"] == "accepted"
