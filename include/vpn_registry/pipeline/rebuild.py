"""Proof that the registry follows from the files: they are merged anew into a scratch registry, which must be equal.

What a person decided is taken from the ledger (a held file that was released or refused is so again), and so is what
the judging of that day knew of missing numbers. Rows are judged anew by the rulebook of that day; where its rules, or
the ISP's file, are kept no longer, the stored verdict is taken, and always for answers to notices: what had been sent
and listed when they came does not follow from the files alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from vpn_registry import validation
from vpn_registry.landing import LandingError
from vpn_registry.model import Feed, Limits, Mode, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.judgement import row_outcomes
from vpn_registry.pipeline.merging import merge_rows
from vpn_registry.registry import audit, differences, erasure, ledger, merge, replays
from vpn_registry.registry.differences import Difference
from vpn_registry.registry.replays import Taken
from vpn_registry.rulebook import RULEBOOK_VERSION, RULEBOOKS, Context
from vpn_registry.validation import Verdict

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_GAP: Final = "F102"
_NO_KEY: Final = "F303"
_NO_LIMITS: Final = Limits(*[2**40] * len(fields(Limits)))
"""What was taken once is read again, whatever the ISP's limits are today."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found: deliveries merged anew, rows that agree and differ by table, and the first differences.

    `discarded` deliveries have no bytes any more, as retention wants it; what they touched is not compared.
    """

    deliveries: int
    discarded: int
    equal: Mapping[str, int]
    different: Mapping[str, int]
    first: list[Difference]

    @property
    def is_equal(self) -> bool:
        return not self.first


def check(exchange: Exchange) -> Rebuilt:
    """Replay every merge into a scratch registry and compare; the check itself is audited.

    The registry is read as it stands at one moment, and is not locked.
    """
    unreadable: list[Difference] = []
    with exchange.registry.reading() as db, replays.scratch(exchange.registry) as scratch:
        gone = erasure.discarded(db)
        taken = [one for one in replays.taken(db) if one.delivery.id not in gone]
        with scratch.writing() as scratch_db:
            replays.copy_ledger(db, scratch_db)
        for one in taken:
            aside = replace(exchange, registry=replace(scratch, is_simulated=True, simulated_at=one.judged_at))
            problem = _replay(aside, one)
            if problem:
                unreadable.append(Difference("deliveries", str(one.delivery.id), problem))
        with scratch.reading() as scratch_db:
            compared = differences.compare(db, scratch_db, exchange.registry.keys.decrypt_text)
    rebuilt = Rebuilt(len(taken), len(gone), compared.equal, compared.different, [*unreadable, *compared.first])
    _record(exchange, rebuilt)
    return rebuilt


def _replay(aside: Exchange, taken: Taken) -> str | None:
    """Judge and merge one delivery; why that is not possible, as words for `Difference.what`."""
    try:
        data = aside.landing.get(str(taken.delivery.sha256))
    except (LandingError, ValueError):
        return "its bytes are missing from the landing store, or damaged"
    with aside.registry.writing() as db:
        verdict = _judged(aside, db, taken, data)
        if verdict is None:
            return "its bytes can't be read any more"
        effects, _ = merge_rows(aside, db, taken.delivery, verdict)
        ledger.record_rows(db, taken.delivery, row_outcomes(verdict, effects))
    return None


def _judged(aside: Exchange, db: Session, taken: Taken, data: bytes) -> Verdict | None:
    name = taken.delivery.name
    if name is None:
        return None
    count = int(taken.result["row_count"])
    decoded, _ = validation.read(data, name.ext, name.feed, stem=name.stem, limits=_NO_LIMITS)
    if decoded is None or len(decoded.frame) != count:
        return None
    isp = aside.isps.get(taken.delivery.isp)
    context = Context(
        isp=taken.delivery.isp,
        today=pakistani_day(taken.delivery.received_at or taken.judged_at),
        mode=name.mode,
        seq=name.seq,
        sample=isp.sample if isp else False,
        prefixes=isp.prefixes if isp else (),
        known=merge.known_registrations(db, taken.delivery.isp) if name.feed is Feed.REGISTRATIONS else None,
        has_gap=_GAP in taken.file_codes,
        row_key=aside.registry.keys.row_key(),
    )
    # Whether the file as a whole was taken is recorded; how many rows it might have lost doesn't matter any more.
    is_kept = taken.rulebook_version in RULEBOOKS
    anew = validation.judge(
        decoded,
        (),
        feed=name.feed,
        mode=name.mode,
        context=context,
        tolerance=(1.0, count),
        rulebook_version=taken.rulebook_version if is_kept else RULEBOOK_VERSION,
        with_suite=False,
    )
    if isp is not None and is_kept and name.feed is not Feed.RESPONSES:
        return anew
    rejected, duplicate, warned = validation.row_verdicts(taken.result)
    may_close = name.mode is Mode.FULL and _NO_KEY not in taken.file_codes
    return replace(anew, rejected=rejected, duplicate=duplicate, warned=warned, may_close=may_close)


def _record(exchange: Exchange, rebuilt: Rebuilt) -> None:
    with exchange.registry.writing() as db:
        audit.record(
            db,
            actor="vpnreg",
            action="rebuild_check",
            object_type="registry",
            object_id="books",
            detail={"deliveries": rebuilt.deliveries, "different": sum(rebuilt.different.values())},
            at=exchange.now(),
        )
