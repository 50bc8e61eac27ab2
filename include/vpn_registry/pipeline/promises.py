"""What we promise of our own clock: a receipt within five minutes, a result within thirty (design.md section 6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from vpn_registry.pipeline.alarm import Alarm
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import glance, office_mails

RECEIPT_WITHIN: Final = timedelta(minutes=5)
"""From the first listing of a file that lies still."""
RESULT_WITHIN: Final = timedelta(minutes=30)
"""From the moment its bytes are stored."""

_NEXT_STEP: Final = (
    "Look at the newest runs of collect_deliveries; a task that hangs is cleared and goes on where it stopped."
)


def broken(exchange: Exchange) -> list[Alarm]:
    """One alarm for each ISP and promise that is broken now, which names the deliveries it is broken to."""
    at = exchange.now()
    settle = timedelta(seconds=exchange.registry.settings.settle_seconds)
    with exchange.registry.reading() as db:
        untaken = glance.untaken(db, exchange.registry.real_now() - settle - RECEIPT_WITHIN)
        stuck = glance.stuck(db, at - RESULT_WITHIN)
        watches = glance.watches(db)
    # A zone that can't be listed is told as its own failure, and its ISP's clock stands still.
    reachable = {isp for isp in exchange.isps if isp in watches and watches[isp].failing_since_at is None}
    waits = {row.id for row in untaken}
    late = {"receipt": untaken, "result": [row for row in stuck if row.received_at is not None and row.id not in waits]}
    within = {"receipt": RECEIPT_WITHIN, "result": RESULT_WITHIN}
    return [
        Alarm(
            kind=office_mails.LATE,
            task=f"collect_deliveries, {promise} within {within[promise].seconds // 60} minutes",
            isp=isp,
            deliveries=tuple(str(row.id) for row in rows if row.isp == isp),
            error="none: it takes too long",
            means=f"we promise a {promise} within {within[promise].seconds // 60} minutes, and the ISP waits for it",
            next_step=_NEXT_STEP,
        )
        for promise, rows in late.items()
        for isp in sorted({row.isp for row in rows} & reachable)
    ]
