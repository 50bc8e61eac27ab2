"""`vpnreg isp check`: one sentence for each thing that is wrong or missing."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from vpn_registry import roster, settings
from vpn_registry.cli.app import app
from vpn_registry.registry import audit, home, ledger

CONTACT = '[[contacts]]\nname = "Desk"\nemail = "desk@isp.example"\nrole = "compliance"\n'


@pytest.fixture
def isps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of ISPs of a home without a registry."""
    folder = tmp_path / "isps"
    folder.mkdir()
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(tmp_path))
    monkeypatch.setenv("VPN_REGISTRY_ISPS", str(folder))
    return folder


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["isp", "check", *arguments])


def add(isps: Path, slug: str, entries: str, *, has_zone: bool = True) -> None:
    zone = isps.parent / "zones" / slug
    for name in ("incoming", "check", "outgoing") if has_zone else ():
        (zone / name).mkdir(parents=True)
    folder = "" if "sftp" in entries else f'folder = "{zone}"\n'
    (isps / f"{slug}.toml").write_text(f'name = "{slug}"\n{folder}{entries}\n{CONTACT}', "utf-8")


def connection(**changes: Any) -> str:
    extra = {"host_key": "ssh-ed25519 AAAA", "private_key": "-----BEGIN"} | changes.pop("extra", {})
    return json.dumps({"conn_type": "sftp", "host": "zones.example", "login": "collect"} | changes | {"extra": extra})


def test_an_isp_with_all_it_needs_is_fine(isps: Path) -> None:
    add(isps, "indus", "")
    done = check()
    assert (done.exit_code, done.output) == (0, "1 ISPs, nothing missing.\n")


def test_every_broken_file_is_told_with_file_and_key(isps: Path) -> None:
    add(isps, "indus", "colour = 1")
    add(isps, "kirana", 'prefixes = ["10.0.0.1/8"]')
    add(isps, "ravi", "")
    (isps / "ravi.toml").write_text('name = "ravi"\nfolder = "x"\n', "utf-8")
    (isps / "sahil.toml").write_text("name = ", "utf-8")
    done = check()
    assert done.exit_code == 1
    lines = done.output.splitlines()
    for line, slug, key in zip(
        lines, ("indus", "kirana", "ravi", "sahil"), ("colour", "prefixes", "contacts", "TOML"), strict=True
    ):
        assert line.startswith(f"{slug}: {isps / slug}.toml: ")
        assert key in line


