"""When we did not list an ISP's zone: the filer's clock stands still meanwhile (contract section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from vpn_registry import campaign
from vpn_registry.campaign import Deadline
from vpn_registry.model import PAKISTAN
from vpn_registry.registry.tables import ZoneOutageRow, ZoneWatchRow


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Whether a file was in time, and how long the filer's clock had stood still by then."""

    is_on_time: bool
    stood_still: timedelta


def note_end(db: Session, isp: str, *, at: datetime, longest_gap: timedelta | None) -> None:
    """A listing succeeds at `at`: what lies between it and the last good one is an outage, if it failed or if nobody
    listed for longer than `longest_gap` (None where days pass in seconds). Call it before the listing is recorded."""
    watch = db.execute(
        select(ZoneWatchRow.listed_at, ZoneWatchRow.failing_since_at).where(ZoneWatchRow.isp == isp)
    ).one_or_none()
    if watch is None:
        return
    began_at = watch.failing_since_at
    if longest_gap is not None and watch.listed_at is not None and at - watch.listed_at > longest_gap:
        began_at = watch.listed_at
    if began_at is not None and began_at < at:
        db.execute(insert(ZoneOutageRow).values(isp=isp, began_at=began_at, ended_at=at))


def stood_still(db: Session, isp: str, since: datetime, until: datetime) -> timedelta:
    """How long the ISP's clock stood still between two instants; an outage that lasts counts up to `until`."""
    return stood_still_each(db, {isp: since}, until)[isp]


def stood_still_each(db: Session, since: Mapping[str, datetime], until: datetime) -> dict[str, timedelta]:
    """The same for each ISP of `since`, from the instant it names."""
    if not since:
        return {}
    outage, watch = ZoneOutageRow, ZoneWatchRow
    ended = select(outage.isp, outage.began_at, outage.ended_at).where(
        outage.isp.in_(since), outage.began_at < until, outage.ended_at > min(since.values())
    )
    lasting = select(watch.isp, watch.failing_since_at).where(watch.isp.in_(since), watch.failing_since_at < until)
    spans = [(row.isp, row.began_at, row.ended_at) for row in db.execute(ended)]
    spans += [(row.isp, row.failing_since_at, until) for row in db.execute(lasting)]
    total = dict.fromkeys(since, timedelta())
    for isp, began_at, ended_at in spans:
        total[isp] += max(min(ended_at, until) - max(began_at, since[isp]), timedelta())
    return total


def punctuality(db: Session, isp: str, first_listed_at: datetime, deadline: Deadline) -> Punctuality:
    """Whether a file that we first listed then was in time for the deadline (contract section 1).

    What counts as standing still are outages on the deadline's own day and after it.
    """
    last_day = datetime.combine(deadline.ends_on, time(), PAKISTAN)
    standing = stood_still(db, isp, last_day, first_listed_at) if first_listed_at > last_day else timedelta()
    return Punctuality(campaign.is_on_time(first_listed_at, deadline, standing), standing)
