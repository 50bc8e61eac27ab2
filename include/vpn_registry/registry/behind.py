"""The DAG run behind what is written: a session knows it, so that whatever a run makes leads back to it."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.orm import Session

_RUN: Final = "run"


def told(run: str) -> dict[str, Any]:
    """What a session is told of the run at work (`dag_id/run_id`); nothing outside of one."""
    return {_RUN: run} if run else {}


def run_of(db: Session) -> str:
    """The run in which this session writes, as `dag_id/run_id`; '' outside of one."""
    return str(db.info.get(_RUN, ""))
