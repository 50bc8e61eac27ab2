"""
## Approve notices

A person's approval of what a brake holds. Trigger it by hand: the form asks which notices and why, and Airflow tells who.
What is held, and the reason, stands in the log of `show_held` and in `vpnreg status`.

**Reads** held notices. **Writes** their approval, with reason and name. `send_notices` sends them within a quarter of an
hour of its working day.

**Re-run** at any time: a notice that is approved already is left alone. A held notice that nobody approves stays held, and
lapses three working days after its stage.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `show_held` | the registry itself is out of reach or on another schema | read the log's one sentence |
| `approve` | the run was not triggered by a logged-in person | trigger it from Airflow's page or API as yourself |
"""

from __future__ import annotations

from airflow.sdk import Param, dag, get_current_context, task

from airflow_defaults import DEFAULT_ARGS, START, exchange, person


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["notices", "people", "by-hand"],
    doc_md=__doc__,
    params={
        "reason": Param(
            type="string",
            minLength=10,
            title="Reason",
            description="Why these notices may go out; kept with the approval. No names or numbers of persons.",
        ),
        "isp": Param(None, type=["null", "string"], title="ISP", description="Its code; empty approves every ISP's."),
        "stage": Param(
            None, type=["null", "string"], title="Stage", description="Such as T-14; empty approves every stage."
        ),
    },
)
def approve_notices() -> None:
    @task
    def show_held() -> dict[str, str]:
        """Notice number -> ISP, stage and why it waits, of everything that is held."""
        from vpn_registry.pipeline import notify

        return notify.held(exchange().registry)

    @task
    def approve(held: dict[str, str]) -> list[str]:
        """Approve the held notices the form names, in the name of whoever triggered this run."""
        from vpn_registry.pipeline import notify

        form = get_current_context()["params"]
        return notify.approve(
            exchange().registry, actor=person(), reason=form["reason"], stage=form["stage"], isp=form["isp"]
        )

    approve(show_held())


approve_notices()
