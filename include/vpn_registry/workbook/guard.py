"""Reads a workbook in a child process under limits of memory and time, and tells whose failure it was when it ends.

What the file is to blame for is a RefusedError: the child said so, or needed more memory or computing time than any
honest file does. Everything else is ReaderError: no process to be had, a busy machine, a fault of the reader.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa

from vpn_registry.workbook.refusal import RefusedError

MEMORY_BYTES: Final = 2 * 2**30
CPU_SECONDS: Final = 120
WALL_SECONDS: Final = 1_200

_READY: Final = b"ready\n"
_OUT_OF_MEMORY: Final = 3
_CHILD: Final = "vpn_registry.workbook.child"


class ReaderError(Exception):
    """The reader of workbooks could not do its work, whatever the file; the message holds nothing of the file."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a workbook may hold, and what reading it may cost."""

    most_bytes: int
    rows: int
    columns: int
    characters: int
    memory_bytes: int = MEMORY_BYTES
    cpu_seconds: int = CPU_SECONDS


@dataclass(frozen=True, slots=True)
class ReadTable:
    """The only worksheet with data: its header, and `columns` as `child` writes them."""

    header: tuple[str, ...]
    columns: pa.Table
    hidden_rows: int
    hidden_columns: tuple[int, ...]


def read(data: bytes, bounds: Bounds, *, wall_seconds: float = WALL_SECONDS) -> ReadTable:
    """The worksheet of a workbook. Raises RefusedError for the file's failures and ReaderError for ours."""
    told, columns = _split(_run(data, bounds, wall_seconds))
    if "code" in told:
        raise RefusedError(told["code"], **told["facts"])
    return ReadTable(
        tuple(told["header"]),
        pa.ipc.open_stream(columns).read_all(),
        told["hidden_rows"],
        tuple(told["hidden_columns"]),
    )


def _run(data: bytes, bounds: Bounds, wall_seconds: float) -> bytes:
    command = [sys.executable, "-P", "-m", _CHILD, json.dumps(asdict(bounds))]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
        )
    except OSError as error:
        raise ReaderError(f"The reader of workbooks could not be started: {error.strerror}.") from error
    try:
        output, said = child.communicate(data, timeout=wall_seconds)
    except subprocess.TimeoutExpired:
        raise ReaderError(
            f"The reader of workbooks did not end within {wall_seconds:.0f} s; the machine is busy."
        ) from None
    finally:
        child.kill()
        child.wait()
    if not output.startswith(_READY):
        raise ReaderError(f"The reader of workbooks could not be started; it ended with {child.returncode}.")
    if child.returncode in (_OUT_OF_MEMORY, -signal.SIGXCPU):
        raise RefusedError("F230")
    if child.returncode:
        where = said.decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        raise ReaderError(f"The reader of workbooks ended with {child.returncode} and said: {where[0][:200]}.")
    return output.removeprefix(_READY)


def _environment() -> dict[str, str]:
    """Where modules are found, and nothing else of ours: no secret reaches the process that reads strangers' files."""
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OPENBLAS_NUM_THREADS": "1",  # each thread would reserve memory of its own
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }


def _split(output: bytes) -> tuple[dict[str, Any], pa.Buffer]:
    end = output.index(b"\n") + 1
    return json.loads(output[:end]), pa.py_buffer(output).slice(end)
