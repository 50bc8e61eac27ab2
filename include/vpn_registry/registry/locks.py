"""Who must not run side by side: transactions on one ISP's books and statuses."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def hold_isp(db: Session, isp: str) -> None:
    """Wait for every other transaction that called this for the ISP, and keep later ones waiting until this one ends.

    Statements that follow see all that was committed meanwhile. SQLite has one writer at a time anyway.
    """
    if db.get_bind().dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"vpn_registry:{isp}"))))
