"""What becomes of held deliveries when no person decides: a newer full file of the series supersedes them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from vpn_registry import answers
from vpn_registry.model import Delivery, Mode, Outcome
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, cases, ledger
from vpn_registry.rulebook.languages import retell

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def supersede(exchange: Exchange, db: Session, taken: Delivery, at: datetime) -> None:
    """Settle the held deliveries that a full file, taken in this transaction, made pointless (contract section 4).

    Each gets a result with the next revision, and its case is closed: nobody has to decide on yesterday's list.
    """
    name = taken.name
    if name is None or name.mode is not Mode.FULL:
        return
    for held in ledger.held(db, taken.isp, name.feed):
        if held.is_check_only or held.name is None or held.name.seq > name.seq:
            continue
        verdict = ledger.stored_verdict(db, held)
        revised = ledger.revise(
            db,
            held,
            outcome=Outcome.SUPERSEDED,
            rows=verdict.rows,
            counts_by_code=verdict.counts_by_code,
            findings=verdict.findings,
            result=verdict.result,
            rulebook_version=verdict.rulebook_version,
            at=at,
        )
        result = answers.result(
            revised,
            stem=ledger.answer_stem(db, revised),
            outcome=Outcome.SUPERSEDED,
            rows=verdict.rows,
            findings=retell(verdict.findings, exchange.isps[revised.isp].language),
            counts_by_code=verdict.counts_by_code,
            rulebook_version=verdict.rulebook_version,
            finished_at=at,
            simulated=exchange.registry.is_simulated,
        )
        ledger.queue_answers(db, revised.id, [result])
        cases.close_case(db, revised.isp, cases.HELD_DELIVERY, str(revised.id), at=at)
        audit.record(
            db,
            actor="collect_deliveries",
            action="supersede",
            object_type="delivery",
            object_id=str(revised.id),
            detail={"isp": revised.isp, "by": taken.id, "revision": revised.revision},
            at=at,
        )
