"""What was decided about a delivery: outcome, counts, verdict, rows and findings, one set a revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, literal, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import FINDING_COLUMNS, Delivery, DeliveryState, Feed, Finding, Outcome, RowCounts
from vpn_registry.registry import deliveries
from vpn_registry.registry.bulk import insert_frame
from vpn_registry.registry.tables import DeliveryRow, DeliveryRowRow, FindingRow, ValidationResultRow

if TYPE_CHECKING:
    import pandas as pd

_ROW_COLUMNS: Final = ("row", "line", "key", "subscriber_id", "outcome", "effect", "codes")


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """What was decided about one revision of a delivery; `findings` are the file-level ones."""

    rows: RowCounts
    counts_by_code: dict[str, int]
    findings: tuple[Finding, ...]
    result: dict[str, Any]
    rulebook_version: str


def conclude(
    db: Session,
    delivery: Delivery,
    claim_no: int,
    *,
    outcome: Outcome,
    rows: RowCounts,
    counts_by_code: Mapping[str, int],
    findings: Iterable[Finding],
    result: Mapping[str, Any],
    rulebook_version: str,
    at: datetime,
) -> None:
    """The verdict on a stored delivery: stored -> judged, in the transaction that merges its rows.

    `findings` are the file-level ones. Raises Fenced when another worker has claimed the delivery since.
    """
    deliveries.advance(
        db, delivery.id, claim_no, DeliveryState.STORED,
        state=DeliveryState.JUDGED, **_verdict(outcome, rows, rulebook_version, at),
    )  # fmt: skip
    _store_verdict(db, delivery.id, delivery.revision, outcome, counts_by_code, result, rulebook_version, at)
    _store_findings(db, delivery.id, delivery.revision, findings)


def revise(
    db: Session,
    delivery: Delivery,
    *,
    outcome: Outcome,
    rows: RowCounts,
    counts_by_code: Mapping[str, int],
    findings: Iterable[Finding],
    result: Mapping[str, Any],
    rulebook_version: str,
    at: datetime,
) -> Delivery:
    """A held delivery is released, refused or superseded: judged again as revision + 1, to be answered again.

    `delivery` is as the caller last read it; raises Fenced when it has been decided since. Record rows and queue
    answers with the delivery that is returned.
    """
    changed = db.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.id == delivery.id,
            DeliveryRow.outcome == Outcome.HELD,
            DeliveryRow.revision == delivery.revision,
            DeliveryRow.state.in_((DeliveryState.JUDGED, DeliveryState.ANSWERED)),
        )
        .values(
            state=DeliveryState.JUDGED,
            revision=delivery.revision + 1,
            claim_no=DeliveryRow.claim_no + 1,
            **_verdict(outcome, rows, rulebook_version, at),
        )
    )
    if deliveries.changed_rows(changed) != 1:
        raise deliveries.Fenced(f"delivery {delivery.id} is no longer held as revision {delivery.revision}")
    revision = delivery.revision + 1
    _store_verdict(db, delivery.id, revision, outcome, counts_by_code, result, rulebook_version, at)
    _store_findings(db, delivery.id, revision, findings)
    return deliveries.get(db, delivery.id)


def stored_results(db: Session, *, isp: str | None, limit: int) -> list[tuple[int, int, str, datetime, dict[str, Any]]]:
    """(delivery, revision, ISP, judged at, validation result) of the newest verdicts, newest first."""
    row = ValidationResultRow
    query = (
        select(row.delivery_id, row.revision, DeliveryRow.isp, row.judged_at, row.result)
        .join(DeliveryRow, DeliveryRow.id == row.delivery_id)
        .order_by(row.judged_at.desc(), row.delivery_id.desc(), row.revision.desc())
        .limit(limit)
    )
    return [tuple(found) for found in db.execute(query if isp is None else query.where(DeliveryRow.isp == isp))]


def held(db: Session, isp: str, feed: Feed) -> list[Delivery]:
    """The held deliveries of a series that wait for a person, in working order."""
    return deliveries.find(db, DeliveryRow.isp == isp, DeliveryRow.feed == feed, DeliveryRow.outcome == Outcome.HELD)


def stored_verdict(db: Session, delivery: Delivery) -> StoredVerdict:
    """The verdict of a judged delivery's present revision, as `conclude` or `revise` stored it."""
    of_revision = (
        ValidationResultRow.delivery_id == delivery.id,
        ValidationResultRow.revision == delivery.revision,
    )
    verdict = db.execute(
        select(
            ValidationResultRow.counts_by_code,
            ValidationResultRow.result,
            ValidationResultRow.rulebook_version,
            DeliveryRow.rows_total,
            DeliveryRow.rows_accepted,
            DeliveryRow.rows_rejected,
            DeliveryRow.rows_duplicate,
            DeliveryRow.rows_warned,
        )
        .join(DeliveryRow, DeliveryRow.id == ValidationResultRow.delivery_id)
        .where(*of_revision)
    ).one()
    findings = db.execute(
        select(FindingRow.code, FindingRow.severity, FindingRow.message, FindingRow.remedy, FindingRow.facts)
        .where(
            FindingRow.delivery_id == delivery.id, FindingRow.revision == delivery.revision, FindingRow.row.is_(None)
        )
        .order_by(FindingRow.id)
    )
    counts, result, version, *rows = verdict
    return StoredVerdict(
        rows=RowCounts(*(int(count or 0) for count in rows)),
        counts_by_code=dict(counts),
        findings=tuple(Finding(f.code, f.severity, f.message, f.remedy, f.facts or {}) for f in findings),
        result=dict(result),
        rulebook_version=version,
    )


