"""
## Keep house

Each night: walks the audit chain, erases what has been kept long enough, in the registry and in the zones, once a month
writes each ISP an extract of its own registry, seals the audit trail, and makes a backup where `VPN_REGISTRY_BACKUPS` names a folder for it.
How long what is kept, and why, stands in `include/retention.toml`; `vpnreg retention` shows what is due.

**Reads** the audit trail, `include/retention.toml`. **Writes** erasures in the registry, the landing store and `outgoing/` of every zone, one audit event a class; extracts for the ISPs; a backup.

**Re-run** at any time: what is erased already is not found again. While the audit chain does not hold nothing is erased,
so that nobody's traces are. A run triggered by hand is a dry run unless the form says otherwise: it only counts.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `verify_audit` | the chain is broken: an event was changed, removed or swapped behind the registry's back | treat it as a break-in: keep the database as it is, compare with the heads in earlier logs of this task and with the backups |
| `erase` | our own fault; the classes before the one it names are done, the others wait | report it, then clear the task |
| `extract_registries` | our own fault; ISPs before the one it names have theirs | report it, then clear the task |
| `write_extract` | the zone of that ISP can't be reached | nothing: `collect_deliveries` writes what is queued as soon as it can |
| `isps_with_old_answers` | the registry itself is out of reach | read the log's one sentence |
| `remove_answers` | the zone of that ISP can't be reached or refuses the removal | ring the ISP; the next night tries again |
| `backup` | the folder is full or not writable, or `pg_dump` failed; it is tried also when a task before it failed | mend what the log names, then clear it: a night without a backup is a night that can be lost |
| `seal_audit` | our own fault; the events stand unsealed, none is lost | clear it |
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from airflow_defaults import DEFAULT_ARGS, PATIENT, START, dry_run, exchange, holder, is_dry


@dag(
    schedule=CronTriggerTimetable("30 2 * * *", timezone="Asia/Karachi"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"priority_weight": PATIENT},
    tags=["registry", "daily"],
    doc_md=__doc__,
    params={"dry_run": dry_run("count what would be erased")},
)
def keep_house() -> None:
    @task
    def verify_audit() -> dict[str, str | int]:
        """Walk the audit chain; its head and length, for comparison with later nights."""
        from vpn_registry.pipeline import house

        chain = house.verify_audit(exchange())
        return {"sealed": chain.sealed, "head": chain.head, "unsealed": chain.unsealed}

    @task
    def erase(chain: dict[str, str | int]) -> dict[str, int]:
        """Erase what has had its time; how much of each class."""
        from vpn_registry.pipeline import house

        return house.erase(exchange(), is_dry=is_dry())

    @task
    def extract_registries(erased: dict[str, int]) -> list[str]:
        """Queue the monthly extract of each ISP that has had none this month; none in a dry run."""
        from vpn_registry.pipeline import outgoing

        return [] if is_dry() else outgoing.extract_monthly(exchange(), actor="keep_house")

    @task(pool="sftp", map_index_template="{{ isp }}")
    def write_extract(isp: str) -> int:
        """Write what is queued for one ISP's outgoing folder; how many files."""
        from vpn_registry.pipeline import collect

        get_current_context()["isp"] = isp
        return collect.answer(exchange(), isp, holder=holder())

    @task
    def seal_audit(extracted: list[str]) -> int:
        """Link the audit events committed so far into the hash chain; how many were linked."""
        from vpn_registry.pipeline import collect

        return collect.seal_audit(exchange())

    @task
    def isps_with_old_answers(chain: dict[str, str | int]) -> list[str]:
        """The ISPs in whose `outgoing/` something has lain for its time; none in a dry run."""
        from vpn_registry.pipeline import outgoing

        return [] if is_dry() else outgoing.isps_with_old_answers(exchange())

    @task(pool="sftp", map_index_template="{{ isp }}")
    def remove_answers(isp: str) -> int:
        """Remove from one ISP's `outgoing/` what has lain there for its time; how many files."""
        from vpn_registry.pipeline import outgoing

        get_current_context()["isp"] = isp
        return outgoing.remove_old_answers(exchange(), isp, holder=holder())

    @task(trigger_rule="all_done")
    def backup(sealed: int) -> str:
        """Copy everything but the key file into a new folder of VPN_REGISTRY_BACKUPS; its name, '' when that is not set."""
        from vpn_registry.pipeline import house

        return house.backup(exchange())

    chain = verify_audit()
    remove_answers.expand(isp=isps_with_old_answers(chain))
    extracted = extract_registries(erase(chain))
    write_extract.expand(isp=extracted)
    backup(seal_audit(extracted))


keep_house()
