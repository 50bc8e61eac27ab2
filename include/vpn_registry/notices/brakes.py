"""The brakes on mass notices: what has to be approved by a person before it goes out (contract section 8)."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from vpn_registry.notices.contents import Tally

RISE_POINTS: Final = Fraction(10, 100)
RISE_CLIENTS: Final = 5
SHIFT_SHARE: Final = Fraction(20, 100)
SHIFT_CLIENTS: Final = 5
STAGE_SHARE: Final = Fraction(20, 100)
STAGE_CLIENTS: Final = 20


def brake(now: Tally, *, offset: int, last_sent: Tally | None) -> str | None:
    """Why this ISP's notice has to wait for approval, or None.

    `offset` is the stage's, in days from the deadline; `last_sent` the tally of the ISP's last sent notice of the
    campaign, None when there was none.
    """
    reasons = []
    if last_sent is None:
        reasons.append("This is the first notice of the campaign to this ISP.")
    if offset > 0:
        reasons.append("The stage is after the deadline.")
    if last_sent is not None:
        if _share(now) - _share(last_sent) >= RISE_POINTS and now.to_register - last_sent.to_register >= RISE_CLIENTS:
            reasons.append(
                f"Clients to register rose from {_described(last_sent)} in its last notice to {_described(now)}."
            )
        if _differs(now.comparable, last_sent.comparable, SHIFT_SHARE, SHIFT_CLIENTS):
            reasons.append(f"Comparable clients went from {last_sent.comparable} to {now.comparable}.")
    return " ".join(reasons) or None


def stage_brake(to_register: int, last_stage: int | None) -> str | None:
    """Why a whole stage has to wait: the national count of clients to register against the last stage's, or None."""
    if last_stage is None or to_register <= last_stage:
        return None
    if not _differs(to_register, last_stage, STAGE_SHARE, STAGE_CLIENTS):
        return None
    return f"Clients to register in the whole country rose from {last_stage} at the last stage to {to_register}."


def _share(tally: Tally) -> Fraction:
    return Fraction(tally.to_register, tally.comparable) if tally.comparable else Fraction(0)


def _described(tally: Tally) -> str:
    return f"{tally.to_register} of {tally.comparable}"


def _differs(now: int, before: int, share: Fraction, least: int) -> bool:
    """More than `share` of what was, and more than `least`."""
    return abs(now - before) > share * before and abs(now - before) > least
