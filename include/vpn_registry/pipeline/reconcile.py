"""Registry against client lists: a status with its reason for every client (contract section 7)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from vpn_registry.campaign import deadline_in_force
from vpn_registry.model import Status, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.survey import survey
from vpn_registry.reconciliation import comparison, movements
from vpn_registry.registry import audit, contests, locks, responses, reviews, status_runs, statuses, successions
from vpn_registry.registry.status_runs import Moves

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def outdated(exchange: Exchange) -> list[str]:
    """Slugs of the ISPs whose statuses are older than their last merge, decision or today, or by other rules.

    First compares the addresses of what was merged since with those of all ISPs: a rival elsewhere changes statuses.
    """
    survey(exchange.registry)
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
    return statuses.is_outdated(db, isp, **_day(exchange, isp), rule_version=comparison.RULE_VERSION)


def review_since(current: pd.DataFrame) -> dict[str, date]:
    """Clients under review -> the day (in Pakistan) it began, from `statuses.latest`."""
    under_review = current[current["status"] == Status.REVIEW.value]
    days = [pakistani_day(since) for since in under_review["since_at"]]
    return dict(zip(under_review["subscriber_id"], days, strict=True))


def registering_since(exchange: Exchange, db: Session, isp: str) -> dict[str, date]:
    """Clients whom the ISP answered to be registering -> the day of its first such answer in this campaign."""
    return responses.registering_since(db, isp, exchange.campaign.slug)


def _compare(exchange: Exchange, db: Session, isp: str) -> dict[str, int]:
    at, day = exchange.now(), _day(exchange, isp)
    clients, registrations = statuses.clients_frame(db, isp), statuses.registrations_frame(db, isp)
    renamed = _renamed(db, isp)
    newest = successions.newest_ids(db, isp) | renamed
    claims = _claims(db, isp)
    found = comparison.compare(
        clients,
        registrations,
        deadline=day["deadline_on"],
        today=day["today"],
        list_on=statuses.list_on(db, isp),
        elsewhere=statuses.filed_elsewhere(db, isp, day["today"]),
        last_rejected=statuses.last_rejected(db, isp),
        cases=_cases(db, isp, day["today"], newest),
        claims=claims,
    )
    reviews.follow(db, isp, found, newest, at, contested=claims.contested)
    run = status_runs.store(
        db,
        isp,
        found,
        at=at,
        rule_version=comparison.RULE_VERSION,
        deadline_on=day["deadline_on"],
        moves=_moves(statuses.latest(db, isp), found, renamed),
        successors=renamed,
        orphans=comparison.orphans(clients, registrations, day["today"])["registration_ref"].tolist(),
    )
    audit.record(
        db,
        actor="reconcile_clients",
        action="reconcile",
        object_type="isp",
        object_id=isp,
        detail=asdict(run.moves),
        at=at,
    )
    return run.counts


def _renamed(db: Session, isp: str) -> dict[str, str]:
    """Old subscriber id -> new one, of those who changed theirs since the last run."""
    vanished = successions.vanished(db, isp)
    return movements.successors(vanished, successions.arrived(db, isp)) if len(vanished) else {}


def _cases(db: Session, isp: str, today: date, newest: dict[str, str]) -> comparison.Cases:
    """What people have to decide or have decided, and what the ISP answered, about its clients by their newest ids."""
    return comparison.Cases(
        disputed=successions.follow(responses.disputed(db, isp), newest),
        exempt=successions.follow(responses.decided_exempt(db, isp, today), newest),
        answered=successions.follow(responses.exempting(db, isp), newest),
        unpaired={newest.get(who, who): evidence for who, evidence in reviews.unpaired(db, isp).items()},
    )


def _claims(db: Session, isp: str) -> comparison.Claims:
    """The ISP's registrations whose addresses another client claims too, with whichever ISP."""
    standing = contests.standing_of(db, isp)
    by = {told: {ref for ref, one in standing.items() if one == told} for told in set(standing.values())}
    return comparison.Claims(
        contested=by.get(contests.OPEN, set()),
        settled=by.get(contests.COUNTS, set()),
        overruled=by.get(contests.OVERRULED, set()),
    )


def _moves(before: pd.DataFrame, after: pd.DataFrame, renamed: dict[str, str]) -> Moves:
    """How many clients differ from the run before; whoever only changed his id is the same one."""
    before = before.assign(subscriber_id=before["subscriber_id"].replace(renamed))
    told = movements.changes(before, after)["change"].value_counts()
    return Moves(**{name: int(told.get(name, 0)) for name in Moves.__slots__})


def _day(exchange: Exchange, isp: str) -> dict[str, date]:
    """Today in Pakistan and the ISP's deadline in force on it; a client's own one changes no status."""
    today = pakistani_day(exchange.now())
    return {"today": today, "deadline_on": deadline_in_force(exchange.campaign, today, isp).ends_on}
