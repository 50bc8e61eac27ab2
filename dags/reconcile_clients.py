"""
## Reconcile clients

Compares the registry with each ISP's client list and gives every client one status, with the reason. Before that, it compares
the addresses in what was merged since with those of all ISPs, and puts before a person what several clients claim.

**Reads** registrations and client lists of the registry. **Writes** statuses, with what is new, resolved, changed and gone;
marks on contested registrations and their cases.

**Runs** whenever the registry changed, and at 06:00 in Pakistan, because a day that passes can expire a registration or
make a list too old. **Re-run** at any time: the same data on the same day give the same statuses.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `isps` | the registry itself is out of reach or on another schema | read the log's one sentence; `vpnreg db upgrade` after an update |
| `compare` | our own fault for that ISP: its statuses stay as they were, and no notice is planned from them | report it; other ISPs are not affected |
"""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, get_current_context, task

from airflow_defaults import DEFAULT_ARGS, REGISTRY, START, exchange
from airflow_watch import measure


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 6 * * *", timezone="Asia/Karachi"), assets=[REGISTRY]
    ),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["registry", "daily"],
    doc_md=__doc__,
)
def reconcile_clients() -> None:
    @task
    def isps() -> list[str]:
        """The ISPs whose statuses are older than their last merge or than today."""
        from vpn_registry.pipeline import reconcile

        return reconcile.outdated(exchange())

    @task(map_index_template="{{ isp }}")
    def compare(isp: str) -> dict[str, int]:
        """One ISP: a status with its reason for each client; how many have which."""
        from vpn_registry.pipeline import reconcile

        get_current_context()["isp"] = isp
        counts = reconcile.compare(exchange(), isp)
        for status, clients in counts.items():
            measure("vpn_registry.clients", clients, f"{isp}.{status}")
        return counts

    compare.expand(isp=isps())


reconcile_clients()
