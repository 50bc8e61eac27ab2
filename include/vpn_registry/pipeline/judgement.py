"""From a stored delivery to its verdict, its rows in the registry and its queued answers, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from vpn_registry import answers, validation
from vpn_registry.model import ENGLISH, TAKEN, Answer, Delivery, DeliveryState, Feed, Finding, Outcome, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.held import supersede
from vpn_registry.pipeline.holding import reasons_to_hold
from vpn_registry.pipeline.merging import foretell, merge_rows
from vpn_registry.registry import audit, cases, ledger, locks, merge, responses
from vpn_registry.roster import Isp
from vpn_registry.rulebook import KEYS, Context
from vpn_registry.rulebook.file_names import name_findings, number_findings
from vpn_registry.rulebook.files import UNOPENED, UNREADABLE_NAME, file_finding
from vpn_registry.rulebook.languages import retell
from vpn_registry.rulebook.rule import Asked
from vpn_registry.validation import Verdict

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DELIVERY_NOTE: Final = "delivery "
"""How the note on an exception begins that names the delivery it is about."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one delivery; `changed` counts the rows that changed something current."""

    outcome: Outcome
    changed: int


def judge_stored(exchange: Exchange, isp: Isp) -> list[Judged]:
    """Judge whatever of the ISP is stored and not judged yet, in the order of the numbers.

    The caller holds the ISP's lease: nothing is stored meanwhile.
    """
    with exchange.registry.reading() as db:
        waiting = [d for d in ledger.unfinished(db, isp.slug) if d.state is DeliveryState.STORED]
    return [_judge_named(exchange, isp, delivery) for delivery in waiting]


def _judge_named(exchange: Exchange, isp: Isp, delivery: Delivery) -> Judged:
    """Judge it; whatever is raised names the delivery, for who is told of it."""
    try:
        return judge_delivery(exchange, isp, delivery)
    except Exception as error:  # our own fault, of whatever class
        error.add_note(f"{DELIVERY_NOTE}{delivery.id}")
        raise


def judge_delivery(exchange: Exchange, isp: Isp, delivery: Delivery) -> Judged:
    """Judge a stored delivery and commit the consequences together (contract section 6).

    The caller holds the ISP's lease, so what is read before the transaction can't change under it; a worker that lost
    its claim meanwhile is refused by the ledger (Fenced).
    """
    verdict = verdict_on(exchange, isp, delivery)
    at = exchange.now()
    with exchange.registry.writing() as db:
        locks.hold_isp(db, isp.slug)
        held_because = reasons_to_hold(exchange, db, isp, delivery, verdict)
        outcome = Outcome.HELD if held_because else verdict.outcome
        findings = [*verdict.findings, *(file_finding(code, reason=why) for code, why in held_because.items())]
        ledger.conclude(
            db,
            delivery,
            delivery.claim_no,
            outcome=outcome,
            rows=verdict.rows,
            counts_by_code=_all_counts(verdict, findings),
            findings=findings,
            result=verdict.result,
            rulebook_version=verdict.rulebook_version,
            at=at,
        )
        if held_because:
            reason, subject = " ".join(held_because.values()), str(delivery.id)
            cases.open_case(db, isp.slug, cases.HELD_DELIVERY, subject, delivery_id=delivery.id, reason=reason, at=at)
        changed = _follow(exchange, db, delivery, verdict, outcome, findings)
        _audit(exchange, db, "collect_deliveries", "judge", delivery, outcome, changed, at)
    _tell(delivery, outcome, verdict)
    return Judged(outcome, changed)


def take_up(exchange: Exchange, db: Session, held: Delivery, verdict: Verdict, *, actor: str) -> Judged:
    """Merge a held delivery that a person releases, in the transaction of that decision.

    `verdict` is a new one, on the registry as it stands now; nothing is held a second time. The caller holds the
    ISP's lease. Raises Fenced when the delivery is no longer held.
    """
    at = exchange.now()
    counts = _all_counts(verdict, verdict.findings)
    released = ledger.revise(
        db,
        held,
        outcome=verdict.outcome,
        rows=verdict.rows,
        counts_by_code=counts,
        findings=verdict.findings,
        result=verdict.result,
        rulebook_version=verdict.rulebook_version,
        at=at,
    )
    changed = _follow(exchange, db, released, verdict, verdict.outcome, verdict.findings)
    _audit(exchange, db, actor, "release", released, verdict.outcome, changed, at)
    return Judged(verdict.outcome, changed)


def _follow(
    exchange: Exchange,
    db: Session,
    delivery: Delivery,
    verdict: Verdict,
    outcome: Outcome,
    findings: Sequence[Finding],
) -> int:
    """Merge what is to be merged, record each row, queue the answers; how many rows changed something current."""
    effects, changed = None, 0
    if outcome in TAKEN and not delivery.is_check_only:
        effects, changed = merge_rows(exchange, db, delivery, verdict)
        supersede(exchange, db, delivery, exchange.now())
    lines = validation.row_findings(verdict)
    ledger.record_rows(db, delivery, row_outcomes(verdict, effects))
    if delivery.is_check_only and outcome in TAKEN:
        effects = foretell(exchange, db, delivery, verdict)
    ledger.record_findings(db, delivery, lines)
    queued = _answers(exchange, db, delivery, verdict, outcome, findings, lines, effects)
    ledger.queue_answers(db, delivery.id, queued)
    return changed


