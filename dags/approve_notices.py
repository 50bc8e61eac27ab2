"""
## Approve notices

A person's word on what a brake holds. Trigger it by hand: the form asks which notices, what becomes of them and why, and
Airflow tells who. An overdue notice that somebody planned by hand is approved by somebody else.
What is held, and the reason, stands in the log of `show_held` and in `vpnreg status`.

**Reads** held notices. **Writes** their approval or refusal, with reason and name. `send_notices` sends what is approved
within a quarter of an hour of its working day; what is refused is cancelled.

**Re-run** at any time: a notice that is approved already is left alone. A held notice that nobody approves stays held, and
lapses three working days after its stage.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `show_held` | the registry itself is out of reach or on another schema | read the log's one sentence |
| `decide` | the run was not triggered by a logged-in person, or an overdue notice needs a second one | trigger it from Airflow's page or API as yourself; ask somebody else |
"""

from __future__ import annotations

from airflow.sdk import Param, dag, get_current_context, task

from airflow_defaults import DEFAULT_ARGS, START, exchange, person, reason


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["notices", "people", "by-hand"],
    doc_md=__doc__,
    params={
        "decision": Param("approve", enum=["approve", "refuse"], title="Decision"),
        "reason": reason("Why they may, or may not, go out; kept with the decision."),
        "isp": Param(None, type=["null", "string"], title="ISP", description="Its code; empty means every ISP's."),
        "stage": Param(
            None, type=["null", "string"], title="Stage", description="Such as T-14; empty means every stage."
        ),
    },
)
def approve_notices() -> None:
    @task
    def show_held() -> dict[str, str]:
        """Notice number -> ISP, stage and why it waits, of everything that is held."""
        from vpn_registry.pipeline import approval

        return approval.held(exchange().registry)

    @task
    def decide(held: dict[str, str]) -> list[str]:
        """Approve or refuse the held notices the form names, in the name of whoever triggered this run."""
        from vpn_registry.pipeline import approval

        form = get_current_context()["params"]
        act = approval.approve if form["decision"] == "approve" else approval.refuse
        return act(exchange().registry, actor=person(), reason=form["reason"], stage=form["stage"], isp=form["isp"])

    decide(show_held())


approve_notices()
