"""How `vpnreg explain` shows what decided about a client."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from rich.console import Console

from vpn_registry.model import Status, iso_utc
from vpn_registry.reconciliation.remedies import remedy
from vpn_registry.registry.mutes import Mute
from vpn_registry.registry.queries import Explanation, standing

_PARTS = ("statuses", "client", "registrations", "rows", "findings", "notices", "answers", "basis", "organisation")
_ROWS: Final = 10
"""So many of the last rows are shown: a client on a daily list is named by hundreds."""


def as_values(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON values."""
    told = {part: _records(explanation, part) for part in _PARTS}
    present = next((one for one in told["statuses"] if not one["ended_at"]), None)
    return {
        **told,
        "basis": next(iter(told["basis"]), None),
        "to_do": _to_do(present) if present else "",
        "earlier_ids": explanation.earlier_ids,
        "orphans": explanation.orphans,
        "extensions": [
            {
                "ends_on": one.ends_on.isoformat(),
                "entered_on": one.entered_on.isoformat(),
                "source": one.source,
                "is_for_client": bool(one.subscriber_id),
            }
            for one in explanation.extensions
        ],
        "mutes": [
            {
                "case": one.case_id,
                "is_for_client": bool(one.subscriber_id),
                "outcome": one.outcome,
                "until": None if one.until_on is None else one.until_on.isoformat(),
                "reason": one.reason,
                "actor": one.actor,
                "decided_at": iso_utc(one.decided_at),
            }
            for one in explanation.mutes
        ],
        "cases": [{"case": number, "kind": kind, "reason": reason} for number, kind, reason in explanation.cases],
        "decisions": [
            {
                "case": case.id,
                "kind": case.kind,
                "outcome": decision.outcome,
                "reason": decision.reason,
                "actor": decision.actor,
                "decided_at": iso_utc(decision.decided_at),
                "until": None if decision.until_on is None else decision.until_on.isoformat(),
            }
            for case, decision in explanation.decisions
        ],
    }


def show(console: Console, isp: str, subscriber_id: str, explanation: Explanation, today: date) -> None:
    """Status and reason first, then the evidence, newest status on top."""
    statuses = _records(explanation, "statuses")
    client = (_records(explanation, "client") or [{}])[0]
    present = statuses[0] if statuses and not statuses[0]["ended_at"] else None
    console.print(f"{isp} {subscriber_id}  {client.get('client_name', '')}", style="bold", markup=False)
    _show_status(console, explanation, present)
    if client:
        _line(
            console,
            "client list",
            f"service {client['service_status']}, VPN use {client['vpn_use']}, "
            f"{_places(client, 'service_ips')}, {_origin(client)}",
        )
    _show_book(console, isp, explanation, today)
    _show_rows(console, explanation)
    for one in _records(explanation, "notices"):
        _line(
            console,
            "notice",
            f"{one['notice_no']} {one['stage']} {one['state']}: part {one['part']} as {one['status']}",
        )
    for one in _records(explanation, "answers"):
        told = f"{one['response']} to {one['notice_no']} on {one['responded_on']}, {_origin(one)}"
        _line(console, "ISP's answer", ", ".join(filter(None, [told, one["standing"]])))
    for number, kind, reason in explanation.cases:
        _line(console, "open case", f"{number} {kind}: {reason}")
    for case, decision in explanation.decisions:
        until = f" until {decision.until_on}" if decision.until_on else ""
        when = f"{iso_utc(decision.decided_at)} by {decision.actor}"
        _line(console, "decision", f"case {case.id} {case.kind}: {decision.outcome}{until}, {when}: {decision.reason}")
    for mute in explanation.mutes:
        _line(console, "letters", f"{_mute(mute)}, {iso_utc(mute.decided_at)} by {mute.actor}: {mute.reason}")
    for one in statuses[1:] if present else statuses:
        _line(console, "before", f"{one['status']} {one['since_at']} to {one['ended_at']}: {one['reason']}")


def _mute(one: Mute) -> str:
    whom = "this client" if one.subscriber_id else "the whole ISP"
    said = f"none speaks of {whom} until {one.until_on}" if one.until_on else f"speak of {whom} again"
    return f"{said} (case {one.case_id})"


def _show_rows(console: Console, explanation: Explanation) -> None:
    """The last rows that named the client, and what was found in them."""
    rows = _records(explanation, "rows")
    if len(rows) > _ROWS:
        _line(console, "rows", f"the last {_ROWS} of {len(rows)}; --json has all")
    shown = set()
    for one in rows[-_ROWS:]:
        shown.add((one["delivery_id"], one["row"]))
        told = " ".join(filter(None, [one["outcome"], one["effect"], one["codes"]]))
        _line(console, "row", f"{one['file_name']} ({one['key']}), {_origin(one)}: {told}")
    for one in _records(explanation, "findings"):
        if (one["delivery_id"], one["row"]) in shown:
            value = f" ({one['value']})" if one["value"] else ""
            told = f"{one['code']} {one['column']}{value}: {one['message']} {one['remedy']}"
            _line(console, "finding", f"{_origin(one)}: {told}")