def _audit(
    exchange: Exchange,
    db: Session,
    actor: str,
    action: str,
    delivery: Delivery,
    outcome: Outcome,
    changed: int,
    at: datetime,
) -> None:
    audit.record(
        db,
        actor=actor,
        action=action,
        object_type="delivery",
        object_id=str(delivery.id),
        detail={"isp": delivery.isp, "outcome": outcome.value, "changed": changed},
        at=at,
    )


def _tell(delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
    """One line for whoever watches the run: ids and codes only."""
    counts = _all_counts(verdict, verdict.findings)
    codes = ", ".join(f"{code} x{count}" for code, count in sorted(counts.items())) or "no finding"
    level = logging.WARNING if outcome in (Outcome.REJECTED, Outcome.HELD) else logging.INFO
    log.log(level, "%s: delivery %s is %s: %s.", delivery.isp, delivery.id, outcome.value, codes)


def verdict_on(exchange: Exchange, isp: Isp, delivery: Delivery) -> Verdict:
    """Judge the stored bytes by the rules, against the registry as it stands."""
    received_on = pakistani_day(delivery.received_at or exchange.now())
    name = delivery.name
    findings = list(name_findings(name, zone=isp.slug, received_on=received_on))
    feed, mode = (name.feed, name.mode) if name else UNREADABLE_NAME
    with exchange.registry.reading() as db:
        use = ledger.number_use(db, delivery)
        known = _known(exchange, db, isp.slug, feed)
        asked = _asked(db, isp.slug) if feed is Feed.RESPONSES else None
    findings += number_findings(use)
    if isp.check_only and not delivery.is_check_only:
        findings.append(file_finding("F109"))
    if delivery.sha256 is None:
        findings.append(file_finding("F211", limit=isp.limits.delivered_bytes))
    elif delivery.declared_sha256 not in (None, delivery.sha256):
        findings.append(file_finding("F212"))
    context = Context(
        isp=isp.slug,
        today=received_on,
        mode=mode,
        seq=name.seq if name else None,
        sample=isp.sample,
        prefixes=isp.prefixes,
        known=known,
        asked=asked,
        has_gap=bool(use.missing),
        row_key=exchange.registry.keys.row_key(),
    )
    decoded = None
    if name and not UNOPENED.intersection(finding.code for finding in findings):
        data = exchange.landing.get(str(delivery.sha256))
        decoded, found = validation.read(data, name.ext, feed, stem=name.stem, limits=isp.limits)
        findings += found
    return validation.judge(
        decoded, findings, feed=feed, mode=mode, context=context, tolerance=(isp.reject_ratio, isp.reject_rows)
    )


def _known(exchange: Exchange, db: Session, isp: str, feed: Feed) -> pd.DataFrame | None:
    """What the registry holds of the keys that a file of the feed may name."""
    if feed is Feed.REGISTRATIONS:
        return merge.known_registrations(db, isp)
    return responses.known_responses(db, isp, exchange.campaign.slug) if feed is Feed.RESPONSES else None


def _asked(db: Session, isp: str) -> Asked:
    return Asked(
        notices=responses.notices_sent(db, isp),
        named=responses.clients_named(db, isp),
        listed=responses.clients_listed(db, isp),
    )


def row_outcomes(verdict: Verdict, effects: pd.DataFrame | None) -> pd.DataFrame:
    """One row a data row, as the ledger keeps it: what became of it and which rules fired."""
    frame = verdict.frame
    outcomes = pd.DataFrame({"row": frame["row"], "line": frame["line"], "key": frame[KEYS[verdict.feed]]})
    outcomes["subscriber_id"] = frame["subscriber_id"]
    outcomes["outcome"] = np.select([verdict.rejected, verdict.duplicate], ["rejected", "duplicate"], "accepted")
    codes = np.full(len(frame), "", dtype=object)
    for code, hit in verdict.hits.items():
        codes[hit] = np.where(codes[hit] == "", code, codes[hit] + f" {code}")
    outcomes["codes"] = codes
    if effects is not None:
        outcomes["effect"] = outcomes["row"].map(effects.set_index("row")["effect"]).astype("object").fillna("")
    return outcomes


def _answers(
    exchange: Exchange,
    db: Session,
    delivery: Delivery,
    verdict: Verdict,
    outcome: Outcome,
    findings: Sequence[Finding],
    lines: pd.DataFrame,
    effects: pd.DataFrame | None,
) -> list[Answer]:
    stem, language = ledger.answer_stem(db, delivery), exchange.isps[delivery.isp].language
    if language != ENGLISH:
        findings, lines = retell(findings, language), validation.row_findings(verdict, language)
    queued = [
        answers.result(
            delivery,
            stem=stem,
            outcome=outcome,
            rows=verdict.rows,
            findings=findings,
            counts_by_code=_all_counts(verdict, findings),
            rulebook_version=verdict.rulebook_version,
            finished_at=exchange.now(),
            simulated=exchange.registry.is_simulated,
        )
    ]
    table = answers.findings(delivery, lines, stem=stem, counts_by_code=verdict.counts_by_code, language=language)
    # What an earlier revision found is told no longer when this one finds nothing.
    if table.content or table.path in ledger.answered_paths(db, delivery.id):
        queued.append(table)
    if effects is not None:
        queued.append(answers.accepted(delivery, effects, stem=stem))
    return queued


def _all_counts(verdict: Verdict, findings: Sequence[Finding]) -> dict[str, int]:
    """Findings by code, on rows and on the file alike."""
    counts = dict(verdict.counts_by_code)
    for finding in findings:
        counts[finding.code] = counts.get(finding.code, 0) + 1
    return counts
