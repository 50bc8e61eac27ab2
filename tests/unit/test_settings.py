"""The environment becomes Settings once, and a wrong variable stops the start with one sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpn_registry.model import ConfigurationError
from vpn_registry.settings import load


def test_an_empty_environment_gives_the_embedded_default() -> None:
    here = load({})
    assert here.home.name == "var"
    assert here.database_url == f"sqlite:///{here.home / 'registry.sqlite'}"
    assert here.isps.parts[-2:] == ("include", "isps")
    assert here.key_file == here.home / "keys" / "registry.key"
    assert here.settle_seconds == 30


def test_database_and_landing_store_follow_the_home(tmp_path: Path) -> None:
    here = load({"VPN_REGISTRY_HOME": str(tmp_path), "PATH": "/bin"})
    assert here.database_url == f"sqlite:///{tmp_path}/registry.sqlite"
    assert here.landing == tmp_path / "landing"


def test_a_postgresql_registry_needs_a_key_file_kept_apart() -> None:
    with pytest.raises(ConfigurationError, match="VPN_REGISTRY_KEY_FILE"):
        load({"VPN_REGISTRY_DATABASE_URL": "postgresql+psycopg://registry@db/registry"})


def test_a_misspelt_setting_is_named() -> None:
    with pytest.raises(ConfigurationError, match="VPN_REGISTRY_SETLE_SECONDS is not a setting"):
        load({"VPN_REGISTRY_SETLE_SECONDS": "5"})


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "86400"])
def test_settle_seconds_must_be_seconds(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"VPN_REGISTRY_SETTLE_SECONDS is .*takes seconds"):
        load({"VPN_REGISTRY_SETTLE_SECONDS": text})
