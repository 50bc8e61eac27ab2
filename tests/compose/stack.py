"""docker-compose.yaml as a project of its own: built, brought up healthy, and taken down again with its volumes."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from vpn_registry import airflow_services, settings
from vpn_registry.demo.services import Account

PROJECT: Final = "vpn-registry-test"
USERS: Final = "amna:admin,bilal:op"
PROFILES: Final = ("--profile", "mail", "--profile", "tests")
RUN_SECONDS: Final = 420
ISP: Final = """
name = "{slug} networks"
sftp = "sftp_{slug}"
prefixes = ["39.32.0.0/11", "2400:adc1::/32"]
[[contacts]]
name = "Compliance"
email = "compliance@{slug}.example"
role = "compliance"
"""


def missing() -> str:
    """Why no stack can run here; '' when one can."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        return "docker compose is not installed: the production shape is not tried."
    return ""


class Stack:
    """The project: `stack("exec", ...)` is `docker compose exec ...`, with its variables and secrets."""

    def __init__(self, folder: Path, isps: Iterable[str], own: dict[str, str]) -> None:
        self.secrets = folder / "secrets"
        self.sftp_port, self.airflow_port = airflow_services.free_port(2222), airflow_services.free_port(8080)
        self._env = settings.environment("") | {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "SECRETS": str(self.secrets),
            "ISPS": str(folder / "isps"),
            "AIRFLOW_USERS": USERS,
            "AIRFLOW_PORT": str(self.airflow_port),
            "SFTP_PORT": str(self.sftp_port),
            "MAIL_PORT": str(airflow_services.free_port(8025)),
            "WORKERS": "1",
            **own,
        }
        self._make_secrets()
        for slug in isps:
            (folder / "isps" / f"{slug}.toml").write_text(ISP.format(slug=slug), "utf-8")
            shutil.copy(self.secrets / "selftest_key.pub", self.secrets / "zones" / f"{slug}.pub")
        self._make_secrets()

    def __call__(self, *arguments: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        call = ["docker", "compose", *PROFILES[:2], *arguments]
        done = subprocess.run(
            call, cwd=settings.PROJECT, env=self._env, input=text, capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done

    def by_hand(self, *arguments: str, program: str = "vpnreg", text: str = "") -> str:
        """What the registry's owner is told at a terminal, whatever else is up; the program reads `text`."""
        return self("run", "--rm", "-T", "--entrypoint", program, "vpnreg", *arguments, text=text).stdout

    def account(self, slug: str) -> Account:
        """How an ISP of the stack reaches its zone."""
        host_key = " ".join((self.secrets / "sftp_host_key.pub").read_text("utf-8").split()[:2])
        return Account(airflow_services.LOOPBACK, self.sftp_port, slug, self.secrets / "selftest_key", host_key)

    def lose_volumes(self, *names: str) -> None:
        """As if a disk had failed: everything is down, and these volumes are gone."""
        self("down")
        volumes = [f"{PROJECT}_{name}" for name in names]
        subprocess.run(["docker", "volume", "rm", *volumes], env=self._env, capture_output=True, check=True)

    def memory(self) -> str:
        """Lines of container and memory, with `|` between them."""
        call = ["docker", "stats", "--no-stream", "--format", "{{.Name}}|{{.MemUsage}}"]
        return subprocess.run(call, env=self._env, capture_output=True, text=True, check=True).stdout

    def up(self, **own: str) -> float:
        """Bring everything up, or to other variables, until all of it is healthy; the seconds it took."""
        self._env |= own
        began = time.monotonic()
        self("up", "--detach", "--build", "--wait", "--wait-timeout", "1200")
        return time.monotonic() - began

    def down(self) -> None:
        """Take it away, with its volumes."""
        self(*PROFILES[2:], "down", "--volumes", check=False)

    def inside(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command in the service's (first) container."""
        return self("exec", "-T", service, *command, check=check)

    def ask(self, path: str, body: dict[str, Any] | None = None, *, user: str = "") -> tuple[int, str]:
        """Status and text of what Airflow's web server answers to a person, or to nobody."""
        headers = {"Content-Type": "application/json"}
        if user:
            passwords = json.loads((self.secrets / "airflow_passwords.json").read_text("utf-8"))
            told = self.ask("/auth/token", {"username": user, "password": passwords[user]})[1]
            headers["Authorization"] = f"Bearer {json.loads(told)['access_token']}"
        connection = http.client.HTTPConnection(airflow_services.LOOPBACK, self.airflow_port, timeout=60)
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        connection.request(method, path, data, headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()

    def run_dag(self, dag_id: str, form: dict[str, Any], *, user: str = "amna") -> str:
        """Trigger a DAG in somebody's name and wait: the state of its run, with the tasks unless all is well."""
        self.inside("scheduler", "airflow", "dags", "unpause", dag_id)
        status, told = self.ask(f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": form}, user=user)
        assert status == http.HTTPStatus.OK, told
        path = f"/api/v2/dags/{dag_id}/dagRuns/{json.loads(told)['dag_run_id']}"
        until = time.monotonic() + RUN_SECONDS
        state = ""
        while state not in {"success", "failed"} and time.monotonic() < until:
            time.sleep(3)
            state = str(json.loads(self.ask(path, user=user)[1])["state"])
        return state if state == "success" else f"{state}: {self.ask(f'{path}/taskInstances', user=user)[1]}"

    def _make_secrets(self) -> None:
        command = [str(settings.INCLUDE / "deploy/make-secrets"), "--rehearsal"]
        subprocess.run(command, cwd=settings.PROJECT, env=self._env, check=True)


@contextmanager
def running(folder: Path, isps: Iterable[str] = (), **own: str) -> Iterator[Stack]:
    """A stack that is up and healthy, collecting; gone afterwards, its volumes too. Its logs stay in `folder`."""
    stack = Stack(folder, isps, own)
    stack.down()  # what a run that was killed left has other passwords
    try:
        stack.up()
        stack.inside("scheduler", "airflow", "dags", "unpause", "collect_deliveries")
        yield stack
    finally:
        (folder / "log").write_text(stack("logs", "--no-color", check=False).stdout, "utf-8")
        stack.down()
