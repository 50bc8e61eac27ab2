"""The files an ISP gets back in its `outgoing/` (contract section 4): pure, from delivery and verdict to bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import pandas as pd

from vpn_registry.model import ENGLISH, FINDING_COLUMNS, URDU, Answer, Delivery, Finding, Outcome, RowCounts, iso_utc
from vpn_registry.spreadsheet import safe_cell

ACCEPTED_COLUMNS: Final = ("row", "registration_ref", "subscriber_id", "national_no", "action", "effect")

_LEFT_OUT: Final = {
    ENGLISH: (
        "{count:,} more findings are left out here; counts_by_code in the result counts them all.",
        "Correct these first; the others often have the same cause.",
    ),
    URDU: (
        "مزید {count:,} نشان دہیاں یہاں نہیں لکھی گئیں؛ نتیجے کا counts_by_code سب کو گنتا ہے۔",
        "پہلے انہیں درست کریں؛ باقی کی وجہ اکثر یہی ہوتی ہے۔",
    ),
}


def receipt(delivery: Delivery, *, stem: str, simulated: bool) -> Answer:
    """`<file>.receipt.json`: the bytes are stored. `stem` is the name the delivery's answers use."""
    return _json(
        delivery,
        f"{stem}.receipt.json",
        {
            "delivery_id": delivery.id,
            "file": delivery.file_name,
            "sha256": delivery.sha256,
            "size_bytes": delivery.size_bytes,
            "received_at": _moment(delivery.received_at),
            "simulated": simulated,
            "revision": delivery.revision,
        },
    )


def result(
    delivery: Delivery,
    *,
    stem: str,
    outcome: Outcome,
    rows: RowCounts,
    findings: Sequence[Finding],
    counts_by_code: Mapping[str, int],
    rulebook_version: str,
    finished_at: datetime,
    simulated: bool,
    revision: int | None = None,
) -> Answer:
    """`<file>.result.json`: always, also when all is well. `revision` counts results of one delivery from 1."""
    name = delivery.name
    return _json(
        delivery,
        f"{stem}.result.json",
        {
            "delivery_id": delivery.id,
            "file": delivery.file_name,
            "feed": str(name.feed) if name else None,
            "mode": str(name.mode) if name else None,
            "outcome": str(outcome),
            "rows": {
                "total": rows.total,
                "accepted": rows.accepted,
                "rejected": rows.rejected,
                "duplicate": rows.duplicate,
                "warned": rows.warned,
            },
            "findings": [
                {"code": f.code, "severity": str(f.severity), "message": f.message, "remedy": f.remedy}
                for f in findings
            ],
            "counts_by_code": dict(sorted(counts_by_code.items())),
            "rulebook_version": rulebook_version,
            "received_at": _moment(delivery.received_at),
            "finished_at": iso_utc(finished_at),
            "checked_only": delivery.is_check_only,
            "simulated": simulated,
            "revision": delivery.revision if revision is None else revision,
        },
    )


def findings(
    delivery: Delivery, lines: pd.DataFrame, *, stem: str, counts_by_code: Mapping[str, int], language: str = ENGLISH
) -> Answer:
    """`<file>.findings.csv`: `lines` has the file's columns, already limited; no content when no row has a finding.

    When lines were left out the last one says how many, in `language`.
    """
    total, name = sum(counts_by_code.values()), f"{stem}.findings.csv"
    if not total:
        return Answer(_path(delivery, name), b"")
    rows = list(lines[list(FINDING_COLUMNS)].itertuples(index=False, name=None))
    left_out = total - len(rows)
    if left_out > 0:
        message, remedy = _LEFT_OUT[language]
        rows.append(("", "", "", "", "", "", "", message.format(count=left_out), remedy, ""))
    return _table(delivery, name, FINDING_COLUMNS, rows)


def accepted(delivery: Delivery, effects: pd.DataFrame, *, stem: str) -> Answer:
    """`<file>.accepted.csv`: what each accepted registration row did; `effects` has the file's columns."""
    rows = effects[list(ACCEPTED_COLUMNS)].itertuples(index=False, name=None)
    return _table(delivery, f"{stem}.accepted.csv", ACCEPTED_COLUMNS, rows)


def extract(isp: str, frame: pd.DataFrame, *, on: date, at: datetime, simulated: bool) -> tuple[Answer, Answer]:
    """An ISP's own registry and its summary: `extract/<isp>_registry_<yyyymmdd>.csv` and `.json`.

    `frame` is the view `registry` of this ISP with identity numbers masked; `on` is the day in Pakistan of `at`.
    """
    stem = f"extract/{isp}_registry_{on:%Y%m%d}"
    states = frame["state"].value_counts().to_dict()
    content = {
        "isp": isp,
        "file": f"{stem.rpartition('/')[2]}.csv",
        "as_of": iso_utc(at),
        "registrations": len(frame),
        "in_force": int(states.get("in_force", 0)),
        "withdrawn": int(states.get("withdrawn", 0)),
        "simulated": simulated,
    }
    columns = [[_cell(value) for value in frame[name]] for name in frame.columns]
    rows = zip(*columns, strict=True)
    return Answer(f"{stem}.csv", _csv_bytes(tuple(frame.columns), rows)), Answer(f"{stem}.json", _json_bytes(content))


def _cell(value: Any) -> object:
    """Moments as they are exchanged, nothing for what is missing (the registry's nullable columns hold several)."""
    if pd.isna(value):
        return ""
    return iso_utc(value) if isinstance(value, datetime) else value


def _table(delivery: Delivery, name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Answer:
    return Answer(_path(delivery, name), _csv_bytes(header, rows))


def _csv_bytes(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _json(delivery: Delivery, name: str, content: Mapping[str, Any]) -> Answer:
    return Answer(_path(delivery, name), _json_bytes(content))


def _json_bytes(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content, indent=2, ensure_ascii=False)}\n".encode()


def _path(delivery: Delivery, name: str) -> str:
    return f"check/{name}" if delivery.is_check_only else name


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else iso_utc(moment)
