"""`vpnreg` as its users call it: a child process, its output, its exit code, and what it leaves on the disk."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import commands
from vpn_registry import one_pass, roster, settings
from vpn_registry.demo import samples
from vpn_registry.demo.mail_sink import Mail, read_mails

pytestmark = [pytest.mark.airflow, pytest.mark.services]

AS_OF = "2026-06-16T09:00+05:00"
OFFICE = roster.load_campaign().office.team_email
ISP = """
name = "Acme Networks"
folder = "{folder}"
prefixes = ["39.32.0.0/16"]
[[contacts]]
name = "Compliance"
email = "compliance@acme.example"
role = "compliance"
"""
CLIENTS = """\
subscriber_id,client_name,ntn,cnic,other_id,service_ips,msisdn,service_status,active_since,vpn_use
A-1,First Bank,0822910,,,39.32.1.1,,active,2020-01-01,yes
A-2,Second Ltd,0822911,,,39.32.1.2,,active,2020-01-01,yes
A-3,Third,,35202-1234567-1,,39.32.1.3,,active,2020-01-01,yes
"""
REGISTRATIONS = """\
registration_ref,action,subscriber_id,category,client_name,ntn,cnic,other_id,contact_name,contact_email,contact_phone,\
city,province,purpose,connection_type,local_ip,msisdn,vpn_protocol,valid_from,undertaking_ref,verified_on
R-1,add,A-1,bank,First Bank,0822910,,,Ali,it@first.example,051-9225325,Lahore,PB,banking,static_ip,39.32.1.1,,ipsec,\
2026-01-01,U-1,2026-01-01
R-3,add,A-3,freelancer,Third,,3520212345671,,Zia,it@third.example,051-9225326,Lahore,PB,remote_access,static_ip,\
39.32.1.3,,wireguard,2026-01-01,U-3,2026-01-01
"""


class Home:
    """A home of the test's own with one ISP on a folder zone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.zone = folder / "zone"
        isps = folder / "isps"
        for path in (isps, *(self.zone / name for name in ("incoming", "check", "outgoing"))):
            path.mkdir(parents=True)
        (isps / "acme.toml").write_text(ISP.format(folder=self.zone), "utf-8")
        self.env = commands.own_environment(
            VPN_REGISTRY_HOME=str(folder / "home"), VPN_REGISTRY_ISPS=str(isps), VPN_REGISTRY_SETTLE_SECONDS="0"
        )

    def vpnreg(self, *arguments: str, code: int = 0, from_nothing: bool = False) -> str:
        done = (commands.started if from_nothing else commands.forked)(self.env, *arguments)
        assert done.code == code, done.out + done.err
        return done.out if code == 0 else done.out + done.err

    def drop(self, name: str, text: str) -> None:
        (self.zone / "incoming" / name).write_text(text, "utf-8")

    def letters(self) -> list[Mail]:
        """What the relay took for ISPs; the data team's report is none of it."""
        return [mail for mail in read_mails(self.folder / "home" / "mail") if mail.to != (OFFICE,)]

    def answer(self, name: str) -> Any:
        return json.loads((self.zone / "outgoing" / name).read_text("utf-8"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A simulated home after one pass over a client list and a delta."""
    home = Home(tmp_path_factory.mktemp("filed"))
    home.drop("acme_clients_full_20260615_0001.csv", CLIENTS)
    home.drop("acme_registrations_delta_20260615_0001.csv", REGISTRATIONS)
    told = json.loads(home.vpnreg("run", "--as-of", AS_OF, "--json", from_nothing=True))
    assert {one["dag"]: one["state"] for one in told} == dict.fromkeys(one_pass.DAGS, "success")
    return home


def test_a_dropped_file_is_answered_and_counted(filed: Home) -> None:
    result = filed.answer("acme_registrations_delta_20260615_0001.csv.result.json")
    assert result["outcome"] == "accepted"
    assert result["rows"] == {"total": 2, "accepted": 2, "rejected": 0, "duplicate": 0, "warned": 0}
    assert result["simulated"] is True
    assert result["received_at"] == "2026-06-16T04:00:00Z"
    (isp,) = json.loads(filed.vpnreg("status", "--json"))["isps"]
    assert isp["statuses"] == {"registered": 2, "unregistered": 1}
    assert isp["coverage"] == pytest.approx(2 / 3)


def test_every_status_is_explained(filed: Home) -> None:
    told = filed.vpnreg("explain", "acme", "A-2")
    assert "unregistered" in told
    assert "no registration of yours is this client's" in " ".join(told.split())
    filed.vpnreg("explain", "acme", "A-9", code=1)


def test_exports_hide_identity_numbers_and_belong_to_their_owner(filed: Home) -> None:
    rows = list(csv.DictReader(io.StringIO(filed.vpnreg("export", "registry"))))
    assert [row["registration_ref"] for row in rows] == ["R-1", "R-3"]
    assert all(re.fullmatch(r"VPN-2026-\d{7}", row["national_no"]) for row in rows)
    assert rows[0]["ntn"] == "0822910"
    told = json.loads(filed.vpnreg("export", "deliveries", "--format", "json", "--isp", "acme"))
    assert [delivery["outcome"] for delivery in told] == ["accepted", "accepted"]
    file = filed.folder / "export.parquet"
    filed.vpnreg("export", "clients", "--format", "parquet", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    everything = filed.vpnreg("export", "registry", "--format", "json") + filed.vpnreg("export", "clients")
    assert "3520212345671" not in everything.replace("-", "")


def test_identity_numbers_are_revealed_for_a_reason_that_is_kept(filed: Home) -> None:
    assert "--reason" in filed.vpnreg("export", "registry", "--reveal", code=2)
    revealed = filed.vpnreg("export", "registry", "--reveal", "--reason", "Court order 17 of 2026")
    assert "3520212345671" in revealed.replace("-", "")


def test_the_clock_of_a_simulated_home_never_goes_back(filed: Home) -> None:
    assert "lies before" in filed.vpnreg("run", "--as-of", "2026-06-15T09:00+05:00", code=2)


def test_a_held_notice_goes_out_once_it_is_approved(filed: Home) -> None:
    (isp,) = json.loads(filed.vpnreg("status", "--json"))["isps"]
    assert isp["notices"] == {"held": 1}
    assert "N-2026-000001" in filed.vpnreg("approve", "--reason", "figures checked")
    filed.vpnreg("run")
    (mail,) = filed.letters()
    assert mail.to == ("compliance@acme.example",)
    (attachment,) = dict(mail.attachments).values()
    named = list(csv.DictReader(io.StringIO(attachment.decode("utf-8-sig"))))
    assert [row["subscriber_id"] for row in named] == ["A-2"]
    assert "events hold" in filed.vpnreg("audit", "verify")


def test_wrong_use_ends_with_two_and_one_sentence(home: Home) -> None:
    assert "vpnreg db upgrade" in home.vpnreg("run", code=2)
    home.vpnreg("db", "upgrade")
    assert "simulated homes" in home.vpnreg("approve", "--reason", "x", code=2)
    assert "decide_case" in home.vpnreg("decide", "1", "--outcome", "release", "--reason", "x", code=2)
    home.vpnreg("run", "--as-of", "yesterday", code=2)
    home.vpnreg("export", "everything", code=2)
    (home.folder / "isps" / "acme.toml").write_text(ISP.format(folder=home.zone) + "colour = 1\n", "utf-8")
    assert "acme.toml" in home.vpnreg("isp", "list", code=2)


@pytest.fixture(scope="module")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    """A home after the demo, whose zones are reached by SFTP, and what the demo said."""
    home = Home(tmp_path_factory.mktemp("demonstrated"))
    return home, home.vpnreg("demo", from_nothing=True)


def test_the_demo_tells_its_story_once_and_changes_nothing_the_second_time(demonstrated: tuple[Home, str]) -> None:
    home, first = demonstrated
    received = len(read_mails(home.folder / "home" / "mail"))
    assert len(home.letters()) == 4 + 2  # those of the stage, which a person approved, and reminders of missing lists
    assert "demo-operator" in first
    home.env["VPN_REGISTRY_ISPS"] = str(settings.INCLUDE / "isps")
    before = json.loads(home.vpnreg("status", "--json"))
    truth = samples.sample().second
    for isp in before["isps"]:
        assert isp["statuses"] == Counter(status.value for status in truth.get(isp["isp"], {}).values())

    second = home.vpnreg("demo")
    assert "nothing is sent" in second
    assert json.loads(home.vpnreg("status", "--json")) == before
    assert len(read_mails(home.folder / "home" / "mail")) == received


@pytest.mark.soak
def test_an_extract_is_written_into_a_zone_that_is_reached_by_sftp(demonstrated: tuple[Home, str]) -> None:
    home, _ = demonstrated
    home.env["VPN_REGISTRY_ISPS"] = str(settings.INCLUDE / "isps")
    told = json.loads(home.vpnreg("extract", "kirana", "--json"))
    assert told["is_written"]
    file = home.folder / "home" / "zones" / "kirana" / told["path"]
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))
    own = csv.DictReader(io.StringIO(home.vpnreg("export", "registry", "--isp", "kirana"), newline=""))
    assert [row["national_no"] for row in rows] == [row["national_no"] for row in own]
    assert rows
