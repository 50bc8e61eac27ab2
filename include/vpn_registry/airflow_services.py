"""A whole Airflow for one home, on loopback: SQLite, LocalExecutor, named users, four child processes.

Everything here works through child processes and environment variables; Airflow is never imported. Its files (database,
logs, secrets) stand under `<home>/airflow`, apart from the registry's own database.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from vpn_registry.settings import INCLUDE, PROJECT

LOOPBACK: Final = "127.0.0.1"
USERS: Final = {"admin": "admin", "viewer": "viewer"}
"""User -> role of Airflow's simple auth manager."""

POOLS: Final = {
    "sftp": {"slots": 16, "description": "connections to the ISPs' zones", "include_deferred": False},
    "smtp": {"slots": 1, "description": "connections to the mail relay", "include_deferred": False},
}
"""A pool counts what is queued as well: one smaller than the tasks of a run that may be queued (16) would let judging,
which needs none, start before the run's receipts."""
OTHERS: Final = {
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
}
"""Service -> arguments of `airflow`. serve-logs would listen on every interface; here all share one log folder."""

START_SECONDS: Final = 240.0
STOP_SECONDS: Final = 30.0


class ServiceError(Exception):
    """A service of the embedded Airflow did not start or died; the message names its log."""


@dataclass(frozen=True, slots=True)
class Airflow:
    """An Airflow of our own: where its files are, where it listens, and the environment of its processes."""

    folder: Path
    port: int
    env: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def passwords_file(self) -> Path:
        return self.folder / "passwords.json"

    def log_of(self, service: str) -> Path:
        return self.folder / "service-logs" / f"{service}.log"


def free_port(preferred: int = 8080) -> int:
    """`preferred` when nothing listens there on loopback, else a free port of the system's choice."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServiceError("No port is free on the loopback interface.")


def prepare(
    home: Path,
    base: Mapping[str, str],
    *,
    port: int,
    extra: Mapping[str, str] | None = None,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> Airflow:
    """Lay out `<home>/airflow` and describe its environment; keys and passwords are made once per home.

    `base` is the environment to start from; Airflow settings in it are left behind, so that an Airflow of the user's
    own is neither read nor touched. `extra` is added last: connections of the demo's zones, for example.
    """
    folder = home.absolute() / "airflow"
    (folder / "service-logs").mkdir(parents=True, exist_ok=True)
    keys = _kept(folder / "keys.json", lambda: _new_keys(random_bytes))
    airflow = Airflow(folder, port, {})
    _kept(airflow.passwords_file, lambda: {user: random_bytes(12).hex() for user in USERS})
    env = {name: value for name, value in base.items() if not name.startswith(("AIRFLOW_", "_AIRFLOW_"))}
    env |= _process_settings(env, home) | _airflow_settings(airflow, keys) | dict(extra or {})
    return Airflow(folder, port, env)


def password(airflow: Airflow, user: str = "admin") -> str:
    """The password made for `user` when the home was prepared."""
    return str(json.loads(airflow.passwords_file.read_text(encoding="utf-8"))[user])


def _process_settings(base: Mapping[str, str], home: Path) -> dict[str, str]:
    """What any child needs: our package, the interpreter's own scripts, UTC, and the home it works for."""
    return {
        "NO_PROXY": ",".join(filter(None, [base.get("NO_PROXY", base.get("no_proxy", "")), LOOPBACK])),
        "PATH": os.pathsep.join(filter(None, [str(Path(sys.executable).parent), base.get("PATH", os.defpath)])),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(INCLUDE), base.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        "VPN_REGISTRY_HOME": str(home.absolute()),
    }


