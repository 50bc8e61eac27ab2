"""What must not run side by side: transactions on one ISP's books and statuses, surveys of addresses,
and sealers of the audit chain."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def hold_isp(db: Session, isp: str) -> None:
    """Wait for every other transaction that called this for the ISP, and keep later ones waiting until this one ends.

    Statements that follow see all that was committed meanwhile. SQLite has one writer at a time anyway.
    """
    _hold(db, f"vpn_registry:{isp}")


def hold_claims(db: Session) -> None:
    """The same for comparing addresses over all ISPs: two of whom neither sees the other's would find no conflict."""
    _hold(db, "vpn_registry claims")


def hold_audit_chain(db: Session) -> None:
    """The same for sealing: two sealers at once would give one position to two links."""
    _hold(db, "vpn_registry audit chain")


def _hold(db: Session, name: str) -> None:
    if db.get_bind().dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))
