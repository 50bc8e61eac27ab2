"""Who works on an ISP's zone, and who is about to.

A lease keeps two processes apart. A reservation only spares a second run the way to an ISP that another one comes to.
Both run on the wall clock, also in a simulated home: they are about processes, not about days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from vpn_registry.registry import processes
from vpn_registry.registry.listing import OPEN, upsert
from vpn_registry.registry.tables import DeliveryRow, LeaseRow, ZoneWatchRow


def lease(db: Session, isp: str, holder: str, *, at: datetime, seconds: float) -> bool:
    """Take or renew the lease on an ISP's zone; False while another holder's has not run out.

    One whose process has surely died is not waited for.
    """
    has_ended = (LeaseRow.holder == holder) | (LeaseRow.expires_at <= at)
    held = db.scalar(select(LeaseRow.process).where(LeaseRow.isp == isp, ~has_ended))
    if held and processes.is_gone(held):
        has_ended |= LeaseRow.process == held
    process = processes.this_one() or None
    values = {"holder": holder, "process": process, "expires_at": at + timedelta(seconds=seconds)}
    claim = upsert(db, LeaseRow).values(isp=isp, **values)
    claim = claim.on_conflict_do_update(index_elements=["isp"], set_=values, where=has_ended)
    return db.scalar(claim.returning(LeaseRow.isp)) is not None


def release(db: Session, isp: str, holder: str) -> None:
    """Give a lease back; another holder's is left alone."""
    db.execute(delete(LeaseRow).where(LeaseRow.isp == isp, LeaseRow.holder == holder))


def reserve(db: Session, isps: Sequence[str], run: str, *, at: datetime, seconds: float) -> set[str]:
    """Reserve listed ISPs for a run that will come to them; those that no other run is about to come to.

    A file that lies there after a run has been at the zone needs another run.
    """
    is_free = ZoneWatchRow.reserved_until.is_(None) | (ZoneWatchRow.reserved_until <= at)
    has_more = ZoneWatchRow.isp.in_(select(DeliveryRow.isp).where(DeliveryRow.state.in_(OPEN)))
    needs_us = (ZoneWatchRow.reserved_by == run) | is_free | (ZoneWatchRow.visited_at.is_not(None) & has_more)
    mine = update(ZoneWatchRow).where(ZoneWatchRow.isp.in_(isps), needs_us)
    values = {"reserved_by": run, "reserved_until": at + timedelta(seconds=seconds), "visited_at": None}
    return set(db.scalars(mine.values(**values).returning(ZoneWatchRow.isp)))


def note_visit(db: Session, isp: str, run: str, at: datetime) -> None:
    """The run that reserved the ISP has been at its zone; it still judges and answers."""
    mine = (ZoneWatchRow.isp == isp, ZoneWatchRow.reserved_by == run)
    db.execute(update(ZoneWatchRow).where(*mine).values(visited_at=at))


def unreserve(db: Session, isp: str, run: str) -> None:
    """The run that reserved the ISP is done with it; another run's reservation stands."""
    mine = (ZoneWatchRow.isp == isp, ZoneWatchRow.reserved_by == run)
    db.execute(update(ZoneWatchRow).where(*mine).values(reserved_by=None, reserved_until=None))