def record_rows(db: Session, delivery: Delivery, frame: pd.DataFrame) -> None:
    """Store the outcome of every data row of a delivery's present revision.

    Columns: `row`, `line`, `outcome` (accepted, rejected, duplicate); text and optional: `key`, `subscriber_id`,
    `effect`, `codes` (finding codes separated by a blank). Other columns are ignored.
    """
    rows = frame[[name for name in _ROW_COLUMNS if name in frame.columns]].copy()
    for name in ("key", "subscriber_id", "effect", "codes"):
        if name not in rows.columns:
            rows[name] = ""
    rows["delivery_id"] = delivery.id
    rows["revision"] = delivery.revision
    insert_frame(db, DeliveryRowRow, rows)


def record_findings(db: Session, delivery: Delivery, frame: pd.DataFrame) -> None:
    """Store row findings; `frame` has the columns of findings.csv, identity numbers already masked."""
    rows = frame[list(FINDING_COLUMNS)].rename(columns={"column": "column_name"})
    rows["delivery_id"] = delivery.id
    rows["revision"] = delivery.revision
    insert_frame(db, FindingRow, rows)


def carry_over(db: Session, before: Delivery, after: Delivery, *, outcome: str) -> None:
    """Repeat rows and row findings of a delivery's revision in a later one, every row with this outcome."""
    rows, findings = DeliveryRowRow.__table__.c, FindingRow.__table__.c
    new_row = {column.name: column for column in rows} | {
        "revision": literal(after.revision),
        "outcome": literal(outcome),
    }
    of_rows = select(*new_row.values()).where(rows.delivery_id == before.id, rows.revision == before.revision)
    db.execute(insert(DeliveryRowRow).from_select(list(new_row), of_rows))
    new_finding = {column.name: column for column in findings if column.name != "id"}
    new_finding |= {"revision": literal(after.revision)}
    of_findings = select(*new_finding.values()).where(
        findings.delivery_id == before.id, findings.revision == before.revision, findings.row.is_not(None)
    )
    db.execute(insert(FindingRow).from_select(list(new_finding), of_findings))


def _verdict(outcome: Outcome, rows: RowCounts, rulebook_version: str, at: datetime) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "rows_total": rows.total,
        "rows_accepted": rows.accepted,
        "rows_rejected": rows.rejected,
        "rows_duplicate": rows.duplicate,
        "rows_warned": rows.warned,
        "rulebook_version": rulebook_version,
        "judged_at": at,
    }


def _store_verdict(
    db: Session,
    delivery_id: int,
    revision: int,
    outcome: Outcome,
    counts_by_code: Mapping[str, int],
    result: Mapping[str, Any],
    rulebook_version: str,
    at: datetime,
) -> None:
    db.execute(
        insert(ValidationResultRow).values(
            delivery_id=delivery_id,
            revision=revision,
            outcome=outcome,
            counts_by_code=dict(counts_by_code),
            result=dict(result),
            rulebook_version=rulebook_version,
            judged_at=at,
        )
    )


def _store_findings(db: Session, delivery_id: int, revision: int, findings: Iterable[Finding]) -> None:
    empty = dict.fromkeys(("key", "column_name", "value", "suggestion"), "")
    rows = [
        {
            "delivery_id": delivery_id,
            "revision": revision,
            "code": finding.code,
            "severity": finding.severity,
            "message": finding.message,
            "remedy": finding.remedy,
            "facts": dict(finding.facts),
            **empty,
        }
        for finding in findings
    ]
    if rows:
        db.execute(insert(FindingRow), rows)
