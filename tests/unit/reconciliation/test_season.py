"""A season of one ISP whose truth is known for each client, on every stage's day."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from tests.unit.reconciliation.listing import DEADLINE, client, compare, registration
from vpn_registry.model import TO_REGISTER, Status
from vpn_registry.reconciliation import remedies
from vpn_registry.reconciliation.comparison import Cases

STAGES = (-60, -30, -14, -7, -3, -1, 1, 7)
EACH = 8
"""Clients of each kind."""


def season(chance: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, str], dict[str, Any]]:
    """Clients, registrations, what is true of each client, and what the comparison is told besides."""
    clients: list[dict[str, Any]] = []
    filed: list[dict[str, Any]] = []
    truth: dict[str, str] = {}
    told: dict[str, Any] = {"last_rejected": {}, "elsewhere": {}, "disputed": set(), "exempt": set()}
    for number in range(EACH * len(KINDS)):
        kind, who = KINDS[number % len(KINDS)], f"S-{number:04d}"
        one = client(
            subscriber_id=who,
            client_name=f"{_word(chance)} {_word(chance)}",
            ntn=f"{number:07d}",
            service_ips=f"203.0.{number // 250}.{number % 250}",
        )
        its = registration(
            registration_ref=f"R-{number:04d}",
            subscriber_id=who,
            client_name=one["client_name"],
            ntn=one["ntn"],
            local_ip=one["service_ips"],
        )
        filed += _tell(kind, who, one, its, told)
        clients.append(one)
        truth[who] = kind
    chance.shuffle(clients)
    chance.shuffle(filed)
    return clients, filed, truth, told


KINDS = (
    *("by_id", "by_ntn", "by_address", "renamed_registration"),
    *("expiring", "mismatch", "exempt", "disputed", "decided", "review", "elsewhere", "rejected"),
    *("expired", "withdrawn", "undeclared", "unregistered"),
)
STATUS_OF = {
    **dict.fromkeys(("by_id", "by_ntn", "by_address", "renamed_registration"), Status.REGISTERED),
    **dict.fromkeys(("review", "elsewhere"), Status.REVIEW),
    "decided": Status.EXEMPT,
    **{name: Status(name) for name in KINDS if name in set(Status) and name != "review"},
}


def _tell(  # noqa: C901 - one line a kind
    kind: str, who: str, one: dict[str, Any], its: dict[str, Any], told: dict[str, Any]
) -> list[dict[str, Any]]:
    match kind:
        case "by_ntn":
            its["subscriber_id"] = f"OLD-{who}"
        case "by_address":
            its |= {"subscriber_id": f"OLD-{who}", "ntn": ""}
        case "renamed_registration":
            its["client_name"] = "Quite Another Name"
        case "expiring":
            its["valid_to"] = DEADLINE.isoformat()
        case "mismatch":
            its["local_ip"] = its["local_ip"].replace("203.0", "198.51")
        case "exempt":
            one["vpn_use"] = "no"
            return []
        case "disputed":
            told["disputed"].add(who)
        case "decided":
            told["exempt"].add(who)
            return []
        case "review":
            its |= {
                "subscriber_id": f"OLD-{who}",
                "ntn": "",
                "local_ip": "",
                "client_name": f"M/s {one['client_name']}",
            }
        case "elsewhere":
            told["elsewhere"][who] = "ntn"
            return []
        case "rejected":
            told["last_rejected"][who] = ("a file", 3)
            return []
        case "expired":
            its["valid_to"] = "2026-01-31"
        case "withdrawn":
            its |= {"is_in_force": False, "closed_on": "2026-02-01"}
        case "undeclared":
            one["vpn_use"] = "unknown"
            return []
        case "unregistered":
            return []
    return [its]


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(5)).title()


def test_every_client_has_the_status_that_is_true_on_every_stage() -> None:
    clients, filed, truth, told = season(random.Random(30))  # noqa: S311 - a repeatable choice, not a secret
    cases = Cases(disputed=told["disputed"], exempt=told["exempt"])
    for offset in STAGES:
        today = DEADLINE + timedelta(days=offset)
        table = compare(
            clients, filed, today=today, list_on=today - timedelta(days=3), cases=cases,
            last_rejected=told["last_rejected"], elsewhere=told["elsewhere"],
        )  # fmt: skip
        found = dict(zip(table["subscriber_id"], table["status"], strict=True))
        expected = {who: STATUS_OF[kind] for who, kind in truth.items()}
        if offset > 0:
            expected |= {who: Status.EXPIRED for who, kind in truth.items() if kind == "expiring"}
        assert found == expected, offset
        assert all(table["reason"])
        assert all(remedies.remedy(Status(one), key) for one, key in zip(table["status"], table["key"], strict=True))


def test_no_registered_client_is_to_register_and_nobody_is_when_the_list_is_old() -> None:
    clients, filed, truth, _ = season(random.Random(31))  # noqa: S311 - a repeatable choice, not a secret
    for list_on in (date(2026, 6, 20), date(2026, 5, 1), None):
        table = compare(clients, filed, list_on=list_on, today=date(2026, 6, 23))
        accused = set(table["subscriber_id"][table["status"].isin(list(TO_REGISTER))])
        assert not accused & {who for who, kind in truth.items() if STATUS_OF[kind] is Status.REGISTERED}
        assert bool(accused) == (list_on == date(2026, 6, 20))
