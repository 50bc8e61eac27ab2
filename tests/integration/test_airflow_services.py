"""How the embedded Airflow is laid out and watched over, and that its end is the end of all its processes.

That it comes up healthy, and that nothing of it is left afterwards, test_file_to_notice.py shows.
"""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.processes import processes_of
from vpn_registry import airflow_services, settings

pytestmark = [pytest.mark.airflow, pytest.mark.services]


def test_sigterm_to_the_parent_ends_the_services_too(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import subprocess, sys
        from vpn_registry import airflow_services as services
        from pathlib import Path

        services._start = lambda airflow, service, arguments: subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        components = ("metadatabase", "scheduler", "dag_processor", "triggerer")
        services.health = lambda airflow: dict.fromkeys(components, "healthy")
        with services.running(services.prepare(Path({str(tmp_path)!r}), {{}}, port=1)) as running:
            print(*(child.pid for child in running.children.values()), flush=True)
            running.watch()
        """
    )
    environment = {**settings.environment(""), "PYTHONPATH": str(settings.INCLUDE)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        sessions = {int(pid) for pid in parent.stdout.readline().split()}
        assert len(processes_of(sessions)) == 4
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(timeout=30) == 128 + signal.SIGTERM
    time.sleep(0.1)
    assert processes_of(sessions) == []


def test_a_service_that_ends_is_named_with_its_log(tmp_path: Path) -> None:
    airflow = airflow_services.prepare(tmp_path, settings.environment(""), port=1)
    services = airflow_services.Services(airflow)
    services.start("scheduler", ("--no-such-option",))
    with pytest.raises(airflow_services.ServiceError, match=r"scheduler ended with code 2; see .*scheduler\.log"):
        services.watch(60)
    services.stop()


def test_secrets_are_made_once_per_home_and_belong_to_their_owner_only(tmp_path: Path) -> None:
    first = airflow_services.prepare(tmp_path, {}, port=1)
    again = airflow_services.prepare(tmp_path, {}, port=2)
    for path in (first.passwords_file, first.folder / "keys.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    name = "AIRFLOW__API_AUTH__JWT_SECRET"
    assert first.env[name] == again.env[name]
    assert len(first.env[name]) >= 64
    assert set(json.loads(first.passwords_file.read_text())) == set(airflow_services.USERS)
    assert airflow_services.password(first) == airflow_services.password(again)


def test_an_airflow_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    own = {"AIRFLOW_HOME": "/elsewhere", "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "LANG": "C.UTF-8"}
    airflow = airflow_services.prepare(tmp_path, own, port=1, extra={"AIRFLOW_CONN_SMTP_DEFAULT": "{}"})
    assert airflow.env["AIRFLOW_HOME"] == str(tmp_path / "airflow")
    assert airflow.env["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert airflow.env["AIRFLOW_CONN_SMTP_DEFAULT"] == "{}"
    assert airflow.env["LANG"] == "C.UTF-8"
