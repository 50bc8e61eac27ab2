"""
## Collect deliveries

Sees what ISPs dropped into their SFTP zones, takes it, judges it, merges it into the registry and answers it.
One ISP's broken zone or file fails alone and shows up under its slug; the run is then marked failed so that somebody looks.

**Reads** `incoming/` and `check/` of every zone. **Writes** the landing store, the registry, `outgoing/` of every zone.

**Re-run** at any time: clear the failed task, or trigger the DAG. Every step continues where the ledger says it stopped;
nothing is taken, merged or answered twice. A scheduled run leaves an ISP for up to five minutes to the run that is about to
come to it; one triggered by hand takes every ISP.

When a run is not done within five minutes, or within thirty, it is asked whether a receipt or a result is late; the data
team gets a mail about each ISP that waits.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `zones_with_mail` | the registry itself is out of reach or on another schema | read the log's one sentence; `vpnreg db upgrade` after an update |
| `take` | that ISP's zone is unreachable, refuses our login, or shows another host key | ring the ISP; the filing clock stands still, and what is stored already is judged meanwhile |
| `judge_and_merge` | our own fault: a bad file never fails here, it gets a finding | report it with the delivery's number; the bytes are safe in the landing store |
| `seal_audit` | our own fault; the events stand unsealed, none is lost | clear it; `vpnreg audit verify` tells how long the unsealed tail is |
| `answer` | the zone refuses our write to `outgoing/` | ring the ISP; the answers wait and go out with the next run |
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, get_current_context, task, task_group

from airflow_defaults import DEFAULT_ARGS, REGISTRY, REGISTRY_CHANGES, START, URGENT, exchange, holder, is_by_hand, poll
from airflow_watch import PROMISES, count, measure


@dag(
    schedule=poll(),
    start_date=START,
    catchup=False,
    max_active_runs=3,
    deadline=PROMISES,
    default_args=DEFAULT_ARGS,
    tags=["deliveries", "hourly-or-faster"],
    doc_md=__doc__,
)
def collect_deliveries() -> None:
    @task(pool="sftp", priority_weight=URGENT)
    def zones_with_mail() -> list[str]:
        """List all zones at once; the slugs of the ISPs whose zone holds something, is owed an answer, or failed.

        A scheduled run leaves out those that an earlier run is about to come to.
        """
        from vpn_registry.pipeline import collect

        here = exchange()
        isps = collect.zones_with_mail(here)
        measure("vpn_registry.zones.in_work", len(isps))
        free = collect.reserve(here, isps, holder=holder())
        return isps if is_by_hand() else free

    nothing_failed = EmptyOperator(
        task_id="nothing_failed", doc="Ends the run as failed when a task of any ISP failed."
    )

    @task_group
    def one_isp(isp: str) -> None:
        """Everything that may fail for one ISP without hurting another."""

        @task(pool="sftp", priority_weight=URGENT, map_index_template="{{ isp }}")
        def take(isp: str) -> list[int]:
            """Copy settled files into the landing store and send receipts; the ids of the deliveries that wait for judging."""
            from vpn_registry.pipeline import collect

            get_current_context()["isp"] = isp
            return collect.take(exchange(), isp, holder=holder())

        @task(map_index_template="{{ isp }}", trigger_rule="all_done", outlets=[REGISTRY_CHANGES])
        def judge_and_merge(isp: str, outlet_events: Any = None) -> dict[str, int]:
            """Judge each stored delivery by the rulebook and merge its good rows, one transaction a delivery."""
            from vpn_registry.pipeline import collect

            get_current_context()["isp"] = isp
            counts = collect.judge_and_merge(exchange(), isp, holder=holder())
            count("vpn_registry.rows.changed", counts["changed"])
            for outcome in counts.keys() - {"changed"}:
                count("vpn_registry.deliveries", counts[outcome], outcome)
            if counts["changed"]:
                outlet_events[REGISTRY_CHANGES].add(REGISTRY, extra={"isp": isp})
            return counts

        @task(pool="sftp", map_index_template="{{ isp }}", trigger_rule="all_done")
        def answer(isp: str) -> int:
            """Write the queued results and findings into the ISP's outgoing folder."""
            from vpn_registry.pipeline import collect

            get_current_context()["isp"] = isp
            written = collect.answer(exchange(), isp, holder=holder())
            count("vpn_registry.answers.written", written)
            return written

        taken, judged, answered = take(isp), judge_and_merge(isp), answer(isp)
        taken >> judged >> answered  # what is stored already is judged and answered although the zone can't be reached
        [taken, judged, answered] >> nothing_failed

    @task
    def seal_audit() -> int:
        """Link the audit events committed so far into the hash chain; how many were linked."""
        from vpn_registry.pipeline import collect

        return collect.seal_audit(exchange())

    one_isp.expand(isp=zones_with_mail())
    seal_audit()


collect_deliveries()
