"""Which processes of a session live, as /proc tells."""

from __future__ import annotations

from pathlib import Path


def processes_of(sessions: set[int]) -> list[str]:
    """Command lines of living processes that belong to one of the sessions (a session outlives its leader)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # ended between the listing and the look
        state, session = fields[0], int(fields[3])
        if session in sessions and state != "Z":
            found.append(command)
    return found
