"""The last rung of the ladder (contract section 8): after the last stage people get a dossier, and that is all.

One case an ISP and deadline asks the data team to hand its dossier to the legal section, or to say why not.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign, notices
from vpn_registry.model import PENDING, TO_REGISTER, Status, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.scopes import Scope, scopes
from vpn_registry.registry import cases, outbox, status_runs, statuses

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

_OUTSTANDING: Final = (*TO_REGISTER, Status.DISPUTED)


def hand_over(exchange: Exchange) -> list[str]:
    """Open the case of each ISP whose last stage is over while something is outstanding; the slugs of those ISPs.

    Once for each deadline, also for an ISP of which nothing can be said because it never sent a list. A later deadline
    of one client is looked at when the next one runs out: his ISP's dossier names him in any case.
    """
    with exchange.registry.reading() as db:
        due = [isp for isp in exchange.isps if _asked(exchange, db, isp)]
    opened = []
    for isp in due:
        with exchange.registry.writing() as db:
            asked = _asked(exchange, db, isp)
            if asked is None:  # somebody was faster, or the last client was registered
                continue
            subject, why = asked
            number = cases.open_case(db, isp, cases.DOSSIER, subject, reason=why, at=exchange.now())
        log.warning("%s: case %s asks for its dossier. %s", isp, number, why)
        opened.append(isp)
    return opened


def _asked(exchange: Exchange, db: Session, isp: str) -> tuple[str, str] | None:
    """Subject and reason of the case that is to be opened about the ISP; None when there is none, or it was."""
    scope = scopes(exchange, db, isp)[0]
    subject = f"{scope.deadline.campaign}/{scope.deadline.version}"
    if not _is_over(exchange, db, scope) or cases.cases_about(db, isp, [subject], [cases.DOSSIER]):
        return None
    why = _why(db, isp)
    return (subject, why) if why else None


def _is_over(exchange: Exchange, db: Session, scope: Scope) -> bool:
    """Whether the last stage of the deadline has come, and its notice, if the ISP has one, waits for nothing more."""
    stages = campaign.plan_stages(scope.deadline, notices.load_letters().offsets, exchange.holidays)
    last = stages[-1]
    if pakistani_day(exchange.now()) < last.on:
        return False
    if campaign.stages_of_isp([last], statuses.first_list_on(db, scope.isp)):
        state = outbox.state_of(db, scope.deadline.campaign, scope.deadline.version, last.stage, scope.isp)
        return state is not None and state not in PENDING
    return True


def _why(db: Session, isp: str) -> str | None:
    """What is outstanding, in one sentence with the way to the dossier; None when nothing is."""
    how = f'`vpnreg dossier {isp} --reason "..."` writes the dossier for the legal section.'
    if statuses.list_on(db, isp) is None:
        return f"The last notice is over, and no client list of this ISP was ever accepted. {how}"
    run = status_runs.last(db).get(isp)
    counts = run.counts if run else {}
    outstanding = sum(counts.get(status, 0) for status in _OUTSTANDING)
    if outstanding:
        return f"The last notice is over, and {outstanding} clients are still to register or disputed. {how}"
    if counts.get(Status.NOT_COMPARABLE):
        return f"The last notice is over, and this ISP's client list is too old to say who is unregistered. {how}"
    return None
