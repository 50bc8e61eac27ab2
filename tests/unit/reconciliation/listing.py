"""Clients and registrations, short to write, and their comparison on one day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from vpn_registry.reconciliation import comparison
from vpn_registry.reconciliation.comparison import CLIENT_COLUMNS
from vpn_registry.reconciliation.terms import REGISTRATION_COLUMNS

DEADLINE = date(2026, 6, 30)
TODAY = date(2026, 6, 16)
LIST_ON = date(2026, 6, 10)


def client(**values: str) -> dict[str, str]:
    """A client who uses a VPN on an active service and of whom nothing else is known."""
    plain = dict.fromkeys(CLIENT_COLUMNS, "")
    plain |= {"subscriber_id": "S1", "client_name": "Firm", "service_status": "active", "vpn_use": "yes"}
    return plain | values


def registration(**values: Any) -> dict[str, Any]:
    """A registration in force without an end date, of a subscriber who is not on the list."""
    plain: dict[str, Any] = dict.fromkeys(REGISTRATION_COLUMNS, "")
    plain |= {"registration_ref": "R1", "national_no": "VPN-2026-0000001", "subscriber_id": "X1"}
    return plain | {"valid_from": "2026-01-01", "is_in_force": True} | values


def frames(clients: list[dict[str, Any]], registrations: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    return (
        pd.DataFrame(clients, columns=list(CLIENT_COLUMNS)),
        pd.DataFrame(registrations, columns=[*REGISTRATION_COLUMNS, "is_in_force"]),
    )


def compare(clients: list[dict[str, Any]], registrations: list[dict[str, Any]], **more: Any) -> pd.DataFrame:
    left, right = frames(clients, registrations)
    settings: dict[str, Any] = {"deadline": DEADLINE, "today": TODAY, "list_on": LIST_ON} | more
    return comparison.compare(left, right, **settings)
