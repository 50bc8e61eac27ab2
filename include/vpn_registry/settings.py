"""Settings: the environment, read once. The only module that reads `os.environ` (contract section 10)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vpn_registry.model import ConfigurationError

PREFIX: Final = "VPN_REGISTRY_"
INCLUDE: Final = Path(__file__).resolve().parent.parent
PROJECT: Final = INCLUDE.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """Where this installation keeps what, and how long a file has to lie still.

    `home` holds the database, the landing store, and the demo's zones and mail; `isps` the `<isp>.toml` files.
    `settle_seconds` is the least time between two equal listings of a file before it is taken. `backups` is the
    folder of the nightly backups, None for none.
    """

    home: Path
    database_url: str
    isps: Path
    key_file: Path
    settle_seconds: float = 30.0
    backups: Path | None = None

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def journal(self) -> Path:
        return self.home / "journal.jsonl"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (`os.environ` unless another mapping is given).

    Raises ConfigurationError for an unknown `VPN_REGISTRY_*` name, a malformed value, or a PostgreSQL
    registry without a key file of its own.
    """
    values = {
        name.removeprefix(PREFIX): value
        for name, value in (os.environ if environ is None else environ).items()
        if name.startswith(PREFIX) and value
    }
    home = Path(values.pop("HOME", PROJECT / "var")).absolute()
    database_url = values.pop("DATABASE_URL", f"sqlite:///{home / 'registry.sqlite'}")
    isps = Path(values.pop("ISPS", INCLUDE / "isps")).absolute()
    settle = _seconds("SETTLE_SECONDS", values.pop("SETTLE_SECONDS", "30"))
    key_file = values.pop("KEY_FILE", "")
    backups = values.pop("BACKUPS", "")
    if values:
        raise ConfigurationError(f"environment: {PREFIX}{min(values)} is not a setting; .env.example lists them all.")
    if not key_file and not database_url.startswith("sqlite"):
        raise ConfigurationError(
            f"environment: {PREFIX}KEY_FILE is missing; a registry outside SQLite needs a key file kept apart from it."
        )
    return Settings(
        home=home,
        database_url=database_url,
        isps=isps,
        key_file=Path(key_file).absolute() if key_file else home / "keys" / "registry.key",
        settle_seconds=settle,
        backups=Path(backups).absolute() if backups else None,
    )


def environment(prefix: str) -> dict[str, str]:
    """The environment variables whose names begin with `prefix`."""
    return {name: value for name, value in os.environ.items() if name.startswith(prefix)}


def provide(variables: Mapping[str, str]) -> None:
    """Put variables into this process's environment, for what reads it itself (Airflow, child processes)."""
    os.environ.update(variables)


def _seconds(key: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 86_400:
        raise ConfigurationError(f"environment: {PREFIX}{key} is {text!r}, but takes seconds from 0 to 86399.")
    return seconds
