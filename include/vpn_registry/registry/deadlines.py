"""The deadlines of a campaign as they were recorded: only added to, because letters have named them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from vpn_registry.campaign import Campaign, Deadline, joined
from vpn_registry.model import ConfigurationError
from vpn_registry.registry.tables import DeadlineRow

_DEADLINE = (
    *(DeadlineRow.campaign, DeadlineRow.version, DeadlineRow.ends_on),
    *(DeadlineRow.entered_on, DeadlineRow.source, DeadlineRow.isp, DeadlineRow.subscriber_id),
)


def history(db: Session, campaign: str) -> tuple[Deadline, ...]:
    """Every deadline recorded for the campaign, oldest first."""
    query = select(*_DEADLINE).where(DeadlineRow.campaign == campaign).order_by(DeadlineRow.version)
    return tuple(Deadline(*row) for row in db.execute(query))


def given_to(db: Session, isp: str, subscriber_ids: Collection[str] = ()) -> tuple[Deadline, ...]:
    """Every extension for this ISP alone, or for a client of it under one of these ids, oldest first."""
    whose = (DeadlineRow.isp == isp, DeadlineRow.subscriber_id.in_(("", *subscriber_ids)))
    query = select(*_DEADLINE).where(*whose).order_by(DeadlineRow.version)
    return tuple(Deadline(*row) for row in db.execute(query))


def continued(db: Session, written: Campaign, file: Path) -> Campaign:
    """The campaign as its file has it, with the deadlines recorded. Raises ConfigurationError, which names the file."""
    try:
        return joined(written, history(db, written.slug))
    except ValueError as error:
        raise ConfigurationError(f"{file}: deadlines do not continue what the registry recorded: {error}") from error


def record(db: Session, campaign: Campaign) -> tuple[Deadline, ...]:
    """Record the entries of the campaign that are not recorded yet, and return them.

    IntegrityError when somebody recorded another one meanwhile.
    """
    known = {deadline.version for deadline in history(db, campaign.slug)}
    added = tuple(deadline for deadline in campaign.deadlines if deadline.version not in known)
    for entry in added:
        db.execute(
            insert(DeadlineRow).values(
                campaign=entry.campaign,
                version=entry.version,
                ends_on=entry.ends_on,
                entered_on=entry.entered_on,
                source=entry.source,
                isp=entry.isp,
                subscriber_id=entry.subscriber_id,
            )
        )
    return added
