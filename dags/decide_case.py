"""
## Decide a case

A person's decision on a case: a held file, a dispute, a registration elsewhere, a message nobody knows the fate of, an
extension of the deadline. What one person entered, another one has to decide.
Trigger it by hand: the form asks for the case, what is decided and why, and Airflow tells who. Which cases are open,
and what may be decided on each, stands in the log of `show_open` and in `vpnreg cases`.

**Reads** open cases, the landing store. **Writes** the decision, with reason and name, and what follows: a held file is merged or rejected.

Answers go out with the next run of `collect_deliveries`, statuses follow at once. **Re-run** at any time: a later decision on
the same case replaces the earlier one; only a file that was released or refused stays so.

### When this fails
| task | what it means | what to do |
|---|---|---|
| `show_open` | the registry itself is out of reach or on another schema | read the log's one sentence |
| `decide` | this may not be decided, or the run was not triggered by a logged-in person; nothing was changed | read the log's one sentence, and trigger the form again as yourself |
"""

from __future__ import annotations

from datetime import date
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from airflow_defaults import DEFAULT_ARGS, REGISTRY, REGISTRY_CHANGES, START, exchange, person, reason


def day(text: str | None) -> date | None:
    """A day of the form; empty is none."""
    return date.fromisoformat(text) if text else None


@dag(
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["registry", "people", "by-hand"],
    doc_md=__doc__,
    params={
        "case": Param(type="integer", minimum=1, title="Case", description="Its number, from `vpnreg cases`."),
        "outcome": Param(
            type="string",
            minLength=1,
            title="Outcome",
            description="Such as release, refuse, exempt, uphold; `vpnreg cases` names those of each case.",
        ),
        "reason": reason("Kept with the decision; a refused file tells it to the ISP."),
        "until": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Until",
            description="The last day on which an exemption holds; empty for no end.",
        ),
    },
)
def decide_case() -> None:
    @task
    def show_open() -> dict[str, str]:
        """Case number -> ISP, kind, by when it is due, and what may be decided, of every open case."""
        from vpn_registry.pipeline import decisions

        return {
            str(
                one.case
            ): f"{one.isp or 'every ISP'} {one.kind} {one.subject}, due {one.due}: {' or '.join(one.outcomes)}"
            for one in decisions.waiting(exchange())
        }

    @task(outlets=[REGISTRY_CHANGES])
    def decide(open_now: dict[str, str], outlet_events: Any = None) -> None:
        """Decide the case the form names, in the name of whoever triggered this run."""
        from airflow.sdk.exceptions import AirflowFailException

        from vpn_registry.pipeline import decisions

        form = get_current_context()["params"]
        options = {"outcome": form["outcome"], "reason": form["reason"], "until": day(form["until"])}
        try:
            case = decisions.decide(exchange(), form["case"], actor=person(), **options)
        except decisions.DecisionRefusedError as refused:  # trying again would change nothing
            raise AirflowFailException(str(refused)) from None
        outlet_events[REGISTRY_CHANGES].add(REGISTRY, extra={"isp": case.isp})

    decide(show_open())


decide_case()
