"""The rules on the form of each value of a registration (contract section 3), beside those every feed shares."""

from __future__ import annotations

from typing import Final

from vpn_registry.model import Severity
from vpn_registry.rulebook import addresses, columns, forms, identifiers
from vpn_registry.rulebook.rule import REGISTRATIONS, Rule, Scope, Stock

_COUNTRIES: Final = "(?:" + "|".join(columns.COUNTRIES) + ")"
_COUNTRY_LIST: Final = f"{_COUNTRIES}(?: *; *{_COUNTRIES})*"
_IN_FULL: Final = "The registry must be able to tell what is registered, where, and whom to ask."


RULES: Final[tuple[Rule, ...]] = (
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
