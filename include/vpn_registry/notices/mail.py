"""The letter as a MIME message: text and HTML alternatives and the CSV attachment, as bytes that stay the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from vpn_registry.notices.rendering import header_text


@dataclass(frozen=True, slots=True)
class MailParts:
    """What one frozen message consists of; the recipient is one bare address."""

    sender: str
    recipient: str
    message_id: str
    dated_at: datetime  # aware; the Date header
    subject: str
    text: str
    html: str
    notice_no: str = ""  # '' for a mail to the office, which has no attachment either
    csv_name: str = ""
    csv_bytes: bytes = b""


def compose_mail(parts: MailParts) -> bytes:
    """The message as it goes to the relay; the same parts give the same bytes.

    7-bit throughout, so that no relay on the way has to re-code it. Auto-Submitted keeps out-of-office replies away
    (RFC 3834). Raises ValueError for an address that isn't one plain mailbox.
    """
    if "@" not in parts.recipient:  # the library's own complaint about '' is an IndexError
        raise ValueError(f"{parts.recipient!r} is not a mailbox")
    mail = EmailMessage(policy.SMTP.clone(cte_type="7bit"))
    mail["From"] = Address("National VPN Registry", addr_spec=parts.sender)
    mail["To"] = Address(addr_spec=parts.recipient)
    mail["Subject"] = header_text(parts.subject)
    mail["Date"] = format_datetime(parts.dated_at)
    mail["Message-ID"] = parts.message_id
    mail["Auto-Submitted"] = "auto-generated"
    if parts.notice_no:
        mail["X-Notice-No"] = parts.notice_no
    mail.set_content(parts.text, cte="base64")
    mail.add_alternative(parts.html, subtype="html", cte="base64")
    if parts.csv_name:
        mail.add_attachment(parts.csv_bytes.decode(), subtype="csv", filename=parts.csv_name, cte="base64")
    _set_boundaries(mail, parts.message_id)
    return mail.as_bytes()


def _set_boundaries(mail: EmailMessage, message_id: str) -> None:
    """Boundaries made from the Message-ID, because the library's are random."""
    seed = "".join(char for char in message_id if char.isalnum())[:40]
    for level, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"={seed}.{level}=")
