"""docker-compose.yaml as it is written: limits, pins, mounts, secrets. tests/compose runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from vpn_registry import settings

TEXT = (settings.PROJECT / "docker-compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXPECTED = {
    "postgres",
    "redis",
    "init",
    "api-server",
    "scheduler",
    "dag-processor",
    "triggerer",
    "worker",
    "sftp",
    "tests",
    "mail",
    "vpnreg",
}
BUILT_HERE = re.compile(r"vpn-registry(-sftp)?:\$\{VERSION:-local\}")
PINNED = re.compile(r"\$\{[A-Z]+_IMAGE:-(?:[a-z/]+:v?[0-9][\w.-]*|debian:[a-z]+-slim)\}")


def each() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", sorted(SERVICES))


def sources(service: dict[str, Any]) -> set[str]:
    """The secrets that a service is given."""
    return {secret if isinstance(secret, str) else secret["source"] for secret in service.get("secrets", [])}


def test_it_is_valid_where_docker_compose_can_tell() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not installed")
    told = subprocess.run(
        [docker, "compose", "--profile", "*", "config", "--quiet"],
        cwd=settings.PROJECT,
        env={**settings.environment(""), "AIRFLOW_USERS": "amna:admin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr


def test_it_has_its_services_and_each_can_tell_its_health() -> None:
    assert set(SERVICES) == EXPECTED
    assert [name for name, service in SERVICES.items() if "healthcheck" not in service] == ["init", "vpnreg", "tests"]


@each()
def test_a_service_has_its_share_of_the_machine_and_no_more(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}


@each()
def test_an_image_is_built_here_or_pinned_and_can_be_pinned_by_digest(name: str) -> None:
    service = SERVICES[name]
    assert BUILT_HERE.fullmatch(service["image"]) or PINNED.fullmatch(service["image"])
    for base in service.get("build", {}).get("args", {}).values():
        assert PINNED.fullmatch(base), base


@each()
def test_a_folder_of_the_host_is_mounted_to_be_read_only(name: str) -> None:
    volumes = SERVICES[name].get("volumes", [])
    of_the_host = [volume for volume in volumes if volume.split(":")[0] not in COMPOSE["volumes"]]
    assert [volume for volume in of_the_host if not volume.endswith(":ro")] == []


@each()
def test_a_service_can_not_gain_rights_it_was_not_given(name: str) -> None:
    service = SERVICES[name]
    if name != "postgres":  # its image starts as root to take its data folder, and then drops that
        assert service["cap_drop"] == ["ALL"]
    if name not in {"postgres", "sftp", "mail"}:
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "cap_add" not in service


@each()
def test_ports_listen_on_loopback_unless_somebody_says_otherwise(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.match(r"\$\{BIND:-127\.0\.0\.1\}:\$\{[A-Z]+_PORT:-\d+\}:\d+$", port), port


def test_every_secret_is_a_file_and_is_used() -> None:
    assert {tuple(secret) for secret in COMPOSE["secrets"].values()} == {("file",)}
    used = {source for service in SERVICES.values() for source in sources(service)}
    assert used == set(COMPOSE["secrets"])


def test_a_worker_holds_no_key_of_airflows_and_the_page_none_of_the_registry() -> None:
    assert sources(SERVICES["worker"]) == {"redis_password", "registry_worker_pgpass"}
    assert not [mount for mount in SERVICES["api-server"]["volumes"] if mount.startswith(("keys", "home", "backups"))]
    assert "keys:/var/lib/vpn-registry/keys:ro" in SERVICES["worker"]["volumes"]


@each()
def test_no_password_stands_in_it(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        is_secret = re.search(r"PASSWORD|SECRET|FERNET|BROKER_URL|RESULT_BACKEND|SQL_ALCHEMY", key)
        assert not is_secret or key.endswith(("_CMD", "_FILE")), key
        assert not re.search(r"://[^/\s]*:[^%$/\s]+@", str(value)), key


def test_every_variable_stands_in_env_example_with_its_default() -> None:
    used = dict(re.findall(r"\$\{([A-Z_]+)(?::-([^}]*))?", TEXT))
    example = (settings.PROJECT / ".env.example").read_text(encoding="utf-8")
    offered = dict(re.findall(r"^#?([A-Z_]+)=(\S*)", example, flags=re.MULTILINE))
    ours = {name: value for name, value in offered.items() if not name.startswith("VPN_REGISTRY_")}
    assert set(used) - {"HOSTNAME", "VPN_REGISTRY_SETTLE_SECONDS"} == set(ours)
    assert {name: offered[name] for name, default in used.items() if default} == {k: v for k, v in used.items() if v}