def test_a_zone_without_its_folders_is_told(isps: Path) -> None:
    add(isps, "indus", "", has_zone=False)
    assert "lacks incoming, check, outgoing." in check().output


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sftp://u@h", "is not JSON"),
        ("[]", "is not a JSON object"),
        (connection(host=""), "names no host."),
        (connection(extra={"host_key": ""}), "pins no host key"),
        (connection(extra={"no_host_key_check": True}), "pins no host key"),
        (connection(extra={"private_key": ""}), "holds no key to log in with"),
        (connection(extra={"key_file": "/nowhere/key"}), "names the key file /nowhere/key, which is not there."),
    ],
)
def test_a_connection_is_read_for_what_it_lacks(
    isps: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    add(isps, "indus", 'sftp = "sftp_indus"')
    assert "has no AIRFLOW_CONN_SFTP_INDUS" in check().output
    monkeypatch.setenv("AIRFLOW_CONN_SFTP_INDUS", connection())
    assert check().exit_code == 0
    monkeypatch.setenv("AIRFLOW_CONN_SFTP_INDUS", text)
    done = check()
    assert done.exit_code == 1
    assert done.output.startswith("indus: AIRFLOW_CONN_SFTP_INDUS ")
    assert sentence in done.output


def test_a_connection_that_has_listed_the_zone_is_not_missing(isps: Path) -> None:
    add(isps, "indus", 'sftp = "sftp_indus"')
    here = settings.load()
    home.upgrade(here)
    now = datetime.now(UTC)
    failing = "The server refused the key."
    for at, error, is_fine in ((now - timedelta(hours=2), None, False), (now, None, True), (now, failing, False)):
        with home.open_home(here).writing() as db:
            ledger.record_listing(db, "indus", at=at, error=error)
        done = check()
        assert (done.exit_code == 0) == is_fine
        assert ("`airflow connections get sftp_indus` on its api-server" in done.output) != is_fine


def test_prefixes_of_two_isps_that_overlap_are_told(isps: Path) -> None:
    add(isps, "indus", 'prefixes = ["39.32.0.0/11", "2400::/32"]')
    add(isps, "kirana", 'prefixes = ["39.40.0.0/16", "2401::/32", "39.64.0.0/16"]')
    done = check("--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == [
        {"isp": "kirana", "problem": "prefixes holds 39.40.0.0/16, which overlaps 39.32.0.0/11 of indus."}
    ]


def test_two_isps_on_one_zone_are_told(isps: Path) -> None:
    add(isps, "indus", "")
    shutil.copy(isps / "indus.toml", isps / "kirana.toml")
    assert check().output == "kirana: folder names the zone of indus; each ISP has a zone of its own.\n"


def test_a_key_file_that_others_may_read_is_told(isps: Path, tmp_path: Path) -> None:
    add(isps, "indus", "")
    key = tmp_path / "keys" / "registry.key"
    key.parent.mkdir()
    key.write_text("x")
    key.chmod(0o644)
    assert "others may read the key file" in check().output
    key.unlink()
    (tmp_path / "registry.sqlite").touch()
    assert "the key file is missing" in check().output


def test_the_audit_chain_is_told_to_programs_too(isps: Path) -> None:
    registry = home.open_home(settings.load(), as_of=datetime(2026, 6, 16, 4, tzinfo=UTC))
    with registry.writing() as db:
        for number in ("1", "2"):
            audit.record(
                db, actor="amna", action="decide", object_type="case", object_id=number, detail={}, at=registry.now()
            )
    verify = ["audit", "verify", "--json"]
    told = json.loads(CliRunner().invoke(app, verify).stdout)
    assert (told["holds"], told["unsealed"], told["oldest_unsealed_at"]) == (True, 2, "2026-06-16T04:00:00Z")
    audit.seal(registry, registry.now())
    with registry.reading() as db:
        position, link = audit.head(db)
    assert CliRunner().invoke(app, [*verify, "--head", f"{position}:{link}"]).exit_code == 0
    beyond = CliRunner().invoke(app, [*verify, "--head", f"{position + 1}:{link}"])
    assert (beyond.exit_code, json.loads(beyond.stdout)["is_cut_off"]) == (1, True)
    with registry.writing() as db:
        db.execute(text("DROP TRIGGER guard_audit_events_update_kept"))
        db.execute(text("UPDATE audit_events SET actor = 'bilal' WHERE object_id = '2'"))
    found = CliRunner().invoke(app, verify)
    told = json.loads(found.stdout)
    assert (found.exit_code, told["holds"], told["broken_at"], told["sealed"]) == (1, False, 2, 1)


def test_the_commented_example_loads_and_says_the_usual_limits(tmp_path: Path) -> None:
    example = settings.INCLUDE / "isps" / "isp.toml.example"
    for name, written in (("multan", example.read_text("utf-8")), ("bare", f'name = "x"\nsftp = "sftp_x"\n{CONTACT}')):
        (tmp_path / f"{name}.toml").write_text(written, "utf-8")
    multan, bare = (roster.load_isp(tmp_path / f"{name}.toml", tmp_path) for name in ("multan", "bare"))
    assert multan.check_only
    own = {"slug", "name", "name_ur", "licence", "sftp", "contacts", "prefixes", "check_only"}
    for usual in {field.name for field in fields(roster.Isp)} - own:
        assert getattr(multan, usual) == getattr(bare, usual), usual
