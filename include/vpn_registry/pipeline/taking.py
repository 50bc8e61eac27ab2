"""Taking one file: from its claim to stored bytes and a queued receipt, and the removal of its source.

The caller holds the ISP's lease. Every step can be entered again: the ledger's state says what is left to do.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from vpn_registry import answers
from vpn_registry.dropzone import Changed, Missing, TooLarge, Zone, ZoneError, declared_sha256
from vpn_registry.dropzone import take as copy_to_landing
from vpn_registry.model import Delivery, DeliveryState, ListedFile, iso_utc
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import ledger
from vpn_registry.roster import Isp
from vpn_registry.rulebook.file_names import parse_name

log = logging.getLogger(__name__)


def interrupted(exchange: Exchange, isp: Isp) -> list[Delivery]:
    """Deliveries whose worker died while copying: we hold the lease, so nobody else has them."""
    with exchange.registry.reading() as db:
        return [d for d in ledger.unfinished(db, isp.slug) if d.state is DeliveryState.CLAIMED]


def take_one(exchange: Exchange, isp: Isp, zone: Zone, delivery: Delivery) -> None:
    with exchange.registry.writing() as db:
        claim_no = ledger.claim(db, delivery)
    if claim_no is None:
        return
    listed = ListedFile(delivery.file_name, delivery.size_bytes, delivery.mtime, "file")
    try:
        taken = copy_to_landing(zone, _path(delivery), listed, exchange.landing, isp.limits.delivered_bytes)
        declared = declared_sha256(zone, _path(delivery))
    except Changed:
        log.info("%s: delivery %s changed while it was read; looked at again next time.", isp.slug, delivery.id)
        with exchange.registry.writing() as db:
            ledger.unclaim(db, delivery, claim_no)
    except Missing:
        with exchange.registry.writing() as db:
            ledger.vanish(db, delivery, claim_no)
    except TooLarge:
        # Answered, but never stored: the file stays where it is, because nothing leaves a zone unstored.
        record_stored(exchange, delivery, claim_no, None, None, received_at=exchange.now())
    except ZoneError as error:
        zone.list(delivery.folder)  # a zone that answers no more fails the pass; one bad file must not hold the others
        log.error("%s: delivery %s: %s Tried again next time.", isp.slug, delivery.id, error)
        with exchange.registry.writing() as db:
            ledger.unclaim(db, delivery, claim_no)
    else:
        at = exchange.now()
        _note_received(exchange, delivery, taken.sha256, declared, at)
        record_stored(exchange, delivery, claim_no, taken.sha256, declared, received_at=at)


def record_stored(
    exchange: Exchange,
    delivery: Delivery,
    claim_no: int,
    sha256: str | None,
    declared: str | None,
    *,
    received_at: datetime,
) -> None:
    """Enter into the ledger that a claimed delivery's bytes are stored, and queue its receipt."""
    with exchange.registry.writing() as db:
        stored = ledger.store(
            db,
            delivery,
            claim_no,
            sha256=sha256,
            declared_sha256=declared,
            size_bytes=delivery.size_bytes,
            received_at=received_at,
            name=parse_name(delivery.file_name),
            uses_number=not exchange.isps[delivery.isp].check_only,
        )
        ledger.queue_answers(
            db,
            stored.id,
            [answers.receipt(stored, stem=ledger.answer_stem(db, stored), simulated=exchange.registry.is_simulated)],
        )


def _note_received(exchange: Exchange, delivery: Delivery, sha256: str, declared: str | None, at: datetime) -> None:
    """Before the ledger knows, and long before the source goes: a lost database must not lose the delivery."""
    exchange.journal.note(
        "received",
        at,
        isp=delivery.isp,
        folder=delivery.folder.value,
        file_name=delivery.file_name,
        size_bytes=delivery.size_bytes,
        mtime=delivery.mtime,
        first_listed_at=iso_utc(delivery.first_listed_at),
        sha256=sha256,
        declared_sha256=declared,
    )


def clear_sources(exchange: Exchange, isp: Isp, zone: Zone) -> None:
    """Remove from the zone what is safely stored; also what an earlier run stored and could not remove.

    A file that was put under the same name meanwhile is another delivery, and stays.
    """
    with exchange.registry.reading() as db:
        stored = [delivery for delivery in ledger.unremoved(db, isp.slug) if delivery.sha256]
    for delivery in stored:
        if _lies_unchanged(zone, delivery):
            # The checksum goes first: left behind, it would be held against the next file of this name.
            zone.remove(f"{_path(delivery)}.sha256")
            # Again, right before: the ISP may have put another file there while the checksum went.
            if _lies_unchanged(zone, delivery):
                zone.remove(_path(delivery))
        with exchange.registry.writing() as db:
            ledger.source_removed(db, delivery.id, removed_s=time.time())


def _lies_unchanged(zone: Zone, delivery: Delivery) -> bool:
    """Whether the file in the zone is still the one that was taken, by kind, size and mtime."""
    try:
        lying = zone.stat(_path(delivery))
    except Missing:
        return False
    return (lying.kind, lying.size, lying.mtime) == ("file", delivery.size_bytes, delivery.mtime)


def _path(delivery: Delivery) -> str:
    return f"{delivery.folder}/{delivery.file_name}"
