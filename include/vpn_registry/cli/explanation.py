"""How `vpnreg explain` shows what decided about a client."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from rich.console import Console

from vpn_registry.registry.queries import Explanation

_PARTS = ("statuses", "client", "registrations", "rows", "notices")


def as_values(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON values."""
    told = {
        part: json.loads(_frame(explanation, part).to_json(orient="records", date_format="iso", date_unit="s"))
        for part in _PARTS
    }
    return {
        **told,
        "cases": [{"case": number, "kind": kind, "reason": reason} for number, kind, reason in explanation.cases],
    }


def show(console: Console, isp: str, subscriber_id: str, explanation: Explanation, today: date) -> None:
    """Status and reason first, then the evidence, newest status on top."""
    statuses = _records(explanation, "statuses")
    client = (_records(explanation, "client") or [{}])[0]
    present = statuses[0] if statuses and not statuses[0]["ended_at"] else None
    console.print(f"{isp} {subscriber_id}  {client.get('client_name', '')}", style="bold", markup=False)
    if present is None:
        console.print("No status: not on the ISP's client list at present.")
    else:
        _line(console, "status", f"{present['status']} since {present['since_at']}")
        _line(console, "why", present["reason"])
        _line(console, "decided by", present["decided_by"] or "nothing pairs")
        _line(console, "nearest other", present["candidate"] or "none")
    if client:
        _line(
            console,
            "client list",
            f"service {client['service_status']}, VPN use {client['vpn_use']}, {_origin(client)}",
        )
    for one in _records(explanation, "registrations"):
        term = f"{one['valid_from']} to {one['valid_to'] or 'open end'}"
        _line(
            console,
            "registration",
            f"{one['registration_ref']} {one['national_no']} {_standing(one, today)}, {term}, {_origin(one)}",
        )
    for one in _records(explanation, "rows"):
        told = " ".join(filter(None, [one["outcome"], one["effect"], one["codes"]]))
        _line(console, "row", f"{one['file_name']} row {one['row']} ({one['key']}): {told}")
    for one in _records(explanation, "notices"):
        _line(
            console,
            "notice",
            f"{one['notice_no']} {one['stage']} {one['state']}: part {one['part']} as {one['status']}",
        )
    for number, kind, reason in explanation.cases:
        _line(console, "open case", f"{number} {kind}: {reason}")
    for one in statuses[1:] if present else statuses:
        _line(console, "before", f"{one['status']} {one['since_at']} to {one['ended_at']}: {one['reason']}")


def _standing(one: dict[str, Any], today: date) -> str:
    """What the book says of a registration, and what its own dates make of it."""
    if one["state"] != "in_force":
        return str(one["state"])
    if one["valid_to"] and one["valid_to"] < today.isoformat():
        return "ended"
    return "not begun" if one["valid_from"] > today.isoformat() else "in force"


def _origin(one: dict[str, Any]) -> str:
    return f"delivery {one['delivery_id']} row {one['row']}"


def _line(console: Console, label: str, text: str) -> None:
    console.print(f"  {label:<14}{text}", markup=False, highlight=False)


def _records(explanation: Explanation, part: str) -> list[dict[str, Any]]:
    frame = _frame(explanation, part)
    for name in frame.columns:
        if name.endswith("_at"):
            frame[name] = frame[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ").fillna("")
    records: list[dict[str, Any]] = frame.to_dict(orient="records")
    return records


def _frame(explanation: Explanation, part: str) -> Any:
    return getattr(explanation, part).copy()
