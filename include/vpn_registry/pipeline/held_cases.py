"""A person's decision on a held delivery: release merges it under its own number, refusal ends it (contract
section 4). Each replaces the result with the next revision."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vpn_registry import answers, validation
from vpn_registry.model import Delivery, Outcome
from vpn_registry.pipeline import judgement
from vpn_registry.pipeline.dispatch import ZoneBusyError
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import ledger, locks
from vpn_registry.registry.cases import Case, Decision, DecisionRefusedError
from vpn_registry.rulebook.files import file_finding
from vpn_registry.rulebook.languages import retell

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def release(exchange: Exchange, case: Case, decision: Decision, record: Callable[[Session], None]) -> None:
    """Judge the stored bytes anew, against the registry of now, and merge what is good, with the decision.

    Raises DecisionRefusedError when the delivery is no longer held, ZoneBusyError while another run is at work on the
    ISP's zone: try again.
    """
    isp = exchange.isps[case.isp]
    with exchange.leased(isp, f"case {case.id}") as is_ours:
        if not is_ours:
            raise ZoneBusyError(f"{case.isp}: another run is at work on this zone; case {case.id} is still open.")
        judgement.judge_stored(exchange, isp)  # what this file builds on, or what settles it, may just have come
        with exchange.registry.reading() as db:
            held = _held(db, case)
        verdict = judgement.verdict_on(exchange, isp, held)
        with exchange.registry.writing() as db:
            locks.hold_isp(db, isp.slug)
            record(db)
            judgement.take_up(exchange, db, held, verdict, actor=decision.actor)


def refuse(exchange: Exchange, case: Case, decision: Decision, record: Callable[[Session], None]) -> None:
    """Reject the delivery as a whole, with the decision; the ISP reads the reason. Nothing is merged.

    Raises DecisionRefusedError when the delivery is no longer held.
    """
    refusal = file_finding("F307", reason=decision.reason)
    with exchange.registry.writing() as db:
        locks.hold_isp(db, case.isp)
        held = _held(db, case)
        before = ledger.stored_verdict(db, held)
        findings = [*before.findings, refusal]
        told = [*before.result["file_findings"], {"code": refusal.code, "severity": str(refusal.severity)}]
        result = {**before.result, "file_findings": told}
        counts = {**before.counts_by_code, refusal.code: 1}
        rows, at = validation.counts_of(result), exchange.now()
        record(db)
        refused = ledger.revise(
            db,
            held,
            outcome=validation.outcome_of(result),
            rows=rows,
            counts_by_code=counts,
            findings=findings,
            result=result,
            rulebook_version=before.rulebook_version,
            at=at,
        )
        ledger.carry_over(db, held, refused, outcome="rejected")
        answer = answers.result(
            refused,
            stem=ledger.answer_stem(db, refused),
            outcome=Outcome.REJECTED,
            rows=rows,
            findings=retell(findings, exchange.isps[case.isp].language),
            counts_by_code=counts,
            rulebook_version=before.rulebook_version,
            finished_at=at,
            simulated=exchange.registry.is_simulated,
        )
        ledger.queue_answers(db, refused.id, [answer])


def _held(db: Session, case: Case) -> Delivery:
    delivery = ledger.get(db, int(case.subject))
    if delivery.outcome is not Outcome.HELD:
        raise DecisionRefusedError(
            f"Delivery {delivery.id} of case {case.id} is {delivery.outcome} already; what was merged is corrected by"
            " the ISP's next file."
        )
    return delivery
