"""How long what is kept: retention.toml as typed rules, each class exactly once (contract sections 4 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from vpn_registry.settings import INCLUDE
from vpn_registry.toml_table import TomlTable

RETENTION_FILE: Final = INCLUDE / "retention.toml"


class Kept(StrEnum):
    """What is kept for a time only."""

    ANSWERS = "answers"
    CHECKS = "checks"
    DELIVERIES = "deliveries"
    FINDINGS = "findings"
    REGISTRATIONS = "registrations"
    CLIENTS = "clients"
    RESPONSES = "responses"
    OFFICE_MAILS = "office_mails"
    BACKUPS = "backups"


@dataclass(frozen=True, slots=True)
class Rule:
    """One class: its `days` count from what `since` names; `then` says what happens, `why` why not earlier or later."""

    kept: Kept
    days: int
    since: str
    then: str
    why: str

    def before(self, now: datetime) -> datetime:
        """What is older than this has had its time."""
        return now - timedelta(days=self.days)


def load_retention(path: Path = RETENTION_FILE) -> Mapping[Kept, Rule]:
    """The rule of every class, in the order of the file. Raises ConfigurationError for a missing or repeated class."""
    table = TomlTable.read(path)
    rules: dict[Kept, Rule] = {}
    for entry in table.tables("keep"):
        kept = Kept(entry.choice("class", tuple(Kept)))
        if kept in rules:
            entry.refuse("class", f"names {kept} for the second time")
        rules[kept] = Rule(kept, entry.whole("days", 0, 1), entry.text("since"), entry.text("then"), entry.text("why"))
        entry.finish()
    table.finish()
    missing = [kept for kept in Kept if kept not in rules]
    if missing:
        table.refuse("keep", f"says nothing of {missing[0]}; add a [[keep]] table for it")
    return rules
