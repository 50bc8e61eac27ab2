"""
## Extend deadline

A person enters a later deadline of the campaign; another one approves it with `decide_case`. Trigger it by hand: the form
asks for the new last day, which decision or letter sets it, for whom and why, and Airflow tells who. It is for everybody,
or for one ISP, or for one of its clients.

**Reads** the campaign's deadlines. **Writes** a case that somebody else decides.

Nothing changes until then: approve it as another person with the form of `decide_case`, under the number in the log of
`enter`. After that notices of the old date that are not sending yet are cancelled, and each ISP that had been told another
date gets one letter; what is for one ISP or client concerns no other. **Re-run** at any time: the same date is one case.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `enter` | the date is no extension, the ISP or client is not known, or the run was not triggered by a logged-in person; nothing was changed | read the log's one sentence, and trigger the form again |
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
        "ends_on": Param(
            type="string", format="date", title="Last day", description="The new last day on which filing is in time."
        ),
        "source": Param(
            type="string",
            minLength=5,
            title="Source",
            description="The decision or letter that sets it, by number and date; history and letters name it.",
        ),
        "isp": Param("", type="string", title="ISP", description="Its code, if it is for one ISP; empty for all."),
        "client": Param(
            "", type="string", title="Client", description="The subscriber id, if it is for one client of that ISP."
        ),
        "reason": reason("Why; kept in the audit trail."),
    },
)
def extend_deadline() -> None:
    @task
    def enter() -> int:
        """Open the case that somebody else decides; its number."""
        from airflow.sdk.exceptions import AirflowFailException

        from vpn_registry.pipeline import extension

        form = get_current_context()["params"]
        entry = {name: form[name] for name in ("source", "reason", "isp", "client")} | {"actor": person()}
        try:
            return extension.propose(exchange(), date.fromisoformat(form["ends_on"]), **entry)
        except ValueError as refused:  # trying again would change nothing
            raise AirflowFailException(str(refused)) from None

    enter()


extend_deadline()
