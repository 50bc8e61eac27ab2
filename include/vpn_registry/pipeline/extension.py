"""An extension of the campaign's deadline: one more entry of its history (contract sections 8 and 10).

It is for everybody, for one ISP (`isp`), or for one of its clients (`isp` and `client`). One person proposes it, which
opens a case; another one decides that case, and only then it is an entry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from vpn_registry import campaign
from vpn_registry.campaign import Deadline
from vpn_registry.model import pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, cases, deadlines, statuses
from vpn_registry.registry.cases import Case, Decision, DecisionRefusedError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vpn_registry.campaign import Campaign


def propose(
    exchange: Exchange, ends_on: date, *, source: str, actor: str, reason: str, isp: str = "", client: str = ""
) -> int:
    """Enter a later deadline for somebody else to approve; the case. No deadline changes.

    `source` is the decision or letter that sets it, and stands in the history once approved; `reason` stands in the
    audit trail. Raises ValueError, in one sentence, for a date that is no extension, an empty source, an ISP or client
    that is not known.
    """
    at = exchange.now()
    if not source.strip():
        raise ValueError("Say which decision or letter extends the deadline; the history keeps it.")
    with exchange.registry.writing() as db:
        _extended(exchange, db, ends_on, source=source, isp=isp, client=client)
        subject = " ".join(filter(None, [ends_on.isoformat(), client]))
        case = cases.open_case(db, isp, cases.EXTENSION, subject, reason=source.strip(), at=at, opened_by=actor)
        audit.record(
            db,
            actor=actor,
            action="propose_extension",
            object_type="case",
            object_id=str(case),
            detail={
                "isp": isp,
                "client": client,
                "ends_on": ends_on.isoformat(),
                "source": source.strip(),
                "reason": reason,
            },
            at=at,
        )
    return case


def carry_out(exchange: Exchange, case: Case, decision: Decision, record: Callable[[Session], None]) -> None:
    """The approval of a proposed extension: the entry and the decision, together."""
    ends_on, client = _proposed(case)
    said = {"source": case.reason, "actor": decision.actor, "reason": decision.reason}
    try:
        enter(exchange, ends_on, **said, isp=case.isp, client=client, record=record)
    except ValueError as error:
        raise DecisionRefusedError(str(error)) from None


def turn_down(exchange: Exchange, case: Case, _decision: Decision, record: Callable[[Session], None]) -> None:
    """The refusal of a proposed extension; one that is in force stays, because letters may have told it."""
    with exchange.registry.writing() as db:
        proposed = (case.isp, *_proposed(case))
        if any((one.isp, one.ends_on, one.subscriber_id) == proposed for one in _known(exchange, db).deadlines):
            raise DecisionRefusedError(f"The deadline of case {case.id} is in force already; letters may have told it.")
        record(db)


def enter(
    exchange: Exchange,
    ends_on: date,
    *,
    source: str,
    actor: str,
    reason: str = "",
    isp: str = "",
    client: str = "",
    record: Callable[[Session], None] | None = None,
) -> Deadline:
    """Record a later deadline, entered today; it is in force from now on for whoever opens the registry.

    `source` is the decision that set it and stands in the history, `reason` and `actor` in the audit trail; `record`
    is carried out in the same transaction. Raises ValueError, in one sentence, for a date that is no extension, an ISP
    or client that is not known.
    """
    at = exchange.now()
    with exchange.registry.writing() as db:
        extended = _extended(exchange, db, ends_on, source=source, isp=isp, client=client)
        deadlines.record(db, extended)
        added = extended.deadlines[-1]
        audit.record(
            db,
            actor=actor,
            action="extend_deadline",
            object_type="deadline",
            object_id=f"{added.campaign}/{added.version}",
            detail={
                "isp": isp,
                "client": client,
                "ends_on": ends_on.isoformat(),
                "source": source,
                "reason": reason,
            },
            at=at,
        )
        if record is not None:
            record(db)
    return added


def _extended(exchange: Exchange, db: Session, ends_on: date, *, source: str, isp: str, client: str) -> Campaign:
    """The campaign with the later deadline, entered today."""
    if isp and isp not in exchange.isps:
        raise ValueError(f"There is no ISP {isp}; `vpnreg isp list` names them.")
    extended = campaign.extend(_known(exchange, db), ends_on, pakistani_day(exchange.now()), source, isp, client)
    if client and client not in set(statuses.latest(db, isp)["subscriber_id"]):
        raise ValueError(f"{isp} has no client {client} on its list; an extension for one needs its subscriber id.")
    return extended


def _proposed(case: Case) -> tuple[date, str]:
    """The later last day, and the client if it is for one."""
    day, _, client = case.subject.partition(" ")
    return date.fromisoformat(day), client


def _known(exchange: Exchange, db: Session) -> Campaign:
    return campaign.joined(exchange.campaign, deadlines.history(db, exchange.campaign.slug))
