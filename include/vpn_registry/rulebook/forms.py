"""Rules on the form of one column: a factory for each kind of form, so that a feed's rule is one entry.

All are errors of family H1xx: missing (where the column is required) or malformed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from vpn_registry.model import Feed, Severity
from vpn_registry.rulebook import identifiers
from vpn_registry.rulebook.columns import DAY
from vpn_registry.rulebook.rows import INVISIBLE, NO_DAY, Rows
from vpn_registry.rulebook.rule import BoolArray, Context, Rule, Scope, Stock

_FULL: Final = "{column} is empty; every row needs it."


def pattern(
    code: str,
    feeds: frozenset[Feed],
    column: str,
    form: str,
    expression: str,
    *,
    why: str,
    example: str,
    remedy: str,
    required: bool = False,
    scope: Scope = Scope.CONTENT,
    suggest: Callable[[str], str] | None = None,
) -> Rule:
    """The value matches a regular expression as a whole."""

    def bad(rows: Rows, _context: Context) -> BoolArray:
        wrong = ~rows.matches(column, expression)
        return wrong if required else wrong & rows.is_filled(column)

    return Rule(
        code=code,
        severity=Severity.ERROR,
        feeds=feeds,
        columns=(column,),
        bad=bad,
        title=f"{column} {'missing or ' if required else ''}malformed",
        why=why,
        message=f"{{column}} is not {form}.",
        missing=_FULL if required else "",
        remedy=remedy,
        example=example,
        scope=scope,
        suggest=suggest,
        stock=Stock(column, pattern=expression, allows_empty=not required),
    )


def code_list(
    code: str,
    feeds: frozenset[Feed],
    column: str,
    values: tuple[str, ...],
    *,
    why: str,
    example: str,
    scope: Scope = Scope.CONTENT,
    also_called: Mapping[str, str] | None = None,
) -> Rule:
    """The value is one of a required column's codes, in exactly that spelling.

    `also_called` are other names of the codes, in lower case without marks; their code is suggested.
    """
    listed = ", ".join(values)
    return Rule(
        code=code,
        severity=Severity.ERROR,
        feeds=feeds,
        columns=(column,),
        bad=lambda rows, _context: ~rows.is_in(column, values),
        title=f"{column} missing or not in its code list",
        why=why,
        message=f"{{column}} is not one of {listed}.",
        missing=_FULL,
        remedy=f"Use one of {listed}.",
        example=example,
        scope=scope,
        suggest=lambda value: (
            _likely(value, values) or (also_called or {}).get(re.sub(r"[\W_]", "", value.lower()), "")
        ),
        stock=Stock(column, values=values, suite=True),
    )


def length(
    code: str,
    feeds: frozenset[Feed],
    column: str,
    shortest: int,
    longest: int,
    *,
    why: str,
    example: str,
    required: bool = False,
) -> Rule:
    """Free text of a sensible length, any script."""
    form = f"{shortest} to {longest} characters" if shortest > 1 else f"up to {longest} characters"
    enough = f"(?:[{INVISIBLE}]*[^{INVISIBLE}]){{{shortest}}}"

    def bad(rows: Rows, _context: Context) -> BoolArray:
        wrong = ~rows.is_within(column, shortest, longest)
        return wrong if required else wrong & rows.is_filled(column)

    return Rule(
        code=code,
        severity=Severity.ERROR,
        feeds=feeds,
        columns=(column,),
        bad=bad,
        title=f"{column} {'missing or ' if required else ''}of the wrong length",
        why=why,
        message=f"{{column}} does not have {form}.",
        missing=_FULL if required else "",
        remedy=f"Give {form}.",
        example=example,
        stock=Stock(column, pattern=f"(?s:(?={enough}).{{{shortest},{longest}}})", allows_empty=not required),
    )


def day(
    code: str, feeds: frozenset[Feed], column: str, *, why: str, example: str = "15/06/2026", required: bool = False
) -> Rule:
    """A real day, written YYYY-MM-DD and in no other way."""

    def bad(rows: Rows, _context: Context) -> BoolArray:
        wrong: BoolArray = rows.days(column) == NO_DAY
        return wrong if required else wrong & rows.is_filled(column)

    return Rule(
        code=code,
        severity=Severity.ERROR,
        feeds=feeds,
        columns=(column,),
        bad=bad,
        title=f"{column} {'missing or ' if required else ''}not a date",
        why=why,
        message=f"{{column}} is not a {DAY}.",
        missing=_FULL if required else "",
        remedy="Write the date as YYYY-MM-DD, for example 2026-06-15; other orders are never guessed.",
        example=example,
        suggest=_iso,
        stock=Stock(column, pattern=_ISO_DAY, allows_empty=not required),
    )


_LEAP: Final = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_ISO_DAY: Final = (
    "(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)


def _likely(value: str, values: tuple[str, ...]) -> str:
    """The code that differs only in case, blanks or dashes."""
    plain = re.sub(r"[\s-]+", "_", value.strip()).casefold()
    return next((code for code in values if code.casefold() == plain), "")


def _iso(value: str) -> str:
    """The ISO day of a time stamp or of a date in year-month-day order; day and month are never guessed."""
    plain = identifiers.with_plain_digits(value)
    match = re.fullmatch(r"([0-9]{4})([-/.]?)([0-9]{1,2})\2([0-9]{1,2})([T ]00:00(:00)?Z?)?", plain)
    if not match or (not match[2] and len(match[3] + match[4]) < 4):
        return ""
    text = f"{match[1]}-{match[3]:0>2}-{match[4]:0>2}"
    return text if re.fullmatch(_ISO_DAY, text) and text != value else ""
