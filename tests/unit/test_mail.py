"""A message's bytes are made once and stay the same; another library reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from vpn_registry.notices.mail import MailParts, compose_mail

PARTS = MailParts(
    sender="vpn-registry@registry.example",
    recipient="compliance@indus.example",
    message_id="<n-2026-000001.0a1b@vpn-registry.invalid>",
    notice_no="N-2026-000001",
    dated_at=datetime(2026, 6, 16, 4, tzinfo=UTC),
    subject="Notice N-2026-000001: اطلاع",
    text="Eight clients.\nآٹھ گاہک۔\n",
    html="<p>Eight clients</p>",
    csv_name="N-2026-000001.csv",
    csv_bytes="subscriber_id,status,reason\r\nIND-1,unregistered,نام\r\n".encode(),
)


def read(frozen: bytes) -> EmailMessage:
    return message_from_bytes(frozen, policy=policy.default)


def test_the_same_parts_give_the_same_bytes() -> None:
    assert compose_mail(PARTS) == compose_mail(replace(PARTS))
    assert compose_mail(PARTS) != compose_mail(replace(PARTS, message_id="<other@vpn-registry.invalid>"))


def test_the_message_is_seven_bit_and_survives_the_relay_hook() -> None:
    frozen = compose_mail(PARTS)
    assert frozen.isascii()
    # What the provider's hook does with it before smtplib sends it.
    again = read(message_from_bytes(frozen).as_string().encode("ascii"))
    assert again["Message-ID"] == PARTS.message_id


def test_headers_name_one_recipient_and_keep_robots_quiet() -> None:
    mail = read(compose_mail(PARTS))
    assert [str(address.addr_spec) for address in mail["To"].addresses] == [PARTS.recipient]
    assert mail["Subject"] == PARTS.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == PARTS.dated_at


def test_text_html_and_csv_come_out_as_they_went_in() -> None:
    mail = read(compose_mail(PARTS))
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == PARTS.text
    assert html is not None
    assert html.get_content().strip() == PARTS.html
    (attachment,) = mail.iter_attachments()
    assert attachment.get_filename() == "N-2026-000001.csv"
    assert attachment.get_content_type() == "text/csv"
    assert attachment.get_payload(decode=True) == PARTS.csv_bytes


def test_a_subject_can_not_start_another_header() -> None:
    mail = read(compose_mail(replace(PARTS, subject="Hello\r\nBcc: evil@x.example")))
    assert mail["Bcc"] is None
    assert mail["Subject"] == "Hello Bcc: evil@x.example"


@pytest.mark.parametrize("recipient", ["", "a@x.example, b@x.example", "a b", "a@x.example\r\nBcc: b@x.example"])
def test_anything_but_one_plain_mailbox_is_refused(recipient: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        compose_mail(replace(PARTS, recipient=recipient))
