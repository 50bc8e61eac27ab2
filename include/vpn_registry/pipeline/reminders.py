"""What the reminders say, by the registry of the very transaction that lets them go (contract section 8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from vpn_registry import notices
from vpn_registry.campaign import ENDING, SILENT
from vpn_registry.model import Status, pakistani_day
from vpn_registry.notices import NoticeData, Parts
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.silence import overdue_on
from vpn_registry.registry import mutes, reminders, statuses
from vpn_registry.registry.outbox import Notice
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.orm import Session

ENDS_WITHIN: Final = timedelta(days=30)
"""How long before its end a registration is told, and how long a client once told is left alone."""


def ending(exchange: Exchange, db: Session, isp: Isp, but: str = "") -> pd.DataFrame:
    """The clients whose registration in force ends soon and whom no letter but `but` told lately, as notices name
    them; the muted are left out."""
    today = pakistani_day(exchange.now())
    soon = reminders.ending(db, isp.slug, today, today + ENDS_WITHIN)
    told = reminders.named_since(db, isp.slug, exchange.now() - ENDS_WITHIN, but=but)
    told |= mutes.clients(db, isp.slug, exchange.now())
    soon = soon[~soon["subscriber_id"].isin(told)].reset_index(drop=True)
    reason = "Registration " + soon["registration_ref"] + " (" + soon["national_no"] + ") ends on " + soon["valid_to"]
    return soon.assign(status=Status.EXPIRING.value, reason=reason + ".")[list(notices.COLUMNS)]


def data(exchange: Exchange, db: Session, isp: Isp, notice: Notice) -> NoticeData | None:
    """What a reminder says; None when its reason has gone meanwhile."""
    parts = notices.no_parts()
    if notice.form == ENDING:
        parts = Parts(parts.to_register, ending(exchange, db, isp, but=notice.notice_no))
    overdue = overdue_on(exchange, db, isp) if notice.form == SILENT else None
    if not parts.subscribers and overdue is None:
        return None
    return NoticeData(
        notice_no=notice.notice_no,
        form=notice.form,
        dated_on=pakistani_day(exchange.now()),
        deadline_on=notice.ends_on,
        isp=replace(isp, cadence_days=isp.list_days),
        campaign=exchange.campaign,
        tally=notices.tally(statuses.latest(db, isp.slug)),
        parts=parts,
        list_on=statuses.list_on(db, isp.slug),
        due_on=overdue,
        is_simulated=exchange.registry.is_simulated,
    )
