"""
## Send notices

On working days from 09:00, every quarter of an hour: plans the notices that are due before the deadline, applies the
brakes, and sends what needs no approval or has it. The first run of the day does most of it; the later ones send what was
approved meanwhile, and what the relay had put off. It never waits for a person: what is held stays held until somebody
approves it.

**Reads** statuses, the campaign's deadline, letters. **Writes** notices and messages, mail to the ISPs' contacts, `outgoing/notices/`, after the last stage cases that ask for dossiers.

**Re-run** at any time: a notice exists once per campaign, deadline, stage and ISP, and a message that was sent is never sent again.
A run triggered by hand is a dry run unless the form says otherwise: it says what would go out, and changes nothing.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `plan` | statuses could not be brought up to date, or a letter does not render | nothing was sent; mend it and clear the task |
| `brake` | our own fault; what was planned stays planned | report it, then clear the task |
| `send` | the mail relay is unreachable or refuses our login | messages wait; the next run sends them |
| `summary` | a message failed for good or became uncertain today | see `vpnreg status`; an uncertain message is never sent again by itself |
"""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from airflow_defaults import DEFAULT_ARGS, START, URGENT, dry_run, exchange, holder, is_dry, mail_relay
from airflow_watch import count


@dag(
    schedule=CronTriggerTimetable("*/15 9-16 * * 1-5", timezone="Asia/Karachi"),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["notices", "hourly-or-faster"],
    doc_md=__doc__,
    params={"dry_run": dry_run("say what would be planned, held and sent")},
)
def send_notices() -> None:
    @task
    def plan() -> list[str]:
        """Bring statuses up to date and record what is due; the numbers of the notices planned."""
        from vpn_registry.pipeline import notify

        planner = get_current_context()["dag_run"].triggering_user_name or notify.PLANNER
        return notify.plan(exchange(), is_dry=is_dry(), actor=planner)

    @task
    def brake(planned: list[str]) -> list[str]:
        """Hold what a person has to see first, approve the rest; the slugs of the ISPs that have something to send."""
        from vpn_registry.pipeline import notify

        return notify.brake(exchange())

    @task(map_index_template="{{ isp }}", pool="smtp", priority_weight=URGENT)
    def send(isp: str) -> dict[str, int]:
        """Send one ISP's approved messages, each to one recipient, and put the notice into its zone."""
        from vpn_registry.pipeline import dispatch

        get_current_context()["isp"] = isp
        counts = dispatch.send(exchange(), isp, mail_relay(), holder=holder())
        for state in counts:
            count("vpn_registry.messages", counts[state], state)
        return counts

    @task(trigger_rule="none_failed")
    def summary(counts: list[dict[str, int]]) -> dict[str, int]:
        """Messages by state over all ISPs; fails when one needs a person. After the last stage: ask for dossiers."""
        from vpn_registry.pipeline import dispatch, handover

        if not is_dry():
            handover.hand_over(exchange())
        return dispatch.summarise(exchange())

    summary(send.expand(isp=brake(plan())))


send_notices()
