"""The rules on what a row of the `registrations` feed says (contract section 3), beside those every feed shares."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpn_registry.model import Mode, Severity
from vpn_registry.rulebook import addresses, columns, forms, identifiers
from vpn_registry.rulebook.rows import NO_DAY, Rows, day_number
from vpn_registry.rulebook.rule import REGISTRATIONS, BoolArray, Context, Predicate, Rule, Scope, Stock

STALE_DAYS: Final = 366
"""A verification older than this is worth a warning."""

_COUNTRIES: Final = "(?:" + "|".join(columns.COUNTRIES) + ")"
_COUNTRY_LIST: Final = f"{_COUNTRIES}(?: *; *{_COUNTRIES})*"
_IN_FULL: Final = "The registry must be able to tell what is registered, where, and whom to ask."


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


_FORMS: Final = (
    forms.pattern(
        "H103",
        REGISTRATIONS,
        "registration_ref",
        "an id of up to 40 of A-Z a-z 0-9 . _ / -",
        identifiers.REF,
        required=True,
        scope=Scope.KEY,
        why="The ref is the key by which a registration is updated and withdrawn.",
        remedy="Give your own id of this registration, the same in every file.",
        example="a ref with a blank in it",
        suggest=identifiers.suggest_ref,
    ),
    forms.code_list(
        "H104",
        REGISTRATIONS,
        "action",
        columns.ACTIONS,
        scope=Scope.KEY,
        why="What to do with a row is never guessed.",
        example="delete",
    ),
    forms.code_list("H106", REGISTRATIONS, "category", columns.CATEGORIES, why=_IN_FULL, example="Company"),
    forms.pattern(
        "H111",
        REGISTRATIONS,
        "secp_no",
        "7 digits",
        identifiers.SECP,
        why="The company number is compared as text, zeros and all.",
        remedy="Give the company number as text: 7 digits with their leading zeros.",
        example="54321",
        suggest=identifiers.suggest_seven_digits,
    ),
    forms.pattern(
        "H112",
        REGISTRATIONS,
        "pseb_no",
        "a certificate number of up to 40 of A-Z a-z 0-9 . _ / -",
        identifiers.REF,
        why="The certificate is looked up by its number.",
        remedy="Give the number as printed on the certificate, without blanks.",
        example="PSEB 12",
        suggest=identifiers.suggest_ref,
    ),
    forms.day("H113", REGISTRATIONS, "pseb_expiry", why="A certificate holds until a day."),
    forms.length("H114", REGISTRATIONS, "contact_name", 2, 200, required=True, why=_IN_FULL, example="empty"),
    forms.pattern(
        "H115",
        REGISTRATIONS,
        "contact_email",
        "one e-mail address",
        identifiers.EMAIL,
        required=True,
        why=_IN_FULL,
        remedy="Give one address, for example it@company.com.pk.",
        example="it at company",
    ),
    Rule(
        code="H116",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("contact_phone",),
        bad=lambda rows, _context: (
            ~rows.matches("contact_phone", identifiers.PHONE) & ~rows.matches("contact_phone", identifiers.BARE_UAN)
        ),
        title="contact_phone missing or malformed",
        why=_IN_FULL,
        message="{column} is not a number in national or +92 form.",
        missing="{column} is empty; every row needs it.",
        remedy="Give the number with its area code as text, for example 042-35761234 or +92 42 35761234.",
        example="4235761234",
        suggest=identifiers.suggest_phone,
        stock=Stock("contact_phone", pattern=f"{identifiers.PHONE}|{identifiers.BARE_UAN}"),
    ),
    forms.length("H117", REGISTRATIONS, "city", 2, 100, required=True, why=_IN_FULL, example="empty"),
    forms.code_list(
        "H118",
        REGISTRATIONS,
        "province",
        columns.PROVINCES,
        why=_IN_FULL,
        example="Punjab",
        also_called=columns.PROVINCE_NAMES,
    ),
    forms.code_list("H119", REGISTRATIONS, "purpose", columns.PURPOSES, why=_IN_FULL, example="internet"),
    forms.code_list("H120", REGISTRATIONS, "connection_type", columns.CONNECTION_TYPES, why=_IN_FULL, example="static"),
    Rule(
        code="H121",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("local_ip",),
        bad=lambda rows, context: rows.addresses("local_ip", context).malformed,
        title="local_ip malformed",
        why="The address is what the registration is about and what client lists are compared with.",
        message="{column} is not an address, a CIDR block without host bits, or first-last; several separated by ;.",
        remedy="Write 203.0.113.8, 203.0.113.0/29 or 203.0.113.8-203.0.113.11; no leading zeros, no interface names.",
        example="203.0.113.9/29",
        suggest=addresses.suggest,
    ),
    Rule(
        code="H123",
        severity=Severity.ERROR,
        feeds=REGISTRATIONS,
        columns=("remote_ip",),
        bad=lambda rows, context: rows.addresses("remote_ip", context).malformed,
        title="remote_ip malformed",
        why="An address that can't be read can't be looked up.",
        message="{column} is not an address, a CIDR block without host bits, or first-last; several separated by ;.",
        remedy="Write addresses in full, without leading zeros; leave the column empty if the other end is not fixed.",
        example="vpn.company.com",
        suggest=addresses.suggest,
    ),
    forms.pattern(
        "H124",
        REGISTRATIONS,
        "remote_country",
        "a list of ISO 3166-1 alpha-2 codes separated by ;",
        _COUNTRY_LIST,
        why="Country names have many spellings, codes one.",
        remedy="Use the two-letter codes in capitals, for example DE;GB.",
        example="Germany",
        suggest=lambda value: _if_country(value.upper()),
    ),
    forms.code_list("H125", REGISTRATIONS, "vpn_protocol", columns.PROTOCOLS, why=_IN_FULL, example="IPSec/IKEv2"),
    forms.length("H126", REGISTRATIONS, "vpn_provider", 1, 200, why=_IN_FULL, example="201 characters"),
    forms.day("H127", REGISTRATIONS, "valid_from", required=True, why="A registration holds from a day."),
    forms.day("H128", REGISTRATIONS, "valid_to", why="A registration holds until a day, or is open-ended."),
    forms.length("H129", REGISTRATIONS, "undertaking_ref", 1, 100, required=True, why=_IN_FULL, example="empty"),
    forms.day("H130", REGISTRATIONS, "undertaking_on", why="The undertaking was given on a day."),
    forms.day("H131", REGISTRATIONS, "verified_on", required=True, why="The ISP vouches for the subscriber on a day."),
)


def _if_country(value: str) -> str:
    codes = [{"UK": "GB"}.get(code.strip(), code.strip()) for code in value.replace(",", ";").split(";")]
    return ";".join(codes) if all(code in columns.COUNTRIES for code in codes) else ""


_ACROSS: Final = (
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
)


_ODDITIES: Final = (
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

RULES: Final[tuple[Rule, ...]] = _FORMS + _ACROSS + _ODDITIES
