"""A notice's letter, composed in the transaction that lets it go (contract section 8)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from vpn_registry import notices
from vpn_registry.campaign import EXTENDED, REMINDERS
from vpn_registry.model import Answer, pakistani_day
from vpn_registry.notices import Letter, NoticeData, Purpose
from vpn_registry.pipeline import mutes, reconcile, reminders
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.scopes import scope_of
from vpn_registry.reconciliation.comparison import RULE_VERSION
from vpn_registry.registry import audit, ledger, outbox, statuses
from vpn_registry.registry.messages import FrozenLetter
from vpn_registry.registry.outbox import Notice
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


COMPOSED: Final = "letter_composed"
"""The audit event that keeps what a letter was made from; of several tries the last one is what left."""


def compose(exchange: Exchange, db: Session, isp: Isp, notice: Notice) -> FrozenLetter | None:
    """The letter by the statuses of this very transaction: a client that registered before it is not in it.

    None when there is nothing left to tell. Its copy for the zone is queued beside it.
    """
    reconcile.refresh(exchange, db, isp.slug)
    data = notice_data(exchange, db, isp, notice)
    if data is None:
        return None
    letters = notices.load_letters()
    letter = notices.render(letters, data)
    parts = {"A": data.parts.to_register, "B": data.parts.to_check}
    outbox.name_clients(db, notice, parts, asdict(data.tally))
    ledger.queue_zone_files(db, isp.slug, _zone_copy(notice, letter))
    audit.record(
        db,
        actor="send_notices",
        action=COMPOSED,
        object_type="notice",
        object_id=notice.notice_no,
        detail={
            "isp": isp.slug,
            "deadline_version": notice.deadline_version,
            "rule_version": RULE_VERSION,
            **notices.recipe(letters, data),
        },
        at=exchange.now(),
    )
    return FrozenLetter(letter.subject, letter.text, letter.html, letter.csv_name, letter.csv_bytes)


def notice_data(exchange: Exchange, db: Session, isp: Isp, notice: Notice) -> NoticeData | None:
    """What the letter of the notice says as the registry stands; None when there is nothing left to tell."""
    if notice.form in REMINDERS:
        return reminders.data(exchange, db, isp, notice)
    scope = scope_of(exchange, db, notice)
    now = scope.of(statuses.latest(db, isp.slug))
    shown = mutes.told(exchange, db, isp.slug, now)
    today = pakistani_day(exchange.now())
    last = scope.last_sent(db)
    named_before = scope.named_before(last)
    # The letter `extended` belongs to no stage: it asks what the days left ask.
    offset = notices.load_letters().offsets.get(notice.stage, (today - notice.ends_on).days)
    parts = notices.select_parts(
        shown,
        offset=offset,
        today=today,
        holidays=exchange.holidays,
        registering=reconcile.registering_since(exchange, db, isp.slug),
        review_since=reconcile.review_since(now),
    )
    purpose = notices.purpose_of(parts, shown, named_before)
    form = notices.NOTHING_OUTSTANDING if purpose is Purpose.NOTHING_OUTSTANDING else notice.stage
    if notice.stage == EXTENDED:
        form = EXTENDED
    elif purpose is Purpose.NOTHING_TO_TELL:
        return None
    told = scope.told_on(db, before=notice.notice_no)
    progress = None
    if last is not None:
        progress = notices.since_last(parts, shown, named_before, number=last.notice_no, dated_on=last.dated_on)
    return NoticeData(
        notice_no=notice.notice_no,
        form=form,
        dated_on=today,
        deadline_on=notice.ends_on,
        isp=isp,
        campaign=exchange.campaign,
        tally=notices.tally(now),
        parts=parts,
        progress=progress,
        list_on=statuses.list_on(db, isp.slug),
        previous_deadline_on=told if told is not None and told < notice.ends_on else None,
        decision=scope.deadline.source if form == EXTENDED else "",
        only=scope.only,
        is_simulated=exchange.registry.is_simulated,
    )


def _zone_copy(notice: Notice, letter: Letter) -> list[Answer]:
    path = f"notices/{notice.notice_no}"
    return [
        Answer(f"{path}.html", letter.zone_html.encode()),
        Answer(f"{path}.txt", letter.zone_text.encode()),
        Answer(f"{path}.csv", letter.zone_csv),
    ]
