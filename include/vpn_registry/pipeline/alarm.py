"""Word to the office that something of ours failed: one mail a day about one thing, and few in an hour.

Ids only. What happens again is counted, what is too much for a reader is withheld; the daily report names all of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vpn_registry import notices, roster
from vpn_registry.model import pakistani_day
from vpn_registry.notices.mail import MailParts, compose_mail
from vpn_registry.pipeline import office
from vpn_registry.pipeline.exchange import Exchange, MailRelay
from vpn_registry.pipeline.judgement import DELIVERY_NOTE
from vpn_registry.registry import office_mails

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

MAILS_AN_HOUR: Final = 10
"""Who gets more reads none; the last of them says that no more are mailed."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One failure of ours. `task` is `dag.task`, `isp` '' for what is of no single ISP; `means` and `next_step` are the
    sentences of the DAG's own page, `error` the class of what was raised: its words may hold an ISP's data."""

    kind: str
    task: str
    isp: str
    deliveries: tuple[str, ...]
    error: str
    means: str
    next_step: str
    link: str = ""


def deliveries_of(error: BaseException | None) -> tuple[str, ...]:
    """The deliveries that an exception's notes name."""
    notes: Iterable[str] = getattr(error, "__notes__", ())
    return tuple(note.removeprefix(DELIVERY_NOTE) for note in notes if note.startswith(DELIVERY_NOTE))


def raise_alarm(exchange: Exchange, alarm: Alarm) -> bool:
    """Queue a mail about it, unless there was one today; whether one is to be sent."""
    at = exchange.now()
    about = f"{pakistani_day(at)}/{alarm.task}/{alarm.isp or 'every ISP'}"
    with exchange.registry.writing() as db:
        if office_mails.recur(db, alarm.kind, about, at):
            return False
        so_far = office_mails.queued_since(db, office_mails.ALARMS, at - timedelta(hours=1))
        state = office_mails.WITHHELD if so_far >= MAILS_AN_HOUR else office_mails.QUEUED
        facts = asdict(alarm) | {"is_last": so_far == MAILS_AN_HOUR - 1}
        office.queue(exchange, db, alarm.kind, about, "alarm", facts, state=state)
    return state == office_mails.QUEUED


def raise_blind(home: Path, at: datetime, relay: MailRelay, alarm: Alarm) -> bool:
    """The same when the registry itself is out of reach: one mail a day, remembered by a file in the home."""
    day = pakistani_day(at).isoformat()
    marker = home / "alarms" / f"{day}.blind"
    marker.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    told = notices.render_office("alarm", asdict(alarm) | {"is_last": True}, is_simulated=False)
    recipient = roster.load_campaign().office.team_email
    message_id = f"<blind.{day}@{notices.MAIL_DOMAIN}>"
    with relay() as post:
        parts = MailParts(post.from_email or "", recipient, message_id, at, told.subject, told.text, told.html)
        post.post(recipient, compose_mail(parts))
    return True
