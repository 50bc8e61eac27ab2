"""Numbers issued by the registry: `VPN-<yyyy>-<7 digits>`, `N-<yyyy>-<6 digits>`; gaps are allowed, repeats are not."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from vpn_registry.registry.listing import upsert
from vpn_registry.registry.tables import CounterRow


def issued(db: Session) -> dict[str, int]:
    """The last number issued of every series."""
    return dict(db.execute(select(CounterRow.series, CounterRow.last_no).order_by(CounterRow.series)).all())


def issue(db: Session, series: str, count: int) -> int:
    """Reserve the next `count` numbers of a series; returns the last one before them."""
    db.execute(upsert(db, CounterRow).values(series=series, last_no=0).on_conflict_do_nothing())
    db.execute(update(CounterRow).where(CounterRow.series == series).values(last_no=CounterRow.last_no + count))
    last = db.scalars(select(CounterRow.last_no).where(CounterRow.series == series)).one()
    return last - count
