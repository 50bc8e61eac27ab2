"""H4xx and W4xx: a registration row's action against what the registry holds (contract section 3)."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpn_registry.model import Mode, Severity
from vpn_registry.rulebook.keys import decided_seq, is_overtaken
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import REGISTRATIONS, BoolArray, Consequence, Context, Predicate, Rule, Scope


def _action_against_state(action: str, judged: Predicate) -> Predicate:
    """`judged` for the rows of one action, where the registry's state counts: in a delta, and not overtaken."""

    def bad(rows: Rows, context: Context) -> BoolArray:
        if context.known is None or context.mode is not Mode.DELTA:
            return np.zeros(len(rows), dtype=np.bool_)
        return rows.equals("action", action) & ~is_overtaken(rows, context) & judged(rows, context)

    return bad


def _equal_in_force(rows: Rows, context: Context) -> BoolArray:
    return rows.in_force(context)[1]


def _other_in_force(rows: Rows, context: Context) -> BoolArray:
    found, equal = rows.in_force(context)
    return found & ~equal


def _unknown(rows: Rows, context: Context) -> BoolArray:
    return ~rows.in_force(context)[0] & rows.is_filled("registration_ref")


def _unknown_without_gap(rows: Rows, context: Context) -> BoolArray:
    return _unknown(rows, context) & (not context.has_gap)


def _unknown_with_gap(rows: Rows, context: Context) -> BoolArray:
    return _unknown(rows, context) & context.has_gap


def _never_heard_of(rows: Rows, context: Context) -> BoolArray:
    return _unknown_without_gap(rows, context) & (decided_seq(rows, context) < 0)


def _withdrawn_already(rows: Rows, context: Context) -> BoolArray:
    """With a gap the row isn't a repetition: the missing file may reinstate the ref, and this row then ends it."""
    return _unknown_without_gap(rows, context) & (decided_seq(rows, context) >= 0)


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="H401",
        severity=Severity.WARNING,
        consequence=Consequence.DUPLICATE,
        feeds=REGISTRATIONS,
        columns=("registration_ref", "action"),
        bad=_action_against_state("add", _equal_in_force),
        title="add of what is registered already",
        why="The row says what the registry holds; it changes nothing.",
        message="This {column} is in force with the same content.",
        remedy="Nothing to do.",
        example="the same add in two files",
    ),
    Rule(
        code="H402",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("registration_ref", "action"),
        bad=_action_against_state("add", _other_in_force),
        title="add of a ref in force with other content",
        why="A change must be meant: it is an update.",
        message="This {column} is in force with other content.",
        remedy="Use update to change it, or another registration_ref for another end point.",
        example="add of a ref in force with another client name",
    ),
    Rule(
        code="H403",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("registration_ref", "action"),
        bad=_action_against_state("update", _unknown_without_gap),
        title="update of a ref that is not in force",
        why="There is nothing to change.",
        message="This {column} is not in force, so it can't be updated.",
        remedy="Use add, or correct the registration_ref.",
        example="update of a ref that was never added",
    ),
    Rule(
        code="H404",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("registration_ref", "action"),
        scope=Scope.KEY,
        bad=_action_against_state("withdraw", _never_heard_of),
        title="withdraw of an unknown ref",
        why="There is nothing to withdraw.",
        message="This {column} was never registered, so it can't be withdrawn.",
        remedy="Correct the registration_ref.",
        example="withdraw of a ref that was never added",
    ),
    Rule(
        code="H405",
        severity=Severity.WARNING,
        consequence=Consequence.DUPLICATE,
        feeds=REGISTRATIONS,
        columns=("registration_ref", "action"),
        scope=Scope.KEY,
        bad=_action_against_state("withdraw", _withdrawn_already),
        title="withdraw of what is withdrawn already",
        why="The row says what the registry holds; it changes nothing.",
        message="This {column} is no longer in force already.",
        remedy="Nothing to do.",
        example="the same withdraw in two files",
    ),
    Rule(
        code="W402",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("registration_ref", "action"),
        bad=_action_against_state("update", _unknown_with_gap),
        title="update of an unknown ref while a file is missing",
        why="The missing file may hold the add; until it arrives the update acts as one.",
        message="This {column} is not in force; while a lower number is missing the update acts as add.",
        remedy="Send the missing file.",
        example="file 3 updates what file 2, not yet here, adds",
    ),
    Rule(
        code="W403",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("registration_ref", "action"),
        scope=Scope.KEY,
        bad=_action_against_state("withdraw", _unknown_with_gap),
        title="withdraw of a ref not in force while a file is missing",
        why="The missing file may hold the add; a closed record is kept.",
        message="This {column} is not in force; while a lower number is missing a closed record is kept.",
        remedy="Send the missing file.",
        example="file 3 withdraws what file 2, not yet here, adds",
    ),
)
