"""The rules of the `responses` feed (contract section 3): an ISP's answers about clients named in notices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.model import CNIC_IN_WORDS, Response, Severity
from vpn_registry.rulebook import columns, forms, identifiers
from vpn_registry.rulebook.keys import is_overtaken
from vpn_registry.rulebook.rows import NO_DAY, Rows, day_number
from vpn_registry.rulebook.rule import RESPONSES, BoolArray, Context, Rule

_NOTICE_NO: Final = "N-[0-9]{4}-[0-9]{6}"
_NEARLY_NOTICE_NO: Final = re.compile(r"[Nn][\s./_-]*([0-9]{4})[\s./_-]+([0-9]{1,6})")
FREE_WORDS: Final = ("reference", "comment")
"""What the ISP says in words of its own: kept only as `struck_out` leaves it."""
_CNIC_IN_TEXT: Final = re.compile(f"(?<![0-9]){CNIC_IN_WORDS}(?![0-9])")
_DECIDED_BY_A_PERSON: Final = (Response.DISPUTE.value, Response.REGISTERED_ELSEWHERE.value)
_ANSWERED: Final = "An answer has an effect only on a notice that was sent and names the client."
_SEPARATOR: Final = " "


def _suggest_notice_no(value: str) -> str:
    match = _NEARLY_NOTICE_NO.fullmatch(value)
    likely = f"N-{match[1]}-{match[2]:0>6}" if match else ""
    return "" if likely == value else likely


def _none(rows: Rows) -> BoolArray:
    return np.zeros(len(rows), dtype=np.bool_)


def _notice_on(rows: Rows, context: Context) -> NDArray[np.int64]:
    """The day each row's notice is dated, in the numbering of `Rows.days`; NO_DAY where none was sent."""
    dated = {} if context.asked is None else context.asked.notices
    place = pc.index_in(rows.text("notice_no"), pa.array(list(dated), pa.large_string()))
    days = np.array([day_number(day) for day in dated.values()] + [NO_DAY], dtype=np.int64)
    result: NDArray[np.int64] = days[pc.fill_null(place, -1).to_numpy(zero_copy_only=False)]
    return result


def _never_sent(rows: Rows, context: Context) -> BoolArray:
    if context.asked is None:
        return _none(rows)
    result: BoolArray = rows.matches("notice_no", _NOTICE_NO) & (_notice_on(rows, context) == NO_DAY)
    return result


def _not_named(rows: Rows, context: Context) -> BoolArray:
    if context.asked is None:
        return _none(rows)
    named = context.asked.named
    pairs = _joined(
        pa.array(named["notice_no"], pa.large_string()), pa.array(named["subscriber_id"], pa.large_string())
    )
    answers = _joined(rows.text("notice_no"), rows.text("subscriber_id"))
    asked: BoolArray = pc.is_in(answers, value_set=pairs).to_numpy(zero_copy_only=False)
    is_sent: BoolArray = _notice_on(rows, context) != NO_DAY
    return is_sent & rows.is_filled("subscriber_id") & ~asked


def _joined(notice_no: pa.LargeStringArray, subscriber: pa.LargeStringArray) -> pa.LargeStringArray:
    return pc.binary_join_element_wise(notice_no, subscriber, pa.scalar(_SEPARATOR, pa.large_string()))


def _before_notice(rows: Rows, context: Context) -> BoolArray:
    days, dated = rows.days("responded_on"), _notice_on(rows, context)
    result: BoolArray = (days != NO_DAY) & (dated != NO_DAY) & (days < dated)
    return result


def _notice_facts(rows: Rows, context: Context, at: NDArray[np.int64]) -> Mapping[str, list[Any]]:
    dated = {} if context.asked is None else context.asked.notices
    return {"dated": [dated[number].isoformat() for number in rows.text("notice_no").take(at).to_pylist()]}


def _groundless(rows: Rows, _context: Context) -> BoolArray:
    is_bare: BoolArray = ~rows.is_filled("reference") & ~rows.is_filled("comment")
    return rows.is_in("response", _DECIDED_BY_A_PERSON) & is_bare


def _registering_since(rows: Rows, context: Context) -> list[str]:
    """The day since which each row's client is said to be registering, '' where this is the first time."""
    if context.known is None or "registering_on" not in context.known.columns:
        return [""] * len(rows)
    known = dict(zip(context.known["subscriber_id"], context.known["registering_on"], strict=True))
    return [known.get(who, "") for who in rows.text("subscriber_id").to_pylist()]


def _registering_again(rows: Rows, context: Context) -> BoolArray:
    before = np.array([day != "" for day in _registering_since(rows, context)], dtype=np.bool_)
    return rows.equals("response", Response.REGISTERING) & before & ~is_overtaken(rows, context)


def _registering_facts(rows: Rows, context: Context, at: NDArray[np.int64]) -> Mapping[str, list[Any]]:
    since = _registering_since(rows, context)
    return {"since": [since[row] for row in at]}


def _not_listed(rows: Rows, context: Context) -> BoolArray:
    if context.asked is None:
        return _none(rows)
    is_listed = rows.is_in("subscriber_id", sorted(context.asked.listed))
    result: BoolArray = rows.is_filled("subscriber_id") & ~is_listed
    return result


def struck_out(text: str) -> str:
    """The text without identity card numbers: of each its last two digits are left, as in every other answer."""
    return _CNIC_IN_TEXT.sub(lambda found: f"[{identifiers.mask(found[0])}]", text)


