"""From a stored delivery to its verdict, its rows in the registry and its queued answers, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from vpn_registry import answers, validation
from vpn_registry.model import (
    ENGLISH,
    Answer,
    Delivery,
    Effect,
    Feed,
    Finding,
    Outcome,
    pakistani_day,
)
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.held import supersede
from vpn_registry.registry import audit, cases, ledger, locks, merge
from vpn_registry.roster import Isp
from vpn_registry.rulebook import KEYS, Context
from vpn_registry.rulebook.files import UNOPENED, UNREADABLE_NAME, file_finding, name_findings, number_findings
from vpn_registry.rulebook.languages import retell
from vpn_registry.validation import Verdict

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

CHANGES: Final = frozenset({Effect.CREATED, Effect.CHANGED, Effect.CLOSED, Effect.REINSTATED})


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one delivery; `changed` counts the rows that changed something current."""

    outcome: Outcome
    changed: int


def judge_delivery(exchange: Exchange, isp: Isp, delivery: Delivery) -> Judged:
    """Judge a stored delivery and commit the consequences together (contract section 6).

    The caller holds the ISP's lease, so what is read before the transaction can't change under it; a worker that lost
    its claim meanwhile is refused by the ledger (Fenced).
    """
    verdict = _verdict(exchange, isp, delivery)
    at = exchange.now()
    with exchange.registry.writing() as db:
        locks.hold_isp(db, isp.slug)
        held_because = None if delivery.is_check_only else _shrink(db, isp, delivery, verdict)
        outcome = Outcome.HELD if held_because else verdict.outcome
        hold = [file_finding("F302", reason=held_because)] if held_because else []
        findings = [*verdict.findings, *hold]
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
        effects, changed = None, 0
        if held_because:
            cases.open_case(
                db, isp.slug, cases.HELD_DELIVERY, str(delivery.id), delivery_id=delivery.id, reason=held_because, at=at
            )
        elif outcome in (Outcome.ACCEPTED, Outcome.PARTIAL) and not delivery.is_check_only:
            effects, changed = _merge(exchange, db, delivery, verdict)
            supersede(exchange, db, delivery, at)
        lines = validation.row_findings(verdict)
        ledger.record_rows(db, delivery, _row_outcomes(verdict, effects))
        if delivery.is_check_only and outcome in (Outcome.ACCEPTED, Outcome.PARTIAL):
            effects = _foretold(exchange, db, delivery, verdict)
        ledger.record_findings(db, delivery, lines)
        ledger.queue_answers(
            db, delivery.id, _answers(exchange, db, delivery, verdict, outcome, findings, lines, effects)
        )
        audit.record(
            db,
            actor="collect_deliveries",
            action="judge",
            object_type="delivery",
            object_id=str(delivery.id),
            detail={"isp": isp.slug, "outcome": outcome.value, "changed": changed},
            at=at,
        )
    _tell(delivery, outcome, verdict)
    return Judged(outcome, changed)


def _tell(delivery: Delivery, outcome: Outcome, verdict: Verdict) -> None:
    """One line for whoever watches the run: ids and codes only."""
    counts = _all_counts(verdict, verdict.findings)
    codes = ", ".join(f"{code} x{count}" for code, count in sorted(counts.items())) or "no finding"
    level = logging.WARNING if outcome in (Outcome.REJECTED, Outcome.HELD) else logging.INFO
    log.log(level, "%s: delivery %s is %s: %s.", delivery.isp, delivery.id, outcome.value, codes)


def _verdict(exchange: Exchange, isp: Isp, delivery: Delivery) -> Verdict:
    received_on = pakistani_day(delivery.received_at or exchange.now())
    name = delivery.name
    findings = list(name_findings(name, zone=isp.slug, received_on=received_on))
    feed, mode = (name.feed, name.mode) if name else UNREADABLE_NAME
    with exchange.registry.reading() as db:
        use = ledger.number_use(db, delivery)
        known = merge.known_registrations(db, isp.slug) if feed is Feed.REGISTRATIONS else None
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


def _shrink(db: Session, isp: Isp, delivery: Delivery, verdict: Verdict) -> str | None:
    """Why the delivery must wait for a person, because it would close too much."""
    if verdict.outcome not in (Outcome.ACCEPTED, Outcome.PARTIAL):
        return None
    keys = verdict.frame[KEYS[verdict.feed]]
    withdrawn: Sequence[str] = ()
    if verdict.feed is Feed.REGISTRATIONS:
        withdrawn = keys[_merged(verdict) & (verdict.frame["action"] == "withdraw").to_numpy()].tolist()
    return merge.shrink(
        db,
        delivery,
        named=keys.tolist(),
        withdrawn=withdrawn,
        may_close=verdict.may_close,
        ratio=isp.shrink_ratio,
        rows=isp.shrink_rows,
    )


def _merged(verdict: Verdict) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return ~verdict.rejected & ~verdict.duplicate


def _merge(exchange: Exchange, db: Session, delivery: Delivery, verdict: Verdict) -> tuple[pd.DataFrame | None, int]:
    """Merge the good rows; the effects of registrations, and how many rows changed something current."""
    keys, at = exchange.registry.keys, exchange.now()
    column = verdict.frame[KEYS[verdict.feed]]
    rows, rejected = verdict.frame[_merged(verdict)], column[verdict.rejected].tolist()
    if verdict.feed is Feed.CLIENTS:
        counts = merge.merge_clients(
            db, keys, delivery, rows, at=at, may_close=verdict.may_close, protected_ids=rejected
        )
        return None, sum(count for effect, count in counts.items() if effect in CHANGES or effect == "left")
    effects = merge.merge_registrations(
        db,
        keys,
        delivery,
        rows,
        at=at,
        may_close=verdict.may_close,
        protected_refs=rejected,
        confirmed_refs=column[verdict.duplicate].tolist(),
    )
    return effects, int(effects["effect"].isin([str(e) for e in CHANGES]).sum()) + int(effects.attrs["closed_absent"])


def _foretold(exchange: Exchange, db: Session, delivery: Delivery, verdict: Verdict) -> pd.DataFrame | None:
    """What each registration of a file in the test zone would do: merged, and taken back at once.

    Only numbers that are issued already are told; a new registration gets its own when it is filed.
    """
    with db.begin_nested() as attempt:
        effects, _ = _merge(exchange, db, delivery, verdict)
        attempt.rollback()
    if effects is None:
        return None
    return effects.assign(national_no=effects["national_no"].where(effects["effect"] != Effect.CREATED, ""))


def _row_outcomes(verdict: Verdict, effects: pd.DataFrame | None) -> pd.DataFrame:
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
        outcomes["effect"] = outcomes["row"].map(effects.set_index("row")["effect"]).fillna("")
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
    if table := answers.findings(delivery, lines, stem=stem, counts_by_code=verdict.counts_by_code, language=language):
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
