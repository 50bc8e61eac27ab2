"""The rules of the `clients` feed (contract section 3) beside those every feed shares."""

from __future__ import annotations

from typing import Final

import numpy as np

from vpn_registry.model import Severity
from vpn_registry.rulebook import addresses, columns, forms
from vpn_registry.rulebook.rows import day_number
from vpn_registry.rulebook.rule import CLIENTS, Rule

_COMPARED: Final = "The list is compared with the registrations; what can't be read can't be compared."

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="H141",
        severity=Severity.ERROR,
        feeds=CLIENTS,
        columns=("service_ips",),
        bad=lambda rows, context: rows.addresses("service_ips", context).malformed,
        title="service_ips malformed",
        why=_COMPARED,
        message="{column} is not an address, a CIDR block without host bits, or first-last; several separated by ;.",
        remedy="Write 203.0.113.8, 203.0.113.0/29 or 203.0.113.8-203.0.113.11; no leading zeros, no interface names.",
        example="203.0.113.9/29",
        suggest=addresses.suggest,
    ),
    forms.code_list(
        "H142", CLIENTS, "service_status", columns.SERVICE_STATUSES, why=_COMPARED, example="Active (paid)"
    ),
    forms.day("H143", CLIENTS, "active_since", required=True, why="The service runs since a day."),
    forms.code_list(
        "H144",
        CLIENTS,
        "vpn_use",
        columns.VPN_USES,
        why="Whether a client must register depends on it; unknown is a proper answer, an empty cell is none.",
        example="maybe",
        also_called={"y": "yes", "n": "no", "true": "yes", "false": "no"},
    ),
    Rule(
        code="W202",
        severity=Severity.WARNING,
        feeds=CLIENTS,
        columns=("service_ips",),
        bad=lambda rows, context: rows.addresses("service_ips", context).special,
        title="service_ips is not a public address",
        why="Registrations name public addresses, so such an address pairs with none.",
        message="{column} is or touches a private, reserved, multicast, documentation or unspecified block.",
        remedy="Give the public address that the client uses, or leave the column empty.",
        example="192.168.1.10",
        suggest=addresses.suggest_unmapped,
    ),
    Rule(
        code="W204",
        severity=Severity.WARNING,
        feeds=CLIENTS,
        columns=("service_ips",),
        bad=lambda rows, context: (
            rows.addresses("service_ips", context).outside & ~rows.addresses("service_ips", context).special
        ),
        title="service_ips outside the declared prefixes",
        why="An address the ISP doesn't announce is often a typing error.",
        message="{column} is not inside the address blocks you have declared.",
        remedy="Compare the address with your allocation, or declare the block.",
        example="an address of another operator's block",
    ),
    Rule(
        code="W305",
        severity=Severity.WARNING,
        feeds=CLIENTS,
        columns=("active_since",),
        bad=lambda rows, context: np.greater(rows.days("active_since"), day_number(context.today)),
        title="active_since in the future",
        why="A client whose service has not begun has nothing to register yet.",
        message="{column} lies in the future.",
        remedy="List the client when the service runs.",
        example="tomorrow's date",
    ),
)
