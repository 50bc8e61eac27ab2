"""What a relay can do to one message, and what we make of it: the real hook against a scripted server."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vpn_registry import settings
from vpn_registry.demo.mail_sink import connection

pytestmark = [pytest.mark.services, pytest.mark.airflow]

# In a process of its own: Airflow reads its environment when it is imported.
TRIES = """
import json, sys
import airflow_defaults
from vpn_registry.notices.outcomes import outcome_of

told = {}
for recipient in json.loads(sys.argv[1]):
    try:
        with airflow_defaults.mail_relay()() as relay:
            relay.post(recipient, b"Subject: Notice\\r\\nMessage-ID: <n-1@registry.example>\\r\\n\\r\\ntext\\r\\n")
    except Exception as error:
        outcome = outcome_of(error)
    else:
        outcome = outcome_of(None)
    told[recipient] = [outcome.state.value, outcome.reply]
json.dump(told, open(sys.argv[2], "w"))
"""


class Conversation(socketserver.StreamRequestHandler):
    """An SMTP server that does to each recipient what the local part of the address says."""

    def handle(self) -> None:
        self.say("220 relay.example")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            command = line.split(":")[0].upper()
            if command == "RCPT TO":
                recipient = line.partition("<")[2].partition("@")[0]
                self.server.tried.append(recipient)  # type: ignore[attr-defined]  # the test's own server
            if not self.go_on(command, recipient):
                return

    def go_on(self, command: str, recipient: str) -> bool:
        """Answer one command; False to hang up."""
        if command == "DATA":
            if recipient == "cut-at-data":
                return False
            self.say("354 go on")
            while self.rfile.readline().strip() != b".":
                continue
            if recipient == "cut-after-the-dot":
                return False
            self.say(
                {"later-after-the-dot": "451 4.3.0 later", "never-after-the-dot": "554 5.6.0 no"}.get(
                    recipient, "250 ok"
                )
            )
        elif command == "RCPT TO":
            self.say({"later": "450 4.2.0 greylisted", "gone": "550 5.1.1 No such user"}.get(recipient, "250 ok"))
        else:
            self.say("250 ok")
        return command != "QUIT"

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def scripted_relay() -> Iterator[tuple[int, list[str]]]:
    """The port of a scripted relay, and the local parts it was given, in order."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation) as server:
        server.daemon_threads = True
        tried: list[str] = []
        server.tried = tried  # type: ignore[attr-defined]  # the test's own attribute
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], tried
        finally:
            server.shutdown()
            thread.join()


def test_every_answer_of_a_relay_is_understood_and_nothing_is_tried_twice(tmp_path: Path) -> None:
    expected = {
        "here": ["sent", ""],
        "later": ["approved", "450 4.2.0 greylisted"],
        "gone": ["failed", "550 5.1.1 No such user"],
        "later-after-the-dot": ["approved", "451 4.3.0 later"],
        "never-after-the-dot": ["failed", "554 5.6.0 no"],
        "cut-at-data": ["uncertain", "SMTPServerDisconnected: Connection unexpectedly closed"],
        "cut-after-the-dot": ["uncertain", "SMTPServerDisconnected: Connection unexpectedly closed"],
    }
    recipients = [f"{local}@indus.example" for local in expected]
    with scripted_relay() as (port, tried):
        environment = {
            **{name: value for name, value in settings.environment("").items() if not name.startswith("AIRFLOW")},
            # A connection that asks for retries gets none: they would blur what happened.
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(with_retries(connection(port, "registry@registry.example"))),
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "PYTHONPATH": str(settings.INCLUDE),
        }
        arguments = [json.dumps(recipients), str(tmp_path / "told.json")]
        done = subprocess.run(
            [sys.executable, "-c", TRIES, *arguments], env=environment, capture_output=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
    told = json.loads((tmp_path / "told.json").read_text())
    assert {recipient.partition("@")[0]: outcome for recipient, outcome in told.items()} == expected
    assert tried == list(expected)


def with_retries(made: dict[str, object]) -> dict[str, object]:
    extra = made["extra"]
    assert isinstance(extra, dict)
    return {**made, "extra": {**extra, "retry_limit": 5}}
