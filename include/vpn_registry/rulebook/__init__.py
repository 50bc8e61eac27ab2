"""The rules as data: what is judged, in which words, and since when.

Codes are never renamed or reused. Any change of a rule's judgement adds a version to RULEBOOKS; the one that judged is
stored with every verdict, and a stored delivery can be judged by it again.
"""

from __future__ import annotations

from typing import Final

from vpn_registry.model import Feed
from vpn_registry.rulebook.actions import RULES as _ACTIONS
from vpn_registry.rulebook.agreement import RULES as _AGREEMENT
from vpn_registry.rulebook.cells import RULES as _CELLS
from vpn_registry.rulebook.clients import RULES as _CLIENTS
from vpn_registry.rulebook.columns import COLUMNS, KEYS
from vpn_registry.rulebook.common import RULES as _COMMON
from vpn_registry.rulebook.file_names import parse_name
from vpn_registry.rulebook.files import FILE_RULES, file_finding
from vpn_registry.rulebook.keys import RULES as _KEYS
from vpn_registry.rulebook.placeholders import RULES as _PLACEHOLDERS
from vpn_registry.rulebook.registrations import RULES as _REGISTRATIONS
from vpn_registry.rulebook.responses import RULES as _RESPONSES
from vpn_registry.rulebook.rule import Column, Context, FileRule, Rule

RULEBOOKS: Final = ("1.0", "1.1")
"""The rulebooks a file can be judged by, oldest first. When the code of a retired rule is deleted, the versions under
which it was in force leave this table with it: what it judged can't be judged so again."""
RULEBOOK_VERSION: Final = RULEBOOKS[-1]


class UnknownRulebookError(LookupError):
    """No file can be judged by this rulebook: it is newer than this software, or its rules are kept no longer."""


ROW_RULES: Final[tuple[Rule, ...]] = tuple(
    sorted(
        (
            *_COMMON,
            *_KEYS,
            *_CELLS,
            *_PLACEHOLDERS,
            *_REGISTRATIONS,
            *_AGREEMENT,
            *_ACTIONS,
            *_CLIENTS,
            *_RESPONSES,
        ),
        key=lambda rule: rule.code,
    )
)

_BY_FEED: Final[dict[Feed, tuple[Rule, ...]]] = {
    feed: tuple(rule for rule in ROW_RULES if feed in rule.feeds) for feed in Feed
}
_BY_CODE: Final[dict[str, Rule | FileRule]] = {**FILE_RULES, **{rule.code: rule for rule in ROW_RULES}}


def columns_of(feed: Feed) -> tuple[Column, ...]:
    """The feed's column table, in the order of its specification."""
    return COLUMNS[feed]


def rules_of(feed: Feed, version: str = RULEBOOK_VERSION) -> tuple[Rule, ...]:
    """The feed's row rules of a rulebook, by code. Raises UnknownRulebookError for a version not in RULEBOOKS."""
    return tuple(rule for rule in _BY_FEED[feed] if is_in_force(rule, version))


def is_in_force(rule: Rule | FileRule, version: str) -> bool:
    """Whether a rule belongs to a rulebook. Raises UnknownRulebookError for a version not in RULEBOOKS."""
    if version not in RULEBOOKS:
        raise UnknownRulebookError(f"rulebook {version} is none of {', '.join(RULEBOOKS)}")
    at = RULEBOOKS.index(version)
    return RULEBOOKS.index(rule.since) <= at and (not rule.until or at < RULEBOOKS.index(rule.until))


def rule(code: str) -> Rule | FileRule:
    """The rule of a code; KeyError when there is none."""
    return _BY_CODE[code]


__all__ = [
    "COLUMNS",
    "FILE_RULES",
    "KEYS",
    "ROW_RULES",
    "RULEBOOKS",
    "RULEBOOK_VERSION",
    "Column",
    "Context",
    "FileRule",
    "Rule",
    "UnknownRulebookError",
    "columns_of",
    "file_finding",
    "is_in_force",
    "parse_name",
    "rule",
    "rules_of",
]
