"""The rules on what the values of a registration say together, and beside the calendar and the ISP's own addresses
(contract section 3).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vpn_registry.model import Mode, Severity
from vpn_registry.rulebook import addresses, identifiers
from vpn_registry.rulebook.rows import NO_DAY, Rows, day_number
from vpn_registry.rulebook.rule import REGISTRATIONS, BoolArray, Context, Predicate, Rule, Scope

STALE_DAYS: Final = 366
"""A verification older than this is worth a warning."""


def _needed_with(column: str, condition_column: str, condition: str) -> Predicate:
    return lambda rows, _context: rows.equals(condition_column, condition) & ~rows.is_filled(column)


def _no_identity(rows: Rows, _context: Context) -> BoolArray:
    return ~(rows.is_filled("ntn") | rows.is_filled("cnic") | rows.is_filled("other_id"))


def _ends_before_start(rows: Rows, _context: Context) -> BoolArray:
    start, end = rows.days("valid_from"), rows.days("valid_to")
    result: BoolArray = (start != NO_DAY) & (end != NO_DAY) & (end < start)
    return result


def _after_today(column: str) -> Predicate:
    return lambda rows, context: np.greater(rows.days(column), day_number(context.today))


def _before(column: str, days_ago: int = 0) -> Predicate:
    def bad(rows: Rows, context: Context) -> BoolArray:
        days = rows.days(column)
        result: BoolArray = (days != NO_DAY) & (days < day_number(context.today) - days_ago)
        return result

    return bad


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="H201",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("ntn", "cnic", "other_id"),
        bad=_no_identity,
        title="No identifier of the client",
        why="Without one the client can't be told from another of the same name.",
        message="ntn, cnic and other_id are all empty.",
        remedy="Give the NTN of a company, the CNIC of a person, or another document's number.",
        example="ntn, cnic and other_id empty",
    ),
    Rule(
        code="H203",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("pseb_no", "category"),
        bad=_needed_with("pseb_no", "category", "call_centre"),
        title="Call centre without a PSEB certificate",
        why="Call centres are registered on the strength of their certificate.",
        message="{column} is empty, but category is call_centre.",
        remedy="Give the number of the PSEB certificate, or the right category.",
        example="category call_centre, pseb_no empty",
    ),
    Rule(
        code="H204",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("pseb_expiry", "category"),
        bad=_needed_with("pseb_expiry", "category", "call_centre"),
        title="Call centre without its certificate's last day",
        why="The certificate is annual.",
        message="{column} is empty, but category is call_centre.",
        remedy="Give the last day of the PSEB certificate.",
        example="category call_centre, pseb_expiry empty",
    ),
    Rule(
        code="H205",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("local_ip", "connection_type"),
        bad=_needed_with("local_ip", "connection_type", "static_ip"),
        title="Static connection without an address",
        why="The address is what is registered.",
        message="{column} is empty, but connection_type is static_ip.",
        remedy="Give the client's static address or addresses.",
        example="connection_type static_ip, local_ip empty",
    ),
    Rule(
        code="H206",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("msisdn", "connection_type"),
        bad=_needed_with("msisdn", "connection_type", "mobile_number"),
        title="Mobile connection without a number",
        why="The number is what is registered.",
        message="{column} is empty, but connection_type is mobile_number.",
        remedy="Give the mobile number.",
        example="connection_type mobile_number, msisdn empty",
    ),
    Rule(
        code="H207",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("valid_to", "valid_from"),
        bad=_ends_before_start,
        title="valid_to before valid_from",
        why="Such a registration never holds.",
        message="{column} lies before valid_from.",
        remedy="Correct one of the two days, or leave valid_to empty if there is no last day.",
        example="valid_from 2026-06-01, valid_to 2026-05-31",
    ),
    Rule(
        code="H208",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("action",),
        scope=Scope.KEY,
        bad=lambda rows, context: rows.is_in("action", ("update", "withdraw")) & (context.mode is Mode.FULL),
        title="Action other than add in a full file",
        why="A full file says what is registered; what is absent from it is closed.",
        message="{column} is not add, but the file is full.",
        remedy="Use add for every row of a full file and leave out what is withdrawn, or send a delta.",
        example="withdraw in a full file",
    ),
    Rule(
        code="H209",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("verified_on",),
        bad=_after_today("verified_on"),
        title="verified_on in the future",
        why="Nobody has verified a subscriber tomorrow.",
        message="{column} lies in the future.",
        remedy="Give the day on which the subscriber was verified.",
        example="tomorrow's date",
    ),
    Rule(
        code="H210",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("local_ip",),
        bad=lambda rows, context: rows.addresses("local_ip", context).special,
        title="local_ip is not a public address",
        why="Private, reserved, multicast and documentation addresses, or the whole internet, name nobody.",
        message="{column} is or touches a private, reserved, multicast, documentation or unspecified block.",
        remedy="Give the public address that the client uses.",
        example="192.168.1.10",
        suggest=addresses.suggest_unmapped,
    ),
    Rule(
        code="W105",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("contact_phone",),
        bad=lambda rows, _context: rows.matches("contact_phone", identifiers.BARE_UAN),
        title="contact_phone is a UAN without area code",
        why="It is how firms print it, but it can't be rung from everywhere.",
        message="{column} is a UAN without area code.",
        remedy="Put the area code before it, for example 021-111-222-333.",
        example="111-222-333",
    ),
    Rule(
        code="W201",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("local_ip",),
        bad=lambda rows, context: (
            rows.addresses("local_ip", context).outside & ~rows.addresses("local_ip", context).special
        ),
        title="local_ip outside the declared prefixes",
        why="An address the ISP doesn't announce is often a typing error.",
        message="{column} is not inside the address blocks you have declared.",
        remedy="Compare the address with your allocation, or declare the block.",
        example="an address of another operator's block",
    ),
    Rule(
        code="W203",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("remote_ip",),
        bad=lambda rows, context: rows.addresses("remote_ip", context).special,
        title="remote_ip is not a public address",
        why="Such an address can't be the other end of a tunnel across the internet.",
        message="{column} is or touches a private, reserved, multicast, documentation or unspecified block.",
        remedy="Give the public address of the other end, or leave the column empty.",
        example="10.0.0.1",
        suggest=addresses.suggest_unmapped,
    ),
    Rule(
        code="W301",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("valid_to",),
        bad=_before("valid_to"),
        title="valid_to has passed",
        why="The registration is over before it is taken; its client counts as not registered.",
        message="{column} has passed already.",
        remedy="Give the new last day, or leave it empty if there is none.",
        example="yesterday's date",
    ),
    Rule(
        code="W302",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("pseb_expiry",),
        bad=_before("pseb_expiry"),
        title="PSEB certificate has expired",
        why="The certificate is annual and must be renewed.",
        message="{column} has passed already.",
        remedy="Send the renewed certificate's number and day.",
        example="yesterday's date",
    ),
    Rule(
        code="W303",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("verified_on",),
        bad=_before("verified_on", STALE_DAYS),
        title="verified_on more than a year ago",
        why="What was verified may no longer be so.",
        message="{column} lies more than a year back.",
        remedy="Verify the subscriber again and give that day.",
        example="a day two years ago",
    ),
    Rule(
        code="W304",
        severity=Severity.WARNING,
        feeds=REGISTRATIONS,
        columns=("undertaking_on",),
        bad=_after_today("undertaking_on"),
        title="undertaking_on in the future",
        why="An undertaking is given before it is reported.",
        message="{column} lies in the future.",
        remedy="Compare the day with the undertaking.",
        example="tomorrow's date",
    ),
)
