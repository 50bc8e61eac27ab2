"""The one place where Airflow and the library meet: assets, default arguments, and hooks turned into plain callables.

DAG files import what they need from here; nothing of `vpn_registry` is imported at module level beyond what costs
nothing, so that parsing a DAG file stays as cheap as parsing an empty one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pendulum
from airflow.sdk import Asset, AssetAlias, Param
from airflow.sdk.configuration import conf

from airflow_watch import report_failure
from vpn_registry.model import CNIC_IN_WORDS

if TYPE_CHECKING:
    from paramiko import SFTPClient

    from vpn_registry.pipeline.exchange import Exchange, MailRelay

PAKISTAN: Final = pendulum.timezone("Asia/Karachi")
START: Final = pendulum.datetime(2026, 1, 1, tz=PAKISTAN)
REGISTRY: Final = Asset("vpn_registry", uri="x-vpn-registry://registry")
REGISTRY_CHANGES: Final = AssetAlias("vpn_registry_changes")
"""Tasks emit REGISTRY through this alias, so that a pass without a change emits nothing."""
MAIL_CONNECTION: Final = "smtp_default"
LEAST_POLL_SECONDS: Final = 5

# When slots are short, of a pool or of all workers, what has the higher priority starts first.
URGENT: Final = 10
"""What an ISP's deadline hangs on: receipts, and letters that are due."""
PATIENT: Final = 1
"""What may take all night."""

DEFAULT_ARGS: Final[dict[str, Any]] = {
    "owner": "pta-data-team",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(minutes=20),
    "on_failure_callback": report_failure,
    "priority_weight": 5,
    "weight_rule": "absolute",
}


def poll() -> timedelta:
    """Between two looks at the zones: AIRFLOW__VPN_REGISTRY__POLL_SECONDS, a minute unless set."""
    seconds = conf.getint("vpn_registry", "poll_seconds", fallback=60)
    if seconds < LEAST_POLL_SECONDS:
        raise ValueError(
            f"AIRFLOW__VPN_REGISTRY__POLL_SECONDS: {seconds} is too short; write {LEAST_POLL_SECONDS} or more."
        )
    return timedelta(seconds=seconds)


def exchange() -> Exchange:
    """The registry of this installation with its zones reached through Airflow's SFTP connections."""
    from vpn_registry import settings
    from vpn_registry.pipeline.exchange import open_exchange

    return open_exchange(settings.load(), open_sftp=sftp_client, run=_this_run())


def sftp_client(connection_id: str) -> Any:
    """A context manager that opens the zone behind an Airflow connection.

    The connection is looked up here and now, in the caller's thread: only the dialling happens on entry, which may be
    in another thread.
    """
    from airflow.providers.sftp.hooks.sftp import SFTPHook

    # Retries are the task's business: the hook's own would hammer a server that refused the key.
    hook = SFTPHook(ssh_conn_id=connection_id, conn_retry_attempts=1)
    return _dialled(hook)


@contextmanager
def _dialled(hook: Any) -> Iterator[SFTPClient]:
    with hook.get_managed_conn() as client:
        yield client


def mail_relay() -> MailRelay:
    """The relay behind the `smtp_default` connection, as the library's plain protocol."""
    from email import message_from_bytes

    from airflow.providers.smtp.hooks.smtp import SmtpHook

    class LetterHook(SmtpHook):
        """Sends bytes that were frozen in the registry before the first try, to one recipient, once.

        The provider's own retries have no pause, repeat permanent refusals, and blur what happened; its message
        builder knows neither a text part nor a Message-ID.
        """

        frozen = b""

        @property
        def smtp_retry_limit(self) -> int:
            return 0

        def _build_mime_message(self, *_: Any, **parts: Any) -> tuple[Any, list[str]]:
            return message_from_bytes(self.frozen), parts["to"]

        def post(self, recipient: str, frozen: bytes) -> None:
            self.frozen = frozen
            self.send_email_smtp(to=[recipient], subject="frozen", html_content="frozen")

    @contextmanager
    def connected() -> Iterator[LetterHook]:
        hook = LetterHook(smtp_conn_id=MAIL_CONNECTION)
        with hook:
            yield hook

    return connected


def page_address() -> str:
    """Where the data team's page stands, as Airflow's own address is set; '' when it is not."""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    return f"{base}/vpn-registry/" if base else ""


def holder() -> str:
    """Who holds an ISP's lease: this DAG run."""
    from airflow.sdk import get_current_context

    run = get_current_context()["dag_run"]
    return f"{run.dag_id}/{run.run_id}"


def _this_run() -> str:
    """The same, or '' where no task is running, as in a callback of a deadline."""
    try:
        return holder()
    except RuntimeError:
        return ""


def dry_run(only: str) -> Param:
    """The switch of a form that `is_dry` reads; `only` says what a dry run does."""
    return Param(True, type="boolean", title="Dry run", description=f"Only {only}. Scheduled runs are never dry.")


def reason(kept: str) -> Param:
    """The field of a form in which a person says why; `kept` says what becomes of it.

    Airflow keeps what a form was filled with, so that an identity number is refused before there is a run.
    """
    no_number: dict[str, Any] = {"not": {"pattern": f"(?<![0-9]){CNIC_IN_WORDS}(?![0-9])"}}
    words = f"{kept} No names or numbers of persons."
    return Param(type="string", minLength=10, title="Reason", description=words, **no_number)


def is_by_hand() -> bool:
    """Whether a person started this run, and no schedule."""
    from airflow.sdk import get_current_context

    return bool(get_current_context()["dag_run"].run_type == "manual")


def is_dry() -> bool:
    """Whether this run only says what it would do: one triggered by hand, unless its form says otherwise."""
    from airflow.sdk import get_current_context

    return is_by_hand() and bool(get_current_context()["params"]["dry_run"])


def person() -> str:
    """The logged-in person who triggered this DAG run. Raises AirflowFailException when nobody is known."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowFailException

    run = get_current_context()["dag_run"]
    name = run.triggering_user_name
    if not is_by_hand() or not name:
        raise AirflowFailException("Only a logged-in person can do this: trigger the DAG from Airflow's page or API.")
    return str(name)


def prepare_database() -> None:
    """Make or upgrade the database of this process's Airflow; quick when it is up to date."""
    from airflow.utils import db

    functions: Any = db  # untyped there
    try:
        functions.check_migrations(timeout=0)
    except Exception:  # no database at all, or an older one: Airflow raises several classes
        functions.initdb()


def run_dag(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Run one DAG to its end in this process, as `airflow dags test` does.

    Returns `state`, and `failed`: one `task [map index]` for each task that failed itself.
    """
    from airflow.dag_processing.dagbag import DagBag

    from vpn_registry.settings import PROJECT

    bag = DagBag(str(PROJECT / "dags" / f"{dag_id}.py"))
    if bag.import_errors:
        raise RuntimeError(f"{dag_id} does not load: {bag.import_errors}")
    dag = bag.dags[dag_id]
    for task in dag.tasks:
        task.retries = 0  # a pass in one process doesn't wait for better times: the next pass tries again
    dag.deadline = None  # dag.test() looks it up by an id that only a DAG in the database has (Airflow 3.3)
    run = dag.test(run_conf=conf)
    failed = [
        f"{instance.task_id} {instance.rendered_map_index or ''}".strip()
        for instance in run.get_task_instances()
        if instance.state == "failed"
    ]
    return {"state": str(run.state), "failed": failed}
