"""The production shape for real: built, brought up healthy, and used by an ISP that is none of ours.

One command: `python -m pytest -m compose tests/compose`. Needs Docker with its compose plugin; a quarter of an hour,
and some GB.
"""

from __future__ import annotations

import json
import re
import time
import warnings
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.benchmarks import judge as sample
from tests.compose import stack as composed
from tests.compose.stack import Stack
from vpn_registry import settings
from vpn_registry.demo.deliver import deliver, fetch
from vpn_registry.model import PAKISTAN

pytestmark = pytest.mark.compose

ISP = "sindbad"
KEY_FILE = "/var/lib/vpn-registry/keys/registry.key"
BACKUPS = "/var/lib/vpn-registry/backups"
DAGS = sorted(path.stem for path in (settings.PROJECT / "dags").glob("*.py"))
REASON = "rehearsed on the stack of the tests"
SERVICES = {"api-server", "dag-processor", "mail", "postgres", "redis", "scheduler", "sftp", "triggerer", "worker"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if message := composed.missing():
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    with composed.running(tmp_path_factory.mktemp("compose"), [ISP]) as running:
        yield running


def test_every_service_is_healthy(stack: Stack) -> None:
    told = [json.loads(line) for line in stack("ps", "--format", "json").stdout.splitlines()]
    assert {one["Service"]: one["Health"] for one in told} == dict.fromkeys(SERVICES, "healthy")


def test_every_dag_loads(stack: Stack) -> None:
    told = json.loads(stack.ask("/api/v2/importErrors", user="amna")[1])
    assert told["import_errors"] == []
    assert sorted(one["dag_id"] for one in json.loads(stack.ask("/api/v2/dags", user="amna")[1])["dags"]) == DAGS


def test_a_file_dropped_by_sftp_gets_its_result(stack: Stack) -> None:
    done = stack(*composed.PROFILES[2:], "run", "--rm", "tests")
    assert re.search(r"partial in [0-9.]+ s", done.stdout), done.stdout + done.stderr


def test_the_self_test_is_counted_nowhere(stack: Stack) -> None:
    told = json.loads(stack.inside("worker", "vpnreg", "status", "--json").stdout)
    (isp,) = [one for one in told["isps"] if one["isp"] == "selftest"]
    assert (isp["clients"], isp["comparable"] or 0, isp["notices"]) == (0, 0, {})
    for exported in ("clients", "registry", "notices"):
        assert stack.inside("worker", "vpnreg", "export", exported).stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("dag_id", "form"),
    [
        ("reconcile_clients", {}),
        ("send_notices", {"dry_run": False}),
        ("chase_filers", {"dry_run": False}),
        ("approve_notices", {"reason": REASON}),
        ("keep_house", {"dry_run": False}),
    ],
)
def test_a_dag_runs_to_its_end(stack: Stack, dag_id: str, form: dict[str, object]) -> None:
    assert stack.run_dag(dag_id, form) == "success"


def test_a_deadline_is_extended_by_one_person_and_approved_by_another(stack: Stack) -> None:
    entry = {"ends_on": "2027-06-30", "source": "decision 17 of the rehearsal", "reason": REASON}
    assert stack.run_dag("extend_deadline", entry) == "success"
    waiting = json.loads(stack.inside("worker", "vpnreg", "cases", "--json").stdout)
    (case,) = [one["case"] for one in waiting if one["kind"] == "extension"]
    decision = {"case": case, "outcome": "approve", "reason": REASON}
    assert stack.run_dag("decide_case", decision).startswith("failed")
    assert stack.run_dag("decide_case", decision, user="bilal") == "success"
    assert json.loads(stack.inside("worker", "vpnreg", "status", "--json").stdout)["deadline"] == "2027-06-30"


@pytest.mark.parametrize(
    ("role", "database", "statement", "refusal"),
    [
        ("worker", "vpn_registry", "ALTER TABLE audit_events DISABLE TRIGGER ALL", "must be owner"),
        ("worker", "vpn_registry", "CREATE TABLE mine (a int)", "permission denied"),
        ("worker", "vpn_registry", "DELETE FROM audit_events", "audit_events are only added to"),
        ("worker", "airflow", "SELECT 1", "permission denied"),
        ("page", "vpn_registry", "UPDATE deliveries SET isp = isp", "permission denied"),
        ("page", "airflow", "SELECT 1", "permission denied"),
    ],
)
def test_a_role_can_do_its_work_and_no_more(
    stack: Stack, role: str, database: str, statement: str, refusal: str
) -> None:
    service = {"worker": "worker", "page": "api-server"}[role]
    pgpass = "export PGPASSFILE=/tmp/pgpass; sed s/:vpn_registry:/:*:/ /run/secrets/registry_pgpass > $PGPASSFILE"
    call = f"umask 077; {pgpass}; psql -w -h postgres -U vpn_registry_{role} {database} -c '{statement}'"
    done = stack.inside(service, "bash", "-c", call, check=False)
    assert refusal in done.stderr
    assert done.returncode


