"""A campaign's letters through Postfix, and what another mail reader than ours (maildrop's reformime) finds in them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from tests import postfix_server
from tests.installation import Cast, Installation, clients, registrations
from vpn_registry import settings
from vpn_registry.demo.mail_sink import connection
from vpn_registry.model import Mode
from vpn_registry.pipeline import notify
from vpn_registry.registry.engine import engine_for

pytestmark = [pytest.mark.services, pytest.mark.airflow]

URDU = 'language = "ur"\nname_ur = "کرن براڈبینڈ"\n'
GONE = '[[contacts]]\nname = "Left us"\nemail = "gone@indus.example"\nrole = "compliance"\n'
MAILBOXES = tuple(f"{role}@{isp}.example" for isp in ("indus", "kirana") for role in ("compliance", "escalation"))
LONGEST_LINE = 78
"""RFC 5322, section 2.1.1."""

# In a process of its own: Airflow reads its environment when it is imported.
SENDS = """
import airflow_defaults
from vpn_registry import settings
from vpn_registry.one_pass import no_sftp
from vpn_registry.pipeline import dispatch
from vpn_registry.pipeline.exchange import open_exchange

exchange = open_exchange(settings.load(), open_sftp=no_sftp)
for isp in exchange.isps:
    dispatch.send(exchange, isp, airflow_defaults.mail_relay(), holder="test")
"""


@dataclass(frozen=True)
class Sent:
    """The house after sending, and what lies in the mailboxes."""

    house: Installation
    mails: dict[str, list[bytes]]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    """Stage T-3: compliance and escalation of both ISPs, and one address of indus that its server does not know."""
    if why := postfix_server.why_not():
        warnings.warn(f"No letter is sent through a real mail server: {why}.", stacklevel=1)
        pytest.skip(why)
    house = Installation(tmp_path_factory.mktemp("mta"))
    house.add_isp("indus", GONE)
    house.add_isp("kirana", URDU)
    for isp in ("indus", "kirana"):
        cast = Cast(isp)
        house.drop(registrations(isp, 1, cast.registered(3), Mode.FULL))
        cast.open(2)
        house.drop(clients(isp, 1, cast.listed))
    house.at(timedelta())  # opened anew, with the contacts and languages just written
    house.run()
    house.at(timedelta(days=8))
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    notify.approve(house.exchange.registry, actor="tester", reason="figures checked")
    with postfix_server.postfix_server(MAILBOXES) as server:
        send(house, server.port)
        yield Sent(house, server.delivered(len(MAILBOXES)))
    engine_for(house.settings.database_url).dispose()


def send(house: Installation, port: int) -> None:
    """Every approved message, by the SMTP provider's hook."""
    environment = {
        **{name: value for name, value in settings.environment("").items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(connection(port, "registry@regulator.example")),
        "AIRFLOW_HOME": str(house.home / "airflow"),
        "PYTHONPATH": str(settings.INCLUDE),
        "VPN_REGISTRY_HOME": str(house.home),
        "VPN_REGISTRY_ISPS": str(house.settings.isps),
    }
    done = subprocess.run([sys.executable, "-c", SENDS], env=environment, capture_output=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr.decode()


def reformime(mail: bytes, *options: str) -> str:
    done = subprocess.run(["reformime", *options], input=mail, capture_output=True, check=True, timeout=30)
    return done.stdout.decode().replace("\r\n", "\n")


def header(mail: bytes, name: str) -> str:
    """A header as the other reader decodes it."""
    [raw] = re.findall(rf"^{name}:[ ]*(.*(?:\n[ \t].*)*)", mail.partition(b"\n\n")[0].decode("ascii"), re.M)
    return reformime(mail, "-c", "utf-8", "-h", raw.replace("\n", "")).strip()


def contents(mail: bytes) -> list[str]:
    """Text, HTML and attachment as the other reader decodes them; a part always ends with a line end."""
    return [reformime(mail, "-e", "-s", section).rstrip("\n") for section in ("1.1.1", "1.1.2", "1.2")]


def test_each_mailbox_gets_its_copy_and_the_unknown_one_its_own_fate(sent: Sent) -> None:
    assert {address: len(mails) for address, mails in sent.mails.items()} == dict.fromkeys(MAILBOXES, 1)
    rows = sent.house.rows("SELECT email, state, reply FROM messages ORDER BY email")
    assert [row[:2] for row in rows] == [
        *(("compliance@indus.example", "sent"), ("compliance@kirana.example", "sent")),
        *(("escalation@indus.example", "sent"), ("escalation@kirana.example", "sent")),
        ("gone@indus.example", "failed"),
    ]
    assert rows[-1][2].startswith("550 5.1.1 <gone@indus.example>: Recipient address rejected: User unknown")
    assert sent.house.rows("SELECT state FROM notices WHERE stage = 'T-3'") == [("sent",)] * 2


@pytest.mark.parametrize("address", MAILBOXES)
def test_another_reader_finds_what_the_registry_froze(sent: Sent, address: str) -> None:
    [mail] = sent.mails[address]
    [(message_id, subject, text, html, name, attached)] = sent.house.rows(
        """SELECT header_message_id, subject, body_text, body_html, attachment_name, attachment
           FROM messages WHERE email = :email""",
        email=address,
    )
    assert header(mail, "Message-ID") == message_id
    assert header(mail, "To") == header(mail, "Delivered-To") == address
    assert header(mail, "Subject") == subject
    kinds = re.findall(r"^section: (.+)\ncontent-type: (.+)", reformime(mail, "-i"), re.M)
    assert kinds == [
        *(("1", "multipart/mixed"), ("1.1", "multipart/alternative"), ("1.1.1", "text/plain")),
        *(("1.1.2", "text/html"), ("1.2", "text/csv")),
    ]
    assert f"content-disposition-filename: {name}\n" in reformime(mail, "-i")
    assert contents(mail) == [text, html, attached.decode().replace("\r\n", "\n").rstrip("\n")]


def test_the_mails_need_no_recoding_on_their_way(sent: Sent) -> None:
    for [mail] in sent.mails.values():
        lines = mail.split(b"\n")
        assert max(map(len, lines)) <= LONGEST_LINE
        assert mail.isascii()
    assert {header(mail, "Subject").isascii() for [mail] in sent.mails.values()} == {True, False}


def test_the_copies_of_one_letter_differ_only_in_their_envelope(sent: Sent) -> None:
    first, second = (sent.mails[f"{role}@kirana.example"][0] for role in ("compliance", "escalation"))
    assert contents(first) == contents(second)
    assert header(first, "Message-ID") != header(second, "Message-ID")