def _with_identity_number(rows: Rows, column: str) -> BoolArray:
    found: BoolArray = pc.match_substring_regex(rows.text(column), f"(^|[^0-9]){CNIC_IN_WORDS}($|[^0-9])").to_numpy(
        zero_copy_only=False
    )
    return found


def _identity_number(rows: Rows, _context: Context) -> BoolArray:
    return _with_identity_number(rows, "reference") | _with_identity_number(rows, "comment")


def _identity_facts(rows: Rows, _context: Context, at: NDArray[np.int64]) -> Mapping[str, list[Any]]:
    in_reference = _with_identity_number(rows, "reference")[at]
    return {"where": ["reference" if found else "comment" for found in in_reference]}


_RULES: Final[tuple[Rule, ...]] = (
    forms.pattern(
        "H161",
        RESPONSES,
        "notice_no",
        "a notice number such as N-2026-000017",
        _NOTICE_NO,
        required=True,
        why=_ANSWERED,
        remedy="Copy the number from the head of the notice, with all its zeros.",
        example="N-2026-17",
        suggest=_suggest_notice_no,
    ),
    forms.code_list(
        "H162",
        RESPONSES,
        "response",
        columns.RESPONSES,
        why="Each answer has an effect of its own; another word has none.",
        example="disputed",
    ),
    forms.length(
        "H163", RESPONSES, "reference", 1, 100, why="It is a reference, not a letter.", example="101 characters"
    ),
    forms.length(
        "H164", RESPONSES, "comment", 1, 1000, why="A person reads it beside others.", example="1,001 characters"
    ),
    forms.day("H165", RESPONSES, "responded_on", required=True, why="Ten working days are counted from this day."),
    Rule(
        code="H166",
        severity=Severity.ERROR,
        feeds=RESPONSES,
        columns=("responded_on",),
        bad=lambda rows, context: np.greater(rows.days("responded_on"), day_number(context.today)),
        title="responded_on in the future",
        why="An answer can't be dated later than the day it is received.",
        message="{column} lies in the future.",
        remedy="Give the day on which you answered.",
        example="tomorrow's date",
    ),
    Rule(
        code="H167",
        severity=Severity.ERROR,
        feeds=RESPONSES,
        columns=("notice_no",),
        bad=_never_sent,
        title="notice_no not of a notice to you",
        why=_ANSWERED,
        message="{column} is not the number of a notice that was sent to you.",
        remedy="Copy the number from the notice that names the client; copies lie in outgoing/notices/.",
        example="a number that was never issued",
    ),
    Rule(
        code="H168",
        severity=Severity.ERROR,
        feeds=RESPONSES,
        columns=("subscriber_id", "notice_no"),
        bad=_not_named,
        title="Client not named in that notice",
        why=_ANSWERED,
        message="The notice does not name this {column}.",
        remedy="Give the number of the notice that names the client, and the subscriber_id as it stands there.",
        example="an answer about a client whom the notice does not list",
    ),
    Rule(
        code="H169",
        severity=Severity.ERROR,
        feeds=RESPONSES,
        columns=("responded_on", "notice_no"),
        bad=_before_notice,
        facts=_notice_facts,
        title="responded_on before the notice",
        why="Nobody can answer a notice that was not yet written.",
        message="{column} lies before {dated}, the day of the notice.",
        remedy="Correct the day or the number of the notice.",
        example="an answer of May to a notice of June",
    ),
    Rule(
        code="W404",
        severity=Severity.WARNING,
        feeds=RESPONSES,
        columns=("reference", "comment", "response"),
        bad=_groundless,
        title="Nothing for the person who decides",
        why="A dispute, and a registration elsewhere, are decided by a person from what stands here.",
        message="The answer needs a person's decision, but {column} and comment are empty.",
        remedy="Send the row again under the next number, with your reference or a comment that says why.",
        example="dispute without a word",
    ),
    Rule(
        code="W405",
        severity=Severity.WARNING,
        feeds=RESPONSES,
        columns=("response",),
        bad=_registering_again,
        facts=_registering_facts,
        title="registering for the second time",
        why="The client stands under please check for 10 working days once; a further answer does not renew them.",
        message="Since {since} this client is said to be registering; the 10 working days are given once.",
        remedy="Register the client, or answer what hinders it.",
        example="registering in two files about one client",
    ),
    Rule(
        code="W406",
        severity=Severity.WARNING,
        feeds=RESPONSES,
        columns=("subscriber_id",),
        bad=_not_listed,
        title="Client not on the client list",
        why="A client who has left the list has no status that an answer could change.",
        message="This {column} is not on your present client list; the answer is kept and changes no status.",
        remedy="Nothing to do if the client has left; otherwise send a client list that names the client.",
        example="an answer about a client of last month's list",
    ),
    Rule(
        code="W407",
        severity=Severity.WARNING,
        feeds=RESPONSES,
        columns=FREE_WORDS,
        offender=lambda rows, at: [""] * len(at),  # the cell is not shown: it is what must not be there
        bad=_identity_number,
        facts=_identity_facts,
        title="Identity number in words",
        why="These columns are read by people and hold no number of a person; it is struck out before it is kept.",
        message="{where} holds what reads as an identity card number; it is struck out and not kept.",
        remedy="Leave numbers and names of persons out; the subscriber_id is enough.",
        example="a comment with a CNIC in it",
    ),
)

RULES: Final[tuple[Rule, ...]] = tuple(replace(rule, since="1.1") for rule in _RULES)