def test_roles_have_the_same_rights_on_every_table_that_migrations_made(stack: Stack) -> None:
    assert_rights_are_the_least(stack)


def assert_rights_are_the_least(stack: Stack) -> None:
    query = """
        SELECT who, rights, count(*) FROM (
            SELECT who, tablename, string_agg(what, ' ' ORDER BY what) AS rights
            FROM pg_tables, unnest(ARRAY['vpn_registry_page', 'vpn_registry_worker']) who,
                 unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) what
            WHERE schemaname = 'public' AND has_table_privilege(who, tablename, what)
            GROUP BY who, tablename) each_table
        GROUP BY who, rights ORDER BY who, rights"""
    told = stack.inside("postgres", "psql", "-U", "postgres", "-d", "vpn_registry", "-Atc", query).stdout.splitlines()
    rights = {tuple(line.split("|")[:2]): int(line.split("|")[2]) for line in told}
    every = rights["vpn_registry_worker", "DELETE INSERT SELECT UPDATE"]
    assert rights == {
        ("vpn_registry_page", "INSERT SELECT"): 1,  # audit events of reading
        ("vpn_registry_page", "SELECT"): every - 1,
        ("vpn_registry_worker", "DELETE INSERT SELECT UPDATE"): every,
    }


def test_a_worker_can_not_change_what_it_runs(stack: Stack) -> None:
    for folder in ("dags", "plugins", "include/vpn_registry", "include/isps"):
        done = stack.inside("worker", "touch", f"/opt/airflow/{folder}/x", check=False)
        assert done.returncode, folder


def test_the_page_is_shown_to_who_logged_in_and_to_nobody_else(stack: Stack) -> None:
    assert stack.ask("/vpn-registry/")[0] == 401
    status, text = stack.ask("/vpn-registry/", user="bilal")
    assert status == 200
    assert "selftest" in text


def test_a_registered_isp_files_and_is_in_the_registry(stack: Stack) -> None:
    name = f"{ISP}_registrations_full_{datetime.now(PAKISTAN):%Y%m%d}_0001.csv"
    deliver(stack.account(ISP), {name: sample.rows(50)})
    until = time.monotonic() + composed.RUN_SECONDS
    while f"{name}.result.json" not in (answers := fetch(stack.account(ISP))) and time.monotonic() < until:
        time.sleep(2)
    assert json.loads(answers[f"{name}.result.json"])["outcome"] in {"accepted", "partial"}
    assert len(registry_of(stack)) > 40


def registry_of(stack: Stack) -> list[str]:
    """The lines of the registry's export that are registrations in force."""
    return stack.inside("worker", "vpnreg", "export", "registry").stdout.splitlines()[1:]


def test_the_key_is_rotated_while_everything_works(stack: Stack) -> None:
    before = registry_of(stack)
    stack.by_hand("keys", "rotate")
    stack.by_hand("keys", "reencrypt")
    assert registry_of(stack) == before
    assert "events hold" in stack.inside("worker", "vpnreg", "audit", "verify").stdout


def test_lost_disks_are_made_good_from_a_backup_and_the_copy_of_the_key(stack: Stack) -> None:
    before = registry_of(stack)
    key = stack.by_hand(KEY_FILE, program="cat")
    assert BACKUPS in stack.inside("worker", "vpnreg", "backup", BACKUPS).stdout
    stack.lose_volumes("postgres", "keys")
    stack("up", "--detach", "--wait", "postgres")
    stack.by_hand("-c", f"umask 077; cat > {KEY_FILE}", program="sh", text=key)
    stack.by_hand("restore", BACKUPS)
    stack.up()
    assert registry_of(stack) == before
    assert "events hold" in stack.inside("worker", "vpnreg", "audit", "verify").stdout
    assert_rights_are_the_least(stack)
