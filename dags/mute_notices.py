"""
## Mute notices

A person keeps letters back for a while: those to one ISP, or what they say of one of its clients. Trigger it by hand: the
form asks whom, until which day and why, and Airflow tells who. A mute ends by itself after its last day.

**Reads** client lists. **Writes** a decided case with the mute, its last day, reason and name.

Stages of a muted ISP wait, and lapse as ever; a muted client stands in no letter. Registry, figures and page show both as
before. `decide_case` ends a mute before its day (`lift`) or gives it another one (`mute`), under the number in the log of
`enter`. **Re-run** at any time: about one ISP or client there is one case.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `enter` | the ISP or client is not known, the day has passed, or the run was not triggered by a logged-in person; nothing was changed | read the log's one sentence, and trigger the form again |
"""

from __future__ import annotations

from datetime import date

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
        "isp": Param(type="string", minLength=2, title="ISP", description="Its code."),
        "client": Param(
            "", type="string", title="Client", description="The subscriber id, if it is for one client of that ISP."
        ),
        "until": Param(
            type="string", format="date", title="Until", description="The last day on which letters are kept back."
        ),
        "reason": reason("Why; kept with the mute."),
    },
)
def mute_notices() -> None:
    @task
    def enter() -> int:
        """Record the mute, in the name of whoever triggered this run; its case."""
        from airflow.sdk.exceptions import AirflowFailException

        from vpn_registry.pipeline import decisions, mutes

        form = get_current_context()["params"]
        entry = {name: form[name] for name in ("client", "reason")} | {"actor": person()}
        try:
            return mutes.enter(exchange(), form["isp"], date.fromisoformat(form["until"]), **entry).id
        except decisions.DecisionRefusedError as refused:  # trying again would change nothing
            raise AirflowFailException(str(refused)) from None

    enter()


mute_notices()
