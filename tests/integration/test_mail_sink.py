"""The mail sink, asked by another SMTP client than the one the letters go through."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from vpn_registry.demo.mail_sink import ACCEPT, MailSink, read_mails

pytestmark = pytest.mark.services


def letter(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "vpn-registry@registry.example"
    message["To"] = "Compliance <compliance@indus.example>"
    message["Subject"] = f"یاد دہانی {number}"
    message["Message-ID"] = f"<n-2026-00000{number}.1@registry.example>"
    message.set_content("plain\n.\ntext\n")
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment(b"subscriber_id,status\n", maintype="text", subtype="csv", filename="N-2026-000001.csv")
    return message


def send(sink: MailSink, message: EmailMessage, recipients: list[str] | None = None) -> None:
    """One connection, one message. Raises what the server refused."""
    asyncio.run(aiosmtplib.send(message, recipients=recipients, hostname="127.0.0.1", port=sink.port, timeout=10))


def test_an_accepted_message_can_be_read_back_whole(tmp_path: Path) -> None:
    with MailSink(tmp_path / "mail") as sink:
        send(sink, letter(1), ["compliance@indus.example"])
        send(sink, letter(2), ["a@indus.example", "b@indus.example"])
        first, second = sink.mails()
    assert first.to == ("compliance@indus.example",)
    assert second.to == ("a@indus.example", "b@indus.example")
    assert first.sender == "vpn-registry@registry.example"
    assert first.subject == "یاد دہانی 1"
    assert first.message_id == "<n-2026-000001.1@registry.example>"
    assert first.path.name == "000001-n-2026-000001.1@registry.example.eml"
    assert first.text.split() == ["plain", ".", "text"]
    assert first.html.strip() == "<p>html</p>"
    assert first.attachments == {"N-2026-000001.csv": b"subscriber_id,status\n"}


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    for number in (1, 2):
        with MailSink(tmp_path / "mail") as sink:
            send(sink, letter(number))
    assert [mail.path.name[:6] for mail in read_mails(tmp_path / "mail")] == ["000001", "000002"]


def test_a_recipient_can_be_refused(tmp_path: Path) -> None:
    def reply(address: str) -> str:
        return "550 5.1.1 No such user" if address.startswith("gone@") else ACCEPT

    with MailSink(tmp_path / "mail", reply=reply) as sink:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            send(sink, letter(1), ["gone@indus.example"])
        (answer,) = refused.value.recipients
        assert (answer.code, answer.message, answer.recipient) == (550, "5.1.1 No such user", "gone@indus.example")
        send(sink, letter(1), ["here@indus.example"])
        assert [mail.to for mail in sink.mails()] == [("here@indus.example",)]


def test_a_folder_without_mail_has_no_messages(tmp_path: Path) -> None:
    assert read_mails(tmp_path / "nowhere") == []
