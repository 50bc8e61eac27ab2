"""What the audit trail says of notices."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from vpn_registry.model import NoticeState
from vpn_registry.registry import audit
from vpn_registry.registry.outbox import Notice

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def audit_notice(db: Session, actor: str, state: NoticeState, notice: Notice, *, at: datetime, why: str = "") -> None:
    """A notice came to a state, by whom, and why: the notice itself keeps the reason of its last state only."""
    audit.record(
        db,
        actor=actor,
        action=notice_action(state),
        object_type="notice",
        object_id=notice.notice_no,
        detail={"isp": notice.isp, "stage": notice.stage, **({"why": why} if why else {})},
        at=at,
    )


def notice_action(state: NoticeState) -> str:
    """`notice_planned`, `notice_held` and so on."""
    return f"notice_{state}"
