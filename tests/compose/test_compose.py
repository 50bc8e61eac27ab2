"""The production shape for real: built, brought up healthy, and used by an ISP that is none of ours.

One command: `python -m pytest -m compose tests/compose`. Needs Docker with its compose plugin; minutes, and some GB.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vpn_registry import airflow_services, settings

pytestmark = pytest.mark.compose

RUNS = 4
USERS = "amna:admin,bilal:op"
Compose = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    """`docker compose` on a stack of the test's own, with secrets of its own; gone afterwards, volumes too."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        message = "docker compose is not installed: the production shape is not tested."
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("compose")
    env = settings.environment("") | {
        "COMPOSE_PROJECT_NAME": "vpn-registry-test",
        "SECRETS": str(folder / "secrets"),
        "ISPS": str(folder / "isps"),
        "AIRFLOW_USERS": USERS,
        "AIRFLOW_PORT": str(airflow_services.free_port()),
        "SFTP_PORT": str(airflow_services.free_port(2222)),
        "WORKERS": "1",
    }

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        call = [str(docker), "compose", *arguments]
        done = subprocess.run(call, cwd=settings.PROJECT, env=env, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done

    subprocess.run([str(settings.INCLUDE / "deploy/make-secrets")], cwd=settings.PROJECT, env=env, check=True)
    try:
        run("up", "--detach", "--build", "--wait", "--wait-timeout", "900")
        run("exec", "-T", "scheduler", "airflow", "dags", "unpause", "collect_deliveries")
        yield run
    finally:
        (Path(folder) / "log").write_text(run("logs", "--no-color", check=False).stdout, "utf-8")
        run("--profile", "tests", "down", "--volumes", check=False)


def test_a_file_dropped_by_sftp_gets_its_result(compose: Compose) -> None:
    took = []
    for _ in range(RUNS):
        done = compose("--profile", "tests", "run", "--rm", "tests")
        found = re.search(r"partial in ([0-9.]+) s", done.stdout)
        assert found, done.stdout + done.stderr
        took.append(float(found[1]))
    print(f"\nfrom last byte to result: median {statistics.median(took):.0f} s, worst {max(took):.0f} s")  # noqa: T201 - the figures of docs/operations.md


def test_the_self_test_is_counted_nowhere(compose: Compose) -> None:
    told = json.loads(compose("exec", "-T", "worker", "vpnreg", "status", "--json").stdout)
    (isp,) = [one for one in told["isps"] if one["isp"] == "selftest"]
    assert (isp["clients"], isp["comparable"] or 0, isp["notices"]) == (0, 0, {})
    assert compose("exec", "-T", "worker", "vpnreg", "export", "clients").stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("role", "database", "statement", "refusal"),
    [
        ("worker", "vpn_registry", "ALTER TABLE audit_events DISABLE TRIGGER ALL", "must be owner"),
        ("worker", "vpn_registry", "CREATE TABLE mine (a int)", "permission denied"),
        ("worker", "airflow", "SELECT 1", "permission denied"),
        ("page", "vpn_registry", "UPDATE deliveries SET isp = isp", "permission denied"),
    ],
)
def test_a_role_can_do_its_work_and_no_more(
    compose: Compose, role: str, database: str, statement: str, refusal: str
) -> None:
    service = {"worker": "worker", "page": "api-server"}[role]
    pgpass = "export PGPASSFILE=/tmp/pgpass; sed s/:vpn_registry:/:*:/ /run/secrets/registry_pgpass > $PGPASSFILE"
    call = f"umask 077; {pgpass}; psql -w -h postgres -U vpn_registry_{role} {database} -c '{statement}'"
    done = compose("exec", "-T", service, "bash", "-c", call, check=False)
    assert refusal in done.stderr
    assert done.returncode


def test_a_worker_can_not_change_what_it_runs(compose: Compose) -> None:
    for folder in ("dags", "plugins", "include/vpn_registry", "include/isps"):
        done = compose("exec", "-T", "worker", "touch", f"/opt/airflow/{folder}/x", check=False)
        assert done.returncode, folder


def test_the_audit_trail_holds_and_a_backup_is_made(compose: Compose) -> None:
    assert "events hold" in compose("exec", "-T", "worker", "vpnreg", "audit", "verify").stdout
    folder = "/var/lib/vpn-registry/backups"
    assert folder in compose("exec", "-T", "worker", "vpnreg", "backup", folder).stdout
