"""The way of a delivery: see, take, judge and merge, answer (contract sections 2 to 4).

Every function can be entered again at any point: the ledger's state says what is left to do, and a claim number fences
off a worker that wakes up late.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from vpn_registry.campaign import GRACE
from vpn_registry.dropzone import Zone, ZoneError, told_apart
from vpn_registry.model import Delivery, DeliveryState, ListedFile, ZoneFolder
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.judgement import judge_stored
from vpn_registry.pipeline.taking import clear_sources, interrupted, take_one
from vpn_registry.registry import audit, counters, ledger
from vpn_registry.roster import Isp

log = logging.getLogger(__name__)

LISTING_THREADS: Final = 16
RESERVED_SECONDS: Final = 300.0
"""So long an ISP is left to a run that is about to come to it: as long as Airflow takes to notice a dead worker."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What one look at one zone saw; `error` instead of files when the look failed.

    `looked_at` is the wall clock's second in which the look began: other zones may answer long after this one.
    """

    looked_at: float
    files: dict[ZoneFolder, list[ListedFile]]
    error: Exception | None = None


def zones_with_mail(exchange: Exchange, *, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Slugs of the ISPs that need a pass, sorted: something settled or unfinished, an answer owed, or a failed listing.

    Lists all zones at once. Where a file has not settled yet, waits `settle_seconds` and looks there again, so that a
    file dropped a moment ago is taken by this pass. A failed listing is not "no files": the ISP is among the slugs,
    and its own `take` fails with the reason.
    """
    unsettled = _look(exchange, exchange.isps.values())
    if unsettled:
        sleep(exchange.registry.settings.settle_seconds)
        _look(exchange, unsettled)
    with exchange.registry.reading() as db:
        return sorted(ledger.isps_with_work(db) & exchange.isps.keys())


def reserve(exchange: Exchange, isps: list[str], *, holder: str) -> list[str]:
    """Those of the ISPs that no other run is about to come to, in their order; the others are left to it.

    When many ISPs file at once, one run's tasks wait their turn for longer than the time between two looks. Without
    this each look would queue the same ISPs again. `answer`, a pass's last step, ends the reservation; what comes
    when `take` is over is called up by the next look.
    """
    registry = exchange.registry
    with registry.writing() as db:
        ours = ledger.reserve(db, isps, holder, at=registry.real_now(), seconds=RESERVED_SECONDS)
    return [isp for isp in isps if isp in ours]


def take(exchange: Exchange, slug: str, *, holder: str) -> list[int]:
    """Copy settled files into the landing store and send their receipts; the deliveries to judge, in order.

    A source leaves the zone only after its bytes are stored and its ledger row is committed. Raises ZoneError when the
    zone can't be listed or read; receipts that can't be written wait for `answer`.
    """
    isp = exchange.isps[slug]
    with exchange.leased(isp, holder) as is_ours:
        waiting = _take(exchange, isp) if is_ours else []
    with exchange.registry.writing() as db:
        ledger.note_visit(db, slug, holder, exchange.registry.real_now())
    return waiting


def judge_and_merge(exchange: Exchange, slug: str, *, holder: str) -> dict[str, int]:
    """Judge every stored delivery of the ISP in order and merge its good rows, one transaction each.

    Also what another run has stored since `take`: a lower number that waits to be judged is not missing, and what
    builds on it must not be judged before it. Returns counts: deliveries by outcome, and `changed`, the rows that
    changed something current.
    """
    isp = exchange.isps[slug]
    counts = {"changed": 0}
    with exchange.leased(isp, holder) as is_ours:
        for judged in judge_stored(exchange, isp) if is_ours else []:
            counts[judged.outcome.value] = counts.get(judged.outcome.value, 0) + 1
            counts["changed"] += judged.changed
    return counts


def answer(exchange: Exchange, slug: str, *, holder: str) -> int:
    """Write the ISP's queued answers into `outgoing/`; how many were written. Raises ZoneError."""
    isp = exchange.isps[slug]
    try:
        with exchange.leased(isp, holder) as is_ours:
            return _finish(exchange, isp) if is_ours else 0
    finally:
        with exchange.registry.writing() as db:
            ledger.unreserve(db, slug, holder)


def seal_audit(exchange: Exchange) -> int:
    """Seal the audit events committed so far; how many. It follows the commits, so that no writer waits for it."""
    return audit.seal(exchange.registry, exchange.now())


