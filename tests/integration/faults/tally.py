"""What faults cost, as one line a kind: `make soak` collects the lines, and makes the table of docs/reliability.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final, Protocol

PROPERTY: Final = "fault"
"""The name under which pytest's report keeps a line."""


class Outcome(Protocol):
    """What is left after recovery."""

    def things(self) -> Counter[tuple[str, str]]:
        """What must be there, each with its kind; how often it is there."""
        ...

    def flagged(self) -> Counter[tuple[str, str]]:
        """The mails of which nobody knows whether they arrived, each the case of a person."""
        ...


@dataclass
class Tally:
    """Of one kind of fault on one database: how often it was injected, and what that cost after recovery.

    Lost and doubled count things; what is flagged is neither, unless it is there more often than it should be.
    """

    kind: str
    database: str
    injected: int = 0
    lost: int = 0
    doubled: int = 0
    flagged: int = 0

    def add(self, undisturbed: Outcome, found: Outcome, *, injected: int = 1) -> None:
        expected, there, flagged = undisturbed.things(), found.things(), found.flagged()
        self.injected += injected
        self.lost += (expected - there - flagged).total()
        self.doubled += (there - expected).total()
        self.flagged += flagged.total()

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
