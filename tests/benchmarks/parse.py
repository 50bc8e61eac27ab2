"""What parsing each DAG file costs, as a ratio to a file that only imports airflow.sdk. Goal: below 1.5.

Each file is parsed in an interpreter of its own, several times in turn with the baseline, and the fastest counts:
whatever else the machine does only ever adds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vpn_registry import settings

GOAL = 1.5
TRIES = 5


def seconds(path: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, str(path)], env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **settings.environment(""),
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(settings.INCLUDE),
        }
        empty = Path(folder) / "empty.py"
        empty.write_text("from airflow.sdk import dag, task\n", encoding="utf-8")
        files = [empty, *sorted((settings.PROJECT / "dags").glob("*.py"))]
        seconds(empty, environment)  # writes Airflow's configuration and the bytecode
        fastest = dict.fromkeys(files, float("inf"))
        for _ in range(TRIES):
            for path in files:
                fastest[path] = min(fastest[path], seconds(path, environment))
    slow = 0
    for path in files[1:]:
        ratio = fastest[path] / fastest[empty]
        slow += ratio > GOAL
        print(f"{path.name:24} {fastest[path]:6.2f} s  {ratio:5.2f} x an empty DAG file (goal {GOAL})")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