def _show_book(console: Console, isp: str, explanation: Explanation, today: date) -> None:
    """The client's own registrations, and those of the same organisation with other ISPs."""
    for one in _records(explanation, "registrations"):
        term = f"{one['valid_from']} to {one['valid_to'] or 'open end'}"
        whose = f"of {one['subscriber_id']}" if one["subscriber_id"] else "of nobody"
        _line(
            console,
            "in the book",
            f"{one['registration_ref']} {one['national_no']} {whose}, {standing(one, today)}, {term}, "
            f"{_places(one, 'local_ip')}, {_origin(one)}{_contest(one)}",
        )
    told_of = {(isp, one["registration_ref"]) for one in _records(explanation, "registrations")}
    for one in _records(explanation, "organisation"):
        if (one["isp"], one["registration_ref"]) not in told_of:
            _line(
                console,
                "same keys",
                f"{one['isp']} {one['registration_ref']} {one['national_no']} of {one['client_name']}, "
                f"{standing(one, today)}, to {one['valid_to'] or 'open end'}, by {one['shared']}; "
                "not for any ISP to know",
            )


def _show_status(console: Console, explanation: Explanation, present: dict[str, Any] | None) -> None:
    """What is said of the client at present, what decided it, and what it rests on."""
    if present is None:
        is_listed = any(one["state"] == "listed" for one in _records(explanation, "client"))
        why = "nothing had been compared yet" if is_listed else "not on the ISP's client list at present"
        console.print(f"No status: {why}.")
    else:
        _line(console, "status", f"{present['status']} since {present['status_since_at']}")
        _line(console, "why", present["reason"])
        _line(console, "to do", _to_do(present))
        _line(console, "decided by", _key(present["decided_by"]))
        _line(console, "registration", present["registration_ref"] or "none decides")
        _line(console, "nearest other", present["candidate"] or "none")
        if present["status"] == Status.REVIEW:
            _line(console, "to decide", _question(explanation, present))
    if explanation.orphans:
        _line(console, "orphan", f"{', '.join(explanation.orphans)} in force, and no client of the list pairs with it")
        _line(console, "to do", "The ISP lists its client, or withdraws the registration (action withdraw).")
    for one in _records(explanation, "basis"):
        listed = f"client list {one['list_file']} of {one['list_on']}" if one["list_file"] else "no client list"
        _line(
            console,
            "compared",
            f"{one['run_at']}, {listed}, deadline {one['deadline_on']}, rule version {one['rule_version']}",
        )
    for extension in explanation.extensions:
        told = f"until {extension.ends_on} for {extension.only} alone"
        _line(console, "extended", f"{told}: {extension.source}, entered {extension.entered_on}")
    if explanation.earlier_ids:
        _line(console, "listed before", f"as {', '.join(explanation.earlier_ids)}")


def _question(explanation: Explanation, present: dict[str, Any]) -> str:
    """What the person who decides on a review has to find out."""
    key, candidate = present["decided_by"], present["candidate"]
    if key.endswith(" elsewhere"):
        return "whether the registration that another ISP filed for this client covers this service"
    book = {one["registration_ref"]: one for one in _records(explanation, "registrations")}
    whose = book.get(candidate, {}).get("subscriber_id") or "nobody"
    if key == "name":
        return f"whether {candidate} (filed for {whose}), which only has a similar name, is this client's"
    contested = " and another client's registration gives it too" if book.get(candidate, {}).get("contested") else ""
    what = "address" if key == "address" else "mobile number"
    return f"whether {candidate} (filed for {whose}), which only has the same {what}{contested}, is this client's"


def _to_do(present: dict[str, Any]) -> str:
    return remedy(Status(present["status"]), present["decided_by"], present["candidate"])


def _key(decided_by: str) -> str:
    """The key that decided, in words for the data team; which other ISP it is stands nowhere."""
    if decided_by.endswith(" elsewhere"):
        return f"{decided_by.removesuffix(' elsewhere')} of a registration filed elsewhere"
    words = {
        "": "nothing pairs",
        "name": "a similar name only",
        "case": "a case",
        "answer": "the ISP's answer",
        "list date": "the age of the client list",
    }
    return words.get(decided_by, decided_by)


def _places(one: dict[str, Any], column: str) -> str:
    """The addresses and the number that are compared."""
    return " and ".join(filter(None, (one[column], one["msisdn"]))) or "no address or number"


def _contest(one: dict[str, Any]) -> str:
    """Whether another client claims the same addresses, and how that stands."""
    standing = {
        "open": "contested, undecided",
        "counts": "contested, but decided to count",
        "overruled": "contested, and decided not to count by its addresses",
    }
    return f"; {standing[one['contested']]} (case {one['contested_case']})" if one["contested"] else ""


def _origin(one: dict[str, Any]) -> str:
    return f"delivery {one['delivery_id']} row {one['row']}"


def _line(console: Console, label: str, text: str) -> None:
    console.print(f"  {label:<14}{text}", markup=False, highlight=False)


def _records(explanation: Explanation, part: str) -> list[dict[str, Any]]:
    """The rows of a part, moments as they are written; None where there is none."""
    rows: list[dict[str, Any]] = getattr(explanation, part)
    return [
        {name: iso_utc(value) if isinstance(value, datetime) else value for name, value in row.items()} for row in rows
    ]
