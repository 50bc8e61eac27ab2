"""A person's word on held notices: approval sets them free, refusal cancels them, silence leaves them held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpn_registry.model import NoticeState
from vpn_registry.pipeline.trail import audit_notice, notice_action
from vpn_registry.registry import audit, outbox
from vpn_registry.registry.outbox import Notice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vpn_registry.registry.home import Registry


class SecondPersonError(Exception):
    """What one person entered, another one has to approve (contract section 10); the message is one sentence."""


def held(registry: Registry) -> dict[str, str]:
    """Notice number -> ISP, stage, counts and why it waits, of every held notice."""
    with registry.reading() as db:
        waiting = outbox.notices(db, NoticeState.HELD)
    return {notice.notice_no: f"{notice.isp}, {held_text(notice)}" for notice in waiting}


def held_text(notice: Notice) -> str:
    """What a person has to know before approving: the stage, whom it is about, and why it waits."""
    counts = notice.counts
    told = f"{notice.stage}, {counts['to_register']:,} of {counts['comparable']:,} clients to register. {notice.reason}"
    return told.rstrip()


def approve(
    registry: Registry, *, actor: str, reason: str, stage: str | None = None, isp: str | None = None
) -> list[str]:
    """A person's approval of held notices: their numbers. They go out with the next run of send_notices.

    Raises SecondPersonError, and approves nothing, when one of them is overdue and `actor` planned it by hand.
    """
    return _decide(registry, NoticeState.APPROVED, actor=actor, reason=reason, stage=stage, isp=isp)


def refuse(
    registry: Registry, *, actor: str, reason: str, stage: str | None = None, isp: str | None = None
) -> list[str]:
    """A person's refusal of held notices, which are cancelled with the reason: their numbers."""
    return _decide(registry, NoticeState.CANCELLED, actor=actor, reason=reason, stage=stage, isp=isp)


def _decide(
    registry: Registry, state: NoticeState, *, actor: str, reason: str, stage: str | None, isp: str | None
) -> list[str]:
    with registry.writing() as db:
        waiting = outbox.notices(db, NoticeState.HELD, isp=isp, stage=stage)
        if state is NoticeState.APPROVED:
            _ask_a_second_person(db, waiting, actor)
        for notice in waiting:
            outbox.decide(db, notice, state, reason=reason, actor=actor, at=registry.now())
            audit_notice(db, actor, state, notice, at=registry.now())
    return [notice.notice_no for notice in waiting]


def _ask_a_second_person(db: Session, waiting: list[Notice], actor: str) -> None:
    overdue = [notice.notice_no for notice in waiting if notice.stage_on > notice.ends_on]
    planners = audit.actors(db, notice_action(NoticeState.PLANNED), overdue)
    own = [number for number in overdue if planners.get(number) == actor]
    if own:
        raise SecondPersonError(f"{own[0]} is overdue and was planned by {actor}; somebody else has to approve it.")