def _airflow_settings(airflow: Airflow, keys: Mapping[str, str]) -> dict[str, str]:
    settings = {
        "core": {
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "dags_are_paused_at_creation": "False",
            "dags_folder": str(PROJECT / "dags"),
            "execution_api_server_url": f"{airflow.url}/execution/",
            "executor": "LocalExecutor",
            "fernet_key": keys["fernet_key"],
            "load_examples": "False",
            "parallelism": "6",
            "plugins_folder": str(PROJECT / "plugins"),
            "simple_auth_manager_passwords_file": str(airflow.passwords_file),
            "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        },
        "database": {"sql_alchemy_conn": f"sqlite:///{airflow.folder / 'airflow.db'}"},
        "api": {
            "base_url": airflow.url,
            "host": LOOPBACK,
            "port": str(airflow.port),
            "secret_key": keys["secret_key"],
            "workers": "1",
        },
        "api_auth": {"jwt_secret": keys["jwt_secret"]},
        "dag_processor": {"refresh_interval": "20"},
        "logging": {"base_log_folder": str(airflow.folder / "logs")},
        "usage_data_collection": {"enabled": "False"},
    }
    named = {
        f"AIRFLOW__{section}__{key}".upper(): value
        for section, keys_ in settings.items()
        for key, value in keys_.items()
    }
    return {"AIRFLOW_HOME": str(airflow.folder), **named}


def _new_keys(random_bytes: Callable[[int], bytes]) -> dict[str, str]:
    return {
        "fernet_key": base64.urlsafe_b64encode(random_bytes(32)).decode(),
        "secret_key": random_bytes(32).hex(),
        "jwt_secret": random_bytes(64).hex(),
    }


def _kept(path: Path, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """The JSON object in `path`, made and written with mode 0600 when there is none."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(make(), file)
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def migrate(airflow: Airflow) -> None:
    """Bring Airflow's own database to its schema and make the pools the DAGs name. Safe to repeat."""
    pools = airflow.folder / "pools.json"
    pools.write_text(json.dumps(POOLS, indent=2), encoding="utf-8")
    for arguments in (("db", "migrate"), ("pools", "import", str(pools))):
        if _start(airflow, "migrate", arguments).wait():
            raise ServiceError(f"`airflow {arguments[0]} {arguments[1]}` failed; see {airflow.log_of('migrate')}.")


def health(airflow: Airflow) -> dict[str, str]:
    """Component -> status as the api-server tells it; empty while it does not answer."""
    connection = http.client.HTTPConnection(LOOPBACK, airflow.port, timeout=10)
    try:
        connection.request("GET", "/api/v2/monitor/health")
        reply = connection.getresponse()
        told = json.loads(reply.read()) if reply.status == http.HTTPStatus.OK else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
    return {component: str(state["status"]) for component, state in told.items()}


class Services:
    """The child processes of a running Airflow, each the leader of a process group of its own."""

    def __init__(self, airflow: Airflow) -> None:
        self.airflow = airflow
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, service: str, arguments: Sequence[str]) -> None:
        self.children[service] = _start(self.airflow, service, arguments)

    def check(self) -> None:
        """Raises ServiceError when a service has ended; none does by itself."""
        for service, child in self.children.items():
            if child.poll() is not None:
                raise ServiceError(
                    f"Airflow's {service} ended with code {child.returncode}; see {self.airflow.log_of(service)}."
                )

    def watch(self, seconds: float | None = None) -> None:
        """Return after `seconds` (never when None), or raise ServiceError as soon as a service ends."""
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            self.check()
            time.sleep(0.5)

    def await_health(self, *components: str) -> None:
        """Return once the api-server calls all `components` healthy."""
        until = time.monotonic() + START_SECONDS
        while any(health(self.airflow).get(component) != "healthy" for component in components):
            if time.monotonic() > until:
                raise ServiceError(
                    f"Airflow was not up after {START_SECONDS:.0f} seconds; see {self.airflow.log_of('*').parent}."
                )
            self.watch(1.0)

    def stop(self) -> None:
        """End every process group: first those that report to the api-server, then the api-server itself."""
        api_server = {name: child for name, child in self.children.items() if name == "api-server"}
        others = {name: child for name, child in self.children.items() if name not in api_server}
        for group in (others, api_server):
            for child in group.values():
                _signal_group(child, signal.SIGTERM)
            until = time.monotonic() + STOP_SECONDS
            for child in group.values():
                with suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=max(0.0, until - time.monotonic()))
                _signal_group(child, signal.SIGKILL)  # what outlived its leader, or the leader itself
                child.wait()


@contextmanager
def running(airflow: Airflow) -> Iterator[Services]:
    """Airflow up and healthy; whatever ends the block, Ctrl-C and SIGTERM included, ends every process of it.

    The api-server comes first: work that was queued before a restart fails when its first call finds nobody.
    """
    services = Services(airflow)
    with _signals_as_exit():
        try:
            services.start("api-server", ("api-server",))
            services.await_health("metadatabase")
            for service, arguments in OTHERS.items():
                services.start(service, arguments)
            services.await_health("scheduler", "dag_processor", "triggerer")
            yield services
        finally:
            services.stop()


def _start(airflow: Airflow, service: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """`airflow ARGUMENTS` as a child in a session of its own, so that signals reach all it starts and nothing else."""
    with airflow.log_of(service).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", *arguments],
            env=dict(airflow.env),
            cwd=airflow.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


@contextmanager
def _signals_as_exit() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that clean-up runs; Python does so for Ctrl-C only."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield  # Python hands signals to the main thread only
        return
    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