def write_answers(exchange: Exchange, isp: Isp) -> int:
    """Write whatever is queued for the ISP's `outgoing/`; how much. The caller holds the lease. Raises ZoneError.

    A zone that is owed nothing isn't opened: one that can't be reached is `take`'s failure alone.
    """
    with exchange.registry.reading() as db:
        if not ledger.pending_answers(db, isp.slug):
            return 0
    with exchange.open_zone(isp) as zone:
        return _write_answers(exchange, isp, zone)


def _look(exchange: Exchange, isps: Iterable[Isp]) -> list[Isp]:
    """Look at zones concurrently and remember what was seen; the ISPs with a file that has not settled yet."""
    ways = [(isp, _way_in(exchange, isp)) for isp in isps]
    with ThreadPoolExecutor(LISTING_THREADS) as pool:
        listings = list(pool.map(lambda way: _list_zone(*way), ways))
    seen = zip(ways, listings, strict=True)
    return [isp for (isp, _), listing in seen if _observe(exchange, isp, listing)[1]]


def _way_in(exchange: Exchange, isp: Isp) -> AbstractContextManager[Zone] | Exception:
    try:
        return exchange.open_zone(isp)
    except Exception as error:  # a missing connection is this ISP's failure, whatever class the hook raises
        return error


def _list_zone(isp: Isp, way_in: AbstractContextManager[Zone] | Exception) -> Listing:
    if isinstance(way_in, Exception):
        return Listing(time.time(), {}, way_in)
    try:
        with way_in as zone:
            return _listing(zone)
    except Exception as error:  # network, login and host-key errors of many classes: recorded, and raised by `take`
        return Listing(time.time(), {}, error)


def _listing(zone: Zone) -> Listing:
    return Listing(time.time(), {folder: told_apart(zone.list(folder)) for folder in ZoneFolder})


def _take(exchange: Exchange, isp: Isp) -> list[int]:
    with exchange.open_zone(isp) as zone:
        settled, _ = _observe(exchange, isp, _listing(zone))
        for delivery in [*interrupted(exchange, isp), *settled]:
            take_one(exchange, isp, zone, delivery)
        clear_sources(exchange, isp, zone)
        try:
            _write_answers(exchange, isp, zone)
        except ZoneError:  # `answer` meets it again and fails; what is stored can be judged all the same
            log.exception("%s: receipts could not be written; they wait.", isp.slug)
    with exchange.registry.reading() as db:
        return [d.id for d in ledger.unfinished(db, isp.slug) if d.state is DeliveryState.STORED]


def _observe(exchange: Exchange, isp: Isp, listing: Listing) -> tuple[list[Delivery], int]:
    """Write what was seen into the ledger; settled deliveries in order, and how many files have not settled."""
    at = exchange.now()
    settled: list[Delivery] = []
    unsettled = 0
    with exchange.registry.writing() as db:
        error = f"{type(listing.error).__name__}: {listing.error}" if listing.error else None
        longest_gap = None if exchange.registry.is_simulated else GRACE  # its days pass in seconds
        ledger.record_listing(db, isp.slug, at=at, error=error, longest_gap=longest_gap)
        if error:
            log.error("%s: the zone could not be listed: %s", isp.slug, error)
        for folder, files in listing.files.items():
            found, waiting = ledger.observe(
                db,
                isp.slug,
                folder,
                files,
                at=at,
                monotonic=listing.looked_at,
                settle_seconds=exchange.registry.settings.settle_seconds,
            )
            settled += found
            unsettled += waiting
    return settled, unsettled


def _finish(exchange: Exchange, isp: Isp) -> int:
    """Write the answers; a delivery whose answers lie in the zone is finished."""
    written = write_answers(exchange, isp)
    with exchange.registry.writing() as db:
        for delivery in ledger.unfinished(db, isp.slug):
            if delivery.state is DeliveryState.JUDGED:
                ledger.finish(db, delivery, delivery.claim_no)
    return written


def _write_answers(exchange: Exchange, isp: Isp, zone: Zone) -> int:
    with exchange.registry.reading() as db:
        pending = ledger.pending_answers(db, isp.slug)
        issued = counters.issued(db)
    if pending:  # what was told is issued for ever, also when the database is lost
        exchange.journal.note("numbers", exchange.now(), issued=issued)
    for answer_id, pending_answer in pending:
        path, is_removal = f"outgoing/{pending_answer.path}", pending_answer.is_removal
        if is_removal:
            zone.remove(path)
        else:
            zone.write(path, pending_answer.content)
        with exchange.registry.writing() as db:
            (ledger.answer_removed if is_removal else ledger.answer_written)(db, answer_id, exchange.now())
    return len(pending)
