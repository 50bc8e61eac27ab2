"""What faults cost, as one line a kind: `make soak` collects the lines, and makes the table of docs/reliability.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from tests.integration.faults.kills import World

PROPERTY: Final = "fault"
"""The name under which pytest's report keeps a line."""


@dataclass
class Tally:
    """Of one kind of fault on one database: how often it was injected, and what that cost after recovery.

    Lost and doubled count rows of tables, answers, stored deliveries and mails; flagged are mails of which nobody can
    know whether they arrived, each the case of a person.
    """

    kind: str
    database: str
    injected: int = 0
    lost: int = 0
    doubled: int = 0
    flagged: int = 0

    def add(self, undisturbed: World, found: World, *, injected: int = 1) -> None:
        expected, there = _things(undisturbed), _things(found)
        flagged = [email for email, state in found.messages.items() if state == "uncertain"]
        forgiven = Counter(("mail", email) for email in flagged if email not in found.mails)
        self.injected += injected
        self.lost += (expected - there - forgiven).total()
        self.doubled += (there - expected).total()
        self.flagged += len(flagged)

    def and_also(self, other: Tally) -> Tally:
        """Both together; they are of one kind."""
        return Tally(
            self.kind,
            self.database,
            self.injected + other.injected,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.flagged + other.flagged,
        )

    def tell(self, record_property: Callable[[str, object], None]) -> None:
        record_property(PROPERTY, json.dumps(asdict(self)))


def _things(world: World) -> Counter[tuple[str, str]]:
    """Everything that must be there, once."""
    rows = ((name, row) for name, rows in world.tables.items() for row in rows)
    answers = (("answer", f"{path} {content!r}") for path, content in world.outgoing.items())
    kept = (("landing", sha256) for sha256 in world.landing)
    return Counter([*rows, *answers, *kept, *(("mail", email) for email in world.mails)])
