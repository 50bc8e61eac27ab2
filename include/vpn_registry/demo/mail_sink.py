"""A mail relay that delivers to a folder: each accepted message becomes one `.eml` file."""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
import logging
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiosmtpd.controller import Controller

LARGEST: Final = 64 * 1024 * 1024
ACCEPT: Final = "250 OK"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as the relay accepted it. `to` are the envelope's recipients, `attachments` file name -> bytes."""

    path: Path
    sender: str
    to: tuple[str, ...]
    subject: str
    message_id: str
    text: str
    html: str
    headers: Mapping[str, str]
    attachments: Mapping[str, bytes] = field(repr=False)


class MailSink:
    """The relay on 127.0.0.1, from `start()` to `stop()` (or a `with` block); port 0 takes a free one.

    `reply` may refuse a recipient: it is given each address and returns the server's line, such as `ACCEPT` or
    `550 5.1.1 No such user`.
    """

    def __init__(self, folder: Path, *, port: int = 0, reply: Callable[[str], str] | None = None) -> None:
        self.folder = folder
        self.port = port
        self._reply = reply
        self._numbers = itertools.count(_last_number(folder) + 1)
        self._controller: Controller | None = None

    def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        from aiosmtpd.controller import Controller  # the command line's other commands need no mail server

        logging.getLogger("mail.log").setLevel(logging.WARNING)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = self.port or free_port()
        controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            ident="mail sink",
        )
        controller.start()
        self._controller = controller

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self) -> MailSink:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def mails(self) -> list[Mail]:
        """What was accepted so far, in order of arrival."""
        return read_mails(self.folder)

    # What the SMTP server calls

    async def handle_RCPT(  # noqa: N802 - the server looks its hooks up by these names; until 2027-12-31
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self._reply(address) if self._reply else ACCEPT
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - as above; until 2027-12-31
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        await asyncio.to_thread(self._keep, envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content)
        return ACCEPT

    def _keep(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Write one message as a relay delivers it: the envelope stands in front of the headers it came with."""
        envelope = [f"Return-Path: <{sender}>", *(f"Delivered-To: {recipient}" for recipient in recipients)]
        message_id = str(email.message_from_bytes(content, policy=email.policy.default).get("Message-ID", "no-id"))
        name = re.sub(r"[^A-Za-z0-9._@-]+", "", message_id)[:100] or "no-id"
        path = self.folder / f"{next(self._numbers):06d}-{name}.eml"
        aside = path.with_name(f".{path.name}.part")
        aside.write_bytes("".join(f"{line}\r\n" for line in envelope).encode("utf-8") + content)
        aside.replace(path)


def read_mails(folder: Path) -> list[Mail]:
    """The messages in a sink's folder, in order of arrival; none when there is no such folder yet."""
    return [read_mail(path) for path in sorted(folder.glob("[0-9]*.eml"))]


def read_mail(path: Path) -> Mail:
    """One stored message, with its parts decoded."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    return Mail(
        path=path,
        sender=str(message.get("Return-Path", "")).strip("<>"),
        to=tuple(str(recipient) for recipient in message.get_all("Delivered-To", [])),
        subject=str(message.get("Subject", "")).strip(),  # a long one may begin on the line below
        message_id=str(message.get("Message-ID", "")).strip(),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={name: str(value) for name, value in message.items()},
        attachments={part.get_filename() or "": _content(part) for part in message.iter_attachments()},
    )


def connection(port: int, sender: str) -> dict[str, object]:
    """The Airflow connection of a relay like this one, to be given as JSON.

    Plain SMTP without log-in, one try per call (`retry_limit` 0: the outbox repeats, with pauses), and real booleans,
    because Airflow reads the text `false` as true.
    """
    return {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": port,
        "extra": {
            "disable_ssl": True,
            "disable_tls": True,
            "retry_limit": 0,
            "timeout": 300,
            "from_email": sender,
        },
    }


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _last_number(folder: Path) -> int:
    return max((int(path.name[:6]) for path in folder.glob("[0-9]*.eml")), default=0)
