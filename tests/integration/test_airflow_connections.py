"""The connections the demo hands to Airflow, opened by the providers' own hooks."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from vpn_registry import settings
from vpn_registry.demo.deliver import deliver
from vpn_registry.demo.services import services

pytestmark = [pytest.mark.services, pytest.mark.airflow]

# In a process of its own: Airflow reads its environment when it is imported.
HOOKS = """
import json, sys
from airflow.providers.sftp.hooks.sftp import SFTPHook
from airflow.providers.smtp.hooks.smtp import SmtpHook
from paramiko import SSHException
from vpn_registry.dropzone import SftpZone

with SFTPHook(ssh_conn_id="sftp_indus").get_managed_conn() as client:
    zone = SftpZone(client, seconds=10)
    listed = [(entry.name, entry.size, entry.kind) for entry in zone.list("incoming")]
    zone.write("outgoing/a.csv.receipt.json", b"{}")
with SmtpHook(smtp_conn_id="smtp_default") as relay:
    relay.send_email_smtp(
        to=["compliance@indus.example"], subject="Notice", html_content="<p>text</p>",
        custom_headers={"Message-ID": "<n-1@registry.example>"},
    )
try:
    with SFTPHook(ssh_conn_id="sftp_wrong").get_managed_conn():
        wrong = "connected"
except SSHException as error:
    wrong = type(error).__name__
json.dump({"listed": listed, "wrong": wrong}, open(sys.argv[1], "w"))
"""


def test_the_providers_hooks_reach_the_zone_and_the_relay(tmp_path: Path) -> None:
    with services(tmp_path / "home", ["indus"]) as running:
        deliver(running.account("indus"), {"a.csv": b"12345"})
        other = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"x" * 32).decode()
        wrong = json.loads(running.environment["AIRFLOW_CONN_SFTP_INDUS"])
        wrong["extra"]["host_key"] = f"ssh-ed25519 {other}"
        environment = {
            **{name: value for name, value in settings.environment("").items() if not name.startswith("AIRFLOW")},
            **running.environment,
            "AIRFLOW_CONN_SFTP_WRONG": json.dumps(wrong),
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "PYTHONPATH": str(Path(__file__).parents[2] / "include"),
        }
        done = subprocess.run(
            [sys.executable, "-c", HOOKS, str(tmp_path / "seen.json")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (mail,) = running.mails()
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen == {"listed": [["a.csv", 5, "file"]], "wrong": "BadHostKeyException"}
    assert (tmp_path / "home/zones/indus/outgoing/a.csv.receipt.json").read_bytes() == b"{}"
    assert (mail.sender, mail.to) == ("vpn-registry@registry.example", ("compliance@indus.example",))
    assert mail.message_id == "<n-1@registry.example>"
