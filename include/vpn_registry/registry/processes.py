"""Which process holds something, told so that another one can see whether it has died.

A number alone is given again to a later process; and the processes of another container or machine can't be seen at
all, so that nothing is ever said of them. psutil tells a start by the wall clock, which moves when somebody sets it:
here it is ticks since the machine started.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NUMBERS: Final = Path("/proc/self/ns/pid")
_START: Final = 18  # starttime among the fields behind the state, proc_pid_stat(5)


def this_one() -> str:
    """`<where>/<number>/<start>` of this process; '' where the system doesn't tell (it is Linux that does)."""
    number = os.getpid()
    where, start = _here(), _started(number)
    return f"{where}/{number}/{start}" if where and start else ""


def is_gone(process: str) -> bool:
    """Whether a process told by `this_one` has surely died: it ran where this one runs, and is there no longer."""
    where, _, rest = process.partition("/")
    number, _, start = rest.partition("/")
    if not where or where != _here():
        return False
    try:
        os.kill(int(number), 0)  # asks whether it is there, also of one whose files may not be read
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it is there, and another user's
    return _started(int(number)) not in {None, start}


def _here() -> str:
    """This start of the machine and this space of process numbers, as each container has its own."""
    try:
        return f"{_BOOT.read_text().strip()}:{_NUMBERS.stat().st_ino}"
    except OSError:
        return ""


def _started(number: int) -> str | None:
    """When a process started, in ticks since the machine did; '' when it is dead and unburied, None when that may not
    be read."""
    try:
        told = Path(f"/proc/{number}/stat").read_bytes()
    except OSError:
        return None
    state, *fields = told.rpartition(b")")[2].decode().split()  # before it stands a name, of any bytes
    return "" if state in "ZX" else fields[_START]
