"""The rules as data: what is judged, in which words, and since when.

Codes are never renamed or reused. Any change of a rule's judgement raises RULEBOOK_VERSION, which is stored with
every verdict.
"""

from __future__ import annotations

from typing import Final

from vpn_registry.model import Feed
from vpn_registry.rulebook.actions import RULES as _ACTIONS
from vpn_registry.rulebook.cells import RULES as _CELLS
from vpn_registry.rulebook.clients import RULES as _CLIENTS
from vpn_registry.rulebook.columns import COLUMNS, KEYS
from vpn_registry.rulebook.common import COMMON as _COMMON
from vpn_registry.rulebook.files import FILE_RULES, file_finding, parse_name
from vpn_registry.rulebook.placeholders import RULES as _PLACEHOLDERS
from vpn_registry.rulebook.registrations import RULES as _REGISTRATIONS
from vpn_registry.rulebook.responses import RULES as _RESPONSES
from vpn_registry.rulebook.rule import Column, Context, FileRule, Rule

RULEBOOK_VERSION: Final = "1.1"

ROW_RULES: Final[tuple[Rule, ...]] = tuple(
    sorted(
        (*_COMMON, *_CELLS, *_PLACEHOLDERS, *_REGISTRATIONS, *_ACTIONS, *_CLIENTS, *_RESPONSES),
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


def rules_of(feed: Feed) -> tuple[Rule, ...]:
    """The feed's row rules, by code."""
    return _BY_FEED[feed]


def rule(code: str) -> Rule | FileRule:
    """The rule of a code; KeyError when there is none."""
    return _BY_CODE[code]


__all__ = [
    "COLUMNS",
    "FILE_RULES",
    "KEYS",
    "ROW_RULES",
    "RULEBOOK_VERSION",
    "Column",
    "Context",
    "FileRule",
    "Rule",
    "columns_of",
    "file_finding",
    "parse_name",
    "rule",
    "rules_of",
]
