"""What comes and goes in an ISP's `outgoing/` beside answers and notices: its own registry, and what lay there long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from vpn_registry import answers
from vpn_registry.model import iso_utc, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, ledger, outgoing, queries
from vpn_registry.retention import Kept, load_retention
from vpn_registry.rulebook import identifiers

REMOVED_AT_ONCE: Final = 100
"""So many files are removed before that is noted: a zone that fails in between costs no more than their repetition."""


def extract(exchange: Exchange, slug: str, *, actor: str) -> str:
    """Queue an ISP's own registry for its `outgoing/`; the path of the file there, `extract/<isp>_registry_<day>.csv`.

    All its registrations as they stand now, ended ones too, identity numbers masked as in findings, and a summary
    beside it as JSON. Nothing of another ISP is read. The next `answer` writes both, replacing those of the same day.
    """
    now = exchange.now()
    with exchange.registry.reading() as db:
        frame = queries.export(db, "registry", isp=slug, reveal=lambda cipher: _masked(exchange, cipher))
    frame = frame.drop(columns=list(queries.FOR_THE_TEAM))
    frame["ntn"] = [identifiers.mask(ntn) if identifiers.may_be_cnic(ntn) else ntn for ntn in frame["ntn"]]
    files = answers.extract(slug, frame, on=pakistani_day(now), at=now, simulated=exchange.registry.is_simulated)
    with exchange.registry.writing() as db:
        ledger.queue_zone_files(db, slug, files)
        audit.record(
            db,
            actor=actor,
            action="extract",
            object_type="isp",
            object_id=slug,
            detail={"isp": slug, "rows": len(frame)},
            at=now,
        )
    return files[0].path


def extract_monthly(exchange: Exchange, *, actor: str) -> list[str]:
    """Queue the extract of each ISP that has registrations and got none this month in Pakistan yet; their slugs."""
    month = f"_registry_{pakistani_day(exchange.now()):%Y%m}"
    with exchange.registry.reading() as db:
        due = outgoing.isps_with_registrations(db) - outgoing.isps_with_file(db, month)
    slugs = sorted(due & exchange.isps.keys())
    for slug in slugs:
        extract(exchange, slug, actor=actor)
    return slugs


def isps_with_old_answers(exchange: Exchange) -> list[str]:
    """Slugs of the ISPs in whose `outgoing/` something has lain for its time, 90 days."""
    with exchange.registry.reading() as db:
        return [slug for slug in outgoing.isps_with_old_files(db, _before(exchange)) if slug in exchange.isps]


def remove_old_answers(exchange: Exchange, slug: str, *, holder: str) -> int:
    """Remove what has lain in an ISP's `outgoing/` for 90 days, whatever queued it; how many files left it.

    A file that a later one replaced under its name stays until the later one's time is over. Can be repeated at any
    point; does nothing while another run is at work on the zone. Raises ZoneError.
    """
    isp, now = exchange.isps[slug], exchange.now()
    with exchange.leased(isp, holder) as is_ours:
        if not is_ours:
            return 0
        with exchange.registry.reading() as db:
            old = outgoing.old_files(db, slug, _before(exchange))
        if not old:
            return 0
        with exchange.open_zone(isp) as zone:
            for start in range(0, len(old), REMOVED_AT_ONCE):
                part = old[start : start + REMOVED_AT_ONCE]
                for path in _leaving(part):
                    zone.remove(f"outgoing/{path}")
                with exchange.registry.writing() as db:
                    outgoing.files_removed(db, [file.answer_id for file in part], now)
        count = len(set(_leaving(old)))
        with exchange.registry.writing() as db:
            audit.record(
                db,
                actor="keep_house",
                action="erase",
                object_type="retention",
                object_id=Kept.ANSWERS.value,
                detail={"isp": slug, "count": count, "before": iso_utc(_before(exchange))},
                at=now,
            )
    return count


def _before(exchange: Exchange) -> datetime:
    return load_retention()[Kept.ANSWERS].before(exchange.now())


def _leaving(files: Iterable[outgoing.OldFile]) -> list[str]:
    return [file.path for file in files if not file.is_replaced]


def _masked(exchange: Exchange, cipher: str) -> str:
    return identifiers.mask(exchange.registry.keys.decrypt_text(cipher))
