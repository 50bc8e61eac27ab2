"""What watches the DAGs: word of failures and of broken promises to the office, and figures for StatsD.

Like `airflow_defaults` beside it, this costs nothing when a DAG file is parsed. Whatever goes wrong while somebody is
told is logged: the failure that is told of stands without it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from vpn_registry.pipeline.alarm import Alarm

log = logging.getLogger(__name__)

METRICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "vpn_registry.zones.in_work": "ISPs whose zone holds something, is owed an answer, or fails",
        "vpn_registry.deliveries": "deliveries judged, by outcome",
        "vpn_registry.rows.changed": "rows that changed something current",
        "vpn_registry.answers.written": "files written into `outgoing/`",
        "vpn_registry.clients": "clients of one ISP, by status",
        "vpn_registry.messages": "copies of notices and reminders tried, by what became of them",
        "vpn_registry.isps.reminded": "ISPs with a reminder to send",
        "vpn_registry.office.mails": "mails the relay took for the data team",
        "vpn_registry.failures": "tasks that failed after their last try",
        "vpn_registry.promises.broken": "ISPs to whom a promise was broken when a run was late",
    }
)
"""Each metric and what it counts; docs/operations.md has the same table."""

_ROW: Final = re.compile(r"^\| `(?P<task>\w+)` \| (?P<means>.+?) \| (?P<next>.+?) \|$", re.MULTILINE)
_NO_ADVICE: Final = ("it is not in the table of the DAG's own page", "read the task's log")


def count(name: str, value: int, detail: str = "") -> None:
    """Add to a counter of METRICS; `detail` is its last part, such as an outcome."""
    from airflow.sdk.observability import stats

    if value:
        stats.incr(_full(name, detail), value)


def measure(name: str, value: int, detail: str = "") -> None:
    """Set a gauge of METRICS; `detail` is its last part, such as `indus.registered`."""
    from airflow.sdk.observability import stats

    stats.gauge(_full(name, detail), value)


def _full(name: str, detail: str) -> str:
    if name not in METRICS:
        raise ValueError(f"{name} is not in METRICS; what is measured is documented.")
    return f"{name}.{detail}" if detail else name


def report_failure(context: Any) -> None:
    """Tell of a task that failed after its last try: the log line that alerting listens to, and a mail."""
    task = context["task_instance"]
    isp = context.get("isp", "")
    log.error(
        "%s.%s failed for %s; what to do stands in the DAG's own page under 'When this fails'.",
        task.dag_id,
        task.task_id,
        isp or "every ISP",
    )
    count("vpn_registry.failures", 1)
    error = context.get("exception")
    if isinstance(error, AirflowFailException):
        return  # a form was refused, with the reason in its log: whoever sent it looks at it
    from vpn_registry.pipeline import alarm
    from vpn_registry.registry.office_mails import FAILURE

    name = task.task_id.rpartition(".")[2]
    means, next_step = advice(context["dag"].doc_md or "", name)
    tell(
        alarm.Alarm(
            kind=FAILURE,
            task=f"{task.dag_id}.{name}",
            isp=isp,
            deliveries=alarm.deliveries_of(error if isinstance(error, BaseException) else None),
            error=type(error).__name__,
            means=means,
            next_step=next_step,
            link=str(getattr(task, "log_url", "") or ""),
        )
    )


def report_lateness() -> None:
    """A run has taken longer than a promise allows: tell of each ISP to whom it is broken, if it is.

    Airflow calls this for runs that failed already, and for runs that are late for nobody; so what counts is asked of
    the registry, never of the run.
    """
    from airflow_defaults import exchange
    from vpn_registry.pipeline import promises

    broken = promises.broken(exchange())
    count("vpn_registry.promises.broken", len(broken))
    for one in broken:
        log.error("%s is late for %s: deliveries %s.", one.task, one.isp, ", ".join(one.deliveries))
        tell(one)


def tell(one: Alarm) -> None:
    """Mail an alarm to the office, once a day about one thing; never raises."""
    from airflow_defaults import exchange, mail_relay
    from vpn_registry.pipeline import alarm, office

    try:
        here = exchange()
        if alarm.raise_alarm(here, one):
            office.send(here, mail_relay())
    except Exception:  # of the registry, the relay or a wrong setting: the task's own failure stands whatever this is
        log.exception("%s: the office could not be told; it is told when that works again.", one.task)
        _tell_blindly(one)


def _tell_blindly(one: Alarm) -> None:
    """The same without the registry, once a day; never raises."""
    from datetime import UTC, datetime

    from airflow_defaults import mail_relay
    from vpn_registry import settings
    from vpn_registry.pipeline import alarm

    try:
        alarm.raise_blind(settings.load().home, datetime.now(UTC), mail_relay(), one)
    except Exception:  # neither registry nor relay: the log is all there is
        log.exception("%s: nor could it be mailed without the registry.", one.task)


def advice(page: str, task: str) -> tuple[str, str]:
    """What the failure of a task means and what to do, from the table of its DAG's page."""
    table = page.partition("### When this fails")[2]
    rows = {row["task"]: (row["means"], row["next"]) for row in _ROW.finditer(table)}
    return rows.get(task, _NO_ADVICE)


def promise(within: timedelta, name: str) -> DeadlineAlert:
    """Ask whether our promises are kept when a run is not done within so long."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=within,
        callback=SyncCallback(report_lateness),
        name=name,
    )


PROMISES: Final = [
    promise(timedelta(minutes=5), "receipt within 5 minutes"),
    promise(timedelta(minutes=30), "result within 30 minutes"),
]
"""For the DAG that takes and answers deliveries (design.md section 6)."""
