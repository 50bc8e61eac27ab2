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

    One whose process has died on this machine is not waited for.
    """
    has_ended = (LeaseRow.holder == holder) | (LeaseRow.expires_at <= at)
    held = db.scalar(select(LeaseRow.process).where(LeaseRow.isp == isp))
    if held and processes.is_gone(held):
        has_ended |= LeaseRow.process == held
    values = {"holder": holder, "process": processes.this_one(), "expires_at": at + timedelta(seconds=seconds)}
    claim = upsert(db, LeaseRow).values(isp=isp, **values)
    claim = claim.on_conflict_do_update(index_elements=["isp"], set_=values, where=has_ended)
    return db.scalar(claim.returning(LeaseRow.isp)) is not None


def release(db: Session, isp: str, holder: str) -> None:
    """Give a lease back; another holder's is left alone."""
    db.execute(delete(LeaseRow).where(LeaseRow.isp == isp, LeaseRow.holder == holder))


def reserve(db: Session, isps: Sequence[str], *, at: datetime, seconds: float) -> set[str]:
    """Reserve listed ISPs for a run that will come to them; those that no other run comes to.

    A file that lies there after a run has taken what it found needs another run.
    """
    is_free = ZoneWatchRow.reserved_until.is_(None) | (ZoneWatchRow.reserved_until <= at)
    has_more = ZoneWatchRow.isp.in_(select(DeliveryRow.isp).where(DeliveryRow.state.in_(OPEN)))
    mine = update(ZoneWatchRow).where(
        ZoneWatchRow.isp.in_(isps), is_free | (ZoneWatchRow.taken_at.is_not(None) & has_more)
    )
    until = at + timedelta(seconds=seconds)
    return set(db.scalars(mine.values(reserved_until=until, taken_at=None).returning(ZoneWatchRow.isp)))


def note_taken(db: Session, isp: str, at: datetime) -> None:
    """The run that came to the ISP has taken what lay there; it still judges and answers."""
    db.execute(update(ZoneWatchRow).where(ZoneWatchRow.isp == isp).values(taken_at=at))


def unreserve(db: Session, isp: str) -> None:
    """The run that came to the ISP is done with it."""
    db.execute(update(ZoneWatchRow).where(ZoneWatchRow.isp == isp).values(reserved_until=None))
