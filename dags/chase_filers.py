"""
## Chase filers

On working days, from 09:20: reminds ISPs whose client list is overdue, and tells those whose clients' registrations end
soon. Then reports to the data team: what came, what was refused and why, who is silent, what waits for a person, how far
the deadline is, and the head of the audit trail. What a person has not decided stands in each morning's report again.

An ISP is reminded at most once in seven days, and never while its zone can't be listed or its files wait for us. The DAG
runs each hour, so that a relay that was down costs an hour and not a day; whatever was sent is not sent again.

**Reads** deliveries, client lists, registrations, cases and the outbox. **Writes** reminders and their messages, mail to the ISPs' contacts and to the data team, `outgoing/notices/`.

**Re-run** at any time: there is one report a day, and one reminder a week. A run triggered by hand is a dry run unless the
form says otherwise: it names whom it would remind, and sends nothing.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `remind` | the registry itself is out of reach, or a letter does not render | nothing was sent; mend it and clear the task |
| `send` | the mail relay is unreachable or refuses our login | reminders wait; the next hour's run sends them |
| `report` | the relay did not take the report, or a word of it is missing | it waits; the next hour's run sends it |
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from airflow_defaults import DEFAULT_ARGS, START, dry_run, exchange, holder, is_dry, mail_relay, page_address
from airflow_watch import count


@dag(
    schedule=CronTriggerTimetable("20 9-16 * * 1-5", timezone="Asia/Karachi"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["notices", "daily"],
    doc_md=__doc__,
    params={"dry_run": dry_run("name whom it would remind")},
)
def chase_filers() -> None:
    @task
    def remind() -> list[str]:
        """Record the reminders that are due; the slugs of the ISPs that have one to send."""
        from vpn_registry.pipeline import chase

        planner = get_current_context()["dag_run"].triggering_user_name or chase.ACTOR
        due = chase.remind(exchange(), is_dry=is_dry(), actor=planner)
        count("vpn_registry.isps.reminded", len(due))
        return [] if is_dry() else due

    @task(map_index_template="{{ isp }}", pool="smtp")
    def send(isp: str) -> dict[str, int]:
        """Send one ISP's reminders, each copy to one recipient, and put them into its zone."""
        from vpn_registry.pipeline import dispatch

        get_current_context()["isp"] = isp
        counts = dispatch.send(exchange(), isp, mail_relay(), holder=holder())
        for state in counts:
            count("vpn_registry.messages", counts[state], state)
        return counts

    @task(trigger_rule="all_done", pool="smtp")
    def report() -> int:
        """Put the day's report together, unless it is, and send what waits for the data team; how many mails."""
        from vpn_registry.pipeline import office
        from vpn_registry.pipeline import report as daily

        if is_dry():
            return 0
        daily.queue(exchange(), page=page_address())
        sent = office.send(exchange(), mail_relay())
        count("vpn_registry.office.mails", sent)
        return sent

    reminded = remind()
    send.expand(isp=reminded)
    reminded >> report()  # beside the sending, so that one broken relay or letter shows and hides nothing


chase_filers()
