"""What a rule is, and what a column of a feed is: data that everything an outsider sees is taken from.

A rule is declared once. The Great Expectations suite, the row verdicts, the findings file, the catalogue page and
the offline check all read the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from vpn_registry.model import Feed, Mode, Severity

if TYPE_CHECKING:
    import pandas as pd

    from vpn_registry.rulebook.rows import Rows

BoolArray = NDArray[np.bool_]

REGISTRATIONS: Final = frozenset({Feed.REGISTRATIONS})
CLIENTS: Final = frozenset({Feed.CLIENTS})
RESPONSES: Final = frozenset({Feed.RESPONSES})
BOTH: Final = REGISTRATIONS | CLIENTS
EVERY: Final = BOTH | RESPONSES


class Scope(StrEnum):
    """Which rows a rule looks at; a row of the wrong width is looked at by the rule on widths alone."""

    SHAPE = "shape"  # every row
    KEY = "key"  # rows of the right width, also those that withdraw
    CONTENT = "content"  # rows of the right width, without those that withdraw (they need only their ref)


class Consequence(StrEnum):
    """What becomes of a row on which a rule fires."""

    REJECT = "reject"
    DUPLICATE = "duplicate"  # says what is known already: neither accepted nor rejected
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a feed: `form` is what the specification tells ISPs, `when` the condition on "required".

    `is_identifier` columns keep their leading zeros and are where spreadsheet damage is looked for;
    `is_masked` ones are never shown in full. `is_day` ones hold dates. `values` is the code
    list, if the column has one.
    """

    name: str
    form: str
    why: str
    example: str
    required: bool = False
    when: str = ""
    is_identifier: bool = False
    is_masked: bool = False
    is_day: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What notices have asked this ISP: what its answers are judged against.

    `notices`: number -> the day it is dated, of every notice that has gone out to it. `named` has the columns
    notice_no and subscriber_id, one row a client named. `listed`: the subscriber ids on its client list.
    """

    notices: Mapping[str, date]
    named: pd.DataFrame
    listed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Context:
    """What judging needs beside the rows; nothing here is read from a clock.

    `known` is what the registry holds for this ISP: registration_ref (or subscriber_id for other feeds),
    is_in_force, decided_seq, row_sha256, one row a key; None when there is no registry to ask (offline check).
    For responses it has subscriber_id and decided_seq only, and `asked` is what they answer.
    `seq` is None when the file's name doesn't give one. `row_key` keys the hashes of rows. `prefixes` are the ISP's
    declared CIDR prefixes. `has_gap` says whether a lower number is missing.
    """

    isp: str
    today: date
    mode: Mode
    seq: int | None = None
    sample: bool = False
    prefixes: tuple[str, ...] = ()
    known: pd.DataFrame | None = None
    asked: Asked | None = None
    has_gap: bool = False
    row_key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Texts:
    """A rule's texts in one language, templates over the same placeholders as the English ones."""

    title: str
    message: str
    remedy: str
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Stock:
    """The stock expectation that says the same about the raw column.

    `values` for a value set, `pattern` for a regular expression over the whole value, `unique` for uniqueness.
    `suite` puts it into the suite itself, on the real column, in place of the rule's verdict column; only columns
    that identify nobody qualify.
    """

    column: str
    values: tuple[str, ...] = ()
    pattern: str = ""
    unique: bool = False
    allows_empty: bool = False
    suite: bool = False


Predicate = Callable[["Rows", Context], BoolArray]
Facts = Callable[["Rows", Context, NDArray[np.int64]], Mapping[str, list[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One judgement on rows.

    `bad` says True for each row that offends. `columns`: the first is the one a finding points at, unless
    `offender` names another for each row. `message` and `remedy` are templates over `column` and what `facts`
    gives for the rows asked for; `missing` is the message when the judged value is empty. `suggest` makes the
    likely right value from the wrong one, '' when there is none. Templates never take a cell's value.
    `across` marks the few rules that compare rows with each other: they get the whole file, the others pieces of it.
    `spoils` says of which cells of a column the rule's finding says all there is: other rules only repeat it there.
    A rule that is judged no longer says `until` when, and keeps its predicate while its rulebooks can be judged by.
    """

    code: str
    severity: Severity
    feeds: frozenset[Feed]
    columns: tuple[str, ...]
    bad: Predicate
    title: str
    why: str
    message: str
    remedy: str
    example: str
    since: str = "1.0"
    until: str = ""
    missing: str = ""
    scope: Scope = Scope.CONTENT
    across: bool = False
    consequence: Consequence | None = None
    suggest: Callable[[str], str] | None = None
    facts: Facts | None = None
    offender: Callable[[Rows, NDArray[np.int64]], list[str]] | None = None
    spoils: Callable[[Rows, str], BoolArray] | None = None
    stock: Stock | None = None

    @property
    def effect(self) -> Consequence:
        if self.consequence is not None:
            return self.consequence
        return Consequence.REJECT if self.severity is Severity.ERROR else Consequence.WARN


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRule:
    """One judgement on a file as a whole; `message` and `remedy` are templates over the facts of the finding.

    A rule that is given no longer says `until` when; it stays, because stored results hold its code.
    """

    code: str
    severity: Severity
    title: str
    why: str
    message: str
    remedy: str
    example: str
    since: str = "1.0"
    until: str = ""
    feeds: frozenset[Feed] = field(default_factory=lambda: frozenset(Feed))
