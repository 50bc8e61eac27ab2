"""Registry against client lists: a status with its reason for every client (contract section 7)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from vpn_registry import reconciliation
from vpn_registry.campaign import deadline_in_force
from vpn_registry.model import Status, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, locks, responses, statuses

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def outdated(exchange: Exchange) -> list[str]:
    """Slugs of the ISPs whose statuses are older than their last merge, decision or today, or by other rules."""
    with exchange.registry.reading() as db:
        return [isp for isp in exchange.isps if _is_outdated(exchange, db, isp)]


def compare(exchange: Exchange, isp: str) -> dict[str, int]:
    """Compare one ISP's client list with its registrations and store the statuses; clients by status.

    What is read and what is stored belong to one transaction, so that a merge in between can't be missed.
    """
    with exchange.registry.writing() as db:
        locks.hold_isp(db, isp)
        return _compare(exchange, db, isp)


def refresh(exchange: Exchange, db: Session, isp: str) -> None:
    """The same in a transaction that is open already, and only if the statuses are outdated."""
    locks.hold_isp(db, isp)
    if _is_outdated(exchange, db, isp):
        _compare(exchange, db, isp)


def _is_outdated(exchange: Exchange, db: Session, isp: str) -> bool:
    return statuses.is_outdated(db, isp, **_day(exchange), rule_version=reconciliation.RULE_VERSION)


def review_since(current: pd.DataFrame) -> dict[str, date]:
    """Clients under review -> the day (in Pakistan) it began, from `statuses.latest`."""
    under_review = current[current["status"] == Status.REVIEW.value]
    days = [pakistani_day(since) for since in under_review["since_at"]]
    return dict(zip(under_review["subscriber_id"], days, strict=True))


def registering_since(exchange: Exchange, db: Session, isp: str) -> dict[str, date]:
    """Clients whom the ISP answered to be registering -> the day of its first such answer in this campaign."""
    return responses.registering_since(db, isp, exchange.campaign.slug)


def _compare(exchange: Exchange, db: Session, isp: str) -> dict[str, int]:
    at, day = exchange.now(), _day(exchange)
    found = reconciliation.compare(
        statuses.clients_frame(db, isp),
        statuses.registrations_frame(db, isp),
        deadline=day["deadline_on"],
        today=day["today"],
        list_on=statuses.list_on(db, isp),
        elsewhere=statuses.filed_elsewhere(db, isp, day["today"]),
        last_rejected=statuses.last_rejected(db, isp),
        cases=_cases(db, isp, day["today"]),
    )
    run = statuses.store_run(
        db, isp, found, at=at, rule_version=reconciliation.RULE_VERSION, deadline_on=day["deadline_on"]
    )
    audit.record(
        db,
        actor="reconcile_clients",
        action="reconcile",
        object_type="isp",
        object_id=isp,
        detail={"new": run.new, "resolved": run.resolved, "changed": run.changed, "gone": run.gone},
        at=at,
    )
    return run.counts


def _cases(db: Session, isp: str, today: date) -> reconciliation.Cases:
    """What people have to decide or have decided, and what the ISP answered, about its clients."""
    return reconciliation.Cases(
        disputed=responses.disputed(db, isp),
        exempt=responses.decided_exempt(db, isp, today),
        answered=responses.exempting(db, isp),
    )


def _day(exchange: Exchange) -> dict[str, date]:
    """Today in Pakistan and the deadline in force on it."""
    today = pakistani_day(exchange.now())
    return {"today": today, "deadline_on": deadline_in_force(exchange.campaign, today).ends_on}
