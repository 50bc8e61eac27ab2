"""What came in and went out, in a file beside the landing store: it survives the loss of the database.

Appended to before anything leaves the house: before a message is sent, before a source is removed, before a number is
told. After an older database was restored it says what that database can't know (pipeline/restore.py).
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from vpn_registry.model import iso_utc


class Journal:
    """One JSON object a line, each with `kind` and `at`; mode 0600.

    Several processes append to it: a line is one write to a file opened for appending, and durable when `note` ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, kind: str, at: datetime, **values: Any) -> None:
        """Append one entry. Raises OSError when it can't be made durable: then nothing may leave."""
        line = json.dumps({"kind": kind, "at": iso_utc(at), **values}, ensure_ascii=True).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if _is_cut_off(descriptor):
                line = b"\n" + line
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, "the line was written in part only", str(self.path))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def entries(self, kind: str) -> Iterator[dict[str, Any]]:
        """The entries of one kind, oldest first; a line that a crash left unfinished is passed over."""
        if not self.path.exists():
            return
        with self.path.open(encoding="ascii", errors="replace") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if entry["kind"] == kind:
                    yield entry


def _is_cut_off(descriptor: int) -> bool:
    """Whether the last line has no end: a crash or a full disk left it, and it must not swallow the next one."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
