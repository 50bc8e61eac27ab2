"""`vpnreg` in processes of their own: started from nothing, or forked from one that has imported what commands need.

Both run `main` with arguments, environment, output and exit code of their own. Importing costs a command more than its
work, so a test file starts one of each family from nothing, and forks the others.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vpn_registry import settings

PATIENCE: Final = 300
_FORKED: Final = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.command_imports"])


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int | None
    out: str
    err: str


def own_environment(**variables: str) -> dict[str, str]:
    """This process's environment without any registry or Airflow, and these variables."""
    inherited = settings.environment("").items()
    rest = {name: value for name, value in inherited if not name.startswith(("AIRFLOW_", "VPN_REGISTRY_"))}
    return {**rest, "PYTHONPATH": str(settings.INCLUDE), **variables}


def started(env: Mapping[str, str], *arguments: str, patience: float = PATIENCE) -> Said:
    """`vpnreg ARGUMENTS` by a new interpreter."""
    call = [sys.executable, "-c", "from vpn_registry.cli import main; main()", *arguments]
    done = subprocess.run(call, env=env, capture_output=True, text=True, timeout=patience, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


def forked(env: Mapping[str, str], *arguments: str) -> Said:
    """`vpnreg ARGUMENTS` by an interpreter that has imported everything but Airflow."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        child = _FORKED.Process(target=_main, args=(dict(env), arguments, out, err))
        child.start()
        child.join(PATIENCE)
        if child.is_alive():
            child.kill()
            child.join()
        return Said(child.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))


def _main(env: dict[str, str], arguments: tuple[str, ...], out: Path, err: Path) -> None:
    """What the forked interpreter does; `main` ends it by SystemExit."""
    from vpn_registry.cli import main

    for path, descriptor in ((out, 1), (err, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    settings.provide(env)
    time.tzset()
    sys.argv = ["vpnreg", *arguments]
    main()
