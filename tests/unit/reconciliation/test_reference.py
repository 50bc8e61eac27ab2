"""Small random worlds: the contract read row by row in plain Python says what the comparison says."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from ipaddress import ip_address
from typing import Any

from tests.unit.reconciliation.listing import LIST_ON, TODAY, client, compare, registration
from vpn_registry.model import Status
from vpn_registry.reconciliation.comparison import Cases

Row = dict[str, Any]
IDS = {"subscriber_id": "subscriber_id", "ntn": "ntn", "cnic": "cnic_fp", "other_id": "other_id_fp"}
PLACES = (
    "",
    "203.0.113.5",
    "203.0.113.0/30",
    "203.0.113.9;2001:db8::1",
    "203.0.113.4-203.0.113.9",
    "2001:db8::/32",
)
NAMES = ("Falcon Steel Works", "Qalam Printing Press", "Zamzam Dairy", "Bolan Freight")
LEGAL_FORMS = ("{}", "M/s {}", "{} (Pvt.) Ltd.", "{} Limited")


@dataclass
class World:
    """What one comparison is told, row by row."""

    clients: list[Row]
    registrations: list[Row]
    list_on: date | None = LIST_ON
    elsewhere: dict[str, str] = field(default_factory=dict)
    rejected: dict[str, tuple[str, int]] = field(default_factory=dict)
    cases: Cases = field(default_factory=Cases)

    def compared(self) -> Any:
        return compare(
            self.clients,
            self.registrations,
            list_on=self.list_on,
            elsewhere=self.elsewhere,
            last_rejected=self.rejected,
            cases=self.cases,
        )


def test_status_and_deciding_key_agree_with_the_contract_read_row_by_row() -> None:
    chance = random.Random(2026)  # noqa: S311 - a repeatable choice, not a secret
    seen: set[str] = set()
    for _ in range(120):
        world = any_world(chance)
        table = world.compared()
        found = list(zip(table["status"], table["key"], strict=True))
        assert found == [verdict(one, world) for one in world.clients], world
        seen |= set(table["status"])
    assert seen == set(Status)


def test_the_verdicts_do_not_depend_on_the_order_of_rows() -> None:
    chance = random.Random(11)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(20):
        world = any_world(chance)
        table = world.compared().sort_values("subscriber_id", ignore_index=True)
        chance.shuffle(world.clients)
        chance.shuffle(world.registrations)
        again = world.compared().sort_values("subscriber_id", ignore_index=True)
        assert table.equals(again), world


def test_no_reason_holds_an_id_an_address_or_a_name() -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(20):
        for reason in any_world(chance).compared()["reason"]:
            assert re.fullmatch(r"[A-Z][^\n]+\.", reason)
            told = reason.replace("VPN-2026-0000001", "")
            assert not re.search(r"Falcon|Qalam|Zamzam|Bolan|fp-|203\.0|2001:db8|00000|030012|elsewhere", told)


def any_world(chance: random.Random) -> World:
    """Few values for many fields, so that keys meet in every way."""
    clients = [
        client(
            subscriber_id=f"S{number}",
            service_ips=chance.choice(PLACES),
            service_status=chance.choice(["active"] * 5 + ["suspended"]),
            vpn_use=chance.choice(["yes"] * 5 + ["no", "unknown"]),
            **_keys(chance),
        )
        for number in range(chance.randrange(1, 6))
    ]
    filed = []
    for number in range(chance.randrange(0, 5)):
        is_open = chance.random() < 0.7
        filed.append(
            registration(
                registration_ref=f"R{number}",
                subscriber_id=chance.choice(["S0", "S1", "X1", "X2"]),
                local_ip=chance.choice(PLACES),
                valid_to=chance.choice(["", "", "2026-06-20", "2026-06-01", "2027-01-01"]),
                is_in_force=is_open,
                closed_on="" if is_open else "2026-06-05",
                **_keys(chance),
            )
        )
    return World(
        clients,
        filed,
        list_on=chance.choice([LIST_ON] * 8 + [None, TODAY - timedelta(days=36)]),
        elsewhere=chance.choice([{}, {}, {"S1": "ntn", "S2": "cnic"}]),
        rejected=chance.choice([{}, {}, {"S0": ("a file", 2), "S2": ("a file", 1)}]),
        cases=chance.choice([Cases()] * 4 + [Cases(disputed={"S0"}, exempt={"S0", "S1"}, answered={"S2"})]),
    )


def _keys(chance: random.Random) -> dict[str, str]:
    return {
        "client_name": chance.choice(LEGAL_FORMS).format(chance.choice(NAMES)),
        "ntn": chance.choice(["", "", "0000001", "0000002"]),
        "cnic_fp": chance.choice(["", "", "fp-a", "fp-b"]),
        "other_id_fp": chance.choice(["", "", "", "fp-c"]),
        "msisdn": chance.choice(["", "", "03001200000", "+923001200001"]),
    }


def verdict(one: Row, world: World) -> tuple[str, str]:  # noqa: C901 - the contract's table, a line a status
    """Status and deciding key by the contract's words, slowly."""
    who, filed = one["subscriber_id"], world.registrations
    in_force = [row for row in filed if row["is_in_force"] and not ("" < row["valid_to"] < TODAY.isoformat())]
    if who in world.cases.disputed:
        return "disputed", "case"
    if who in world.cases.exempt:
        return "exempt", "case"
    lasting = [row for row in in_force if not row["valid_to"] or row["valid_to"] > "2026-07-16"]
    ending = [row for row in in_force if row not in lasting]
    for status, usable in (("registered", lasting), ("expiring", ending)):
        if key := paired(one, usable, world):
            return status, key
        if who in world.cases.answered:
            return "exempt", "answer"
    for key, column in IDS.items():
        if any(one[column] and one[column] == row[column] for row in in_force):
            return "mismatch", key
    if one["service_status"] != "active" or one["vpn_use"] == "no":
        return "exempt", "client list"
    if world.list_on is None or (TODAY - world.list_on).days > 35:
        return "not_comparable", "list date"
    if key := reviewed(one, in_force, world):
        return "review", key
    if who in world.rejected:
        return "rejected", "subscriber_id"
    expired = [row for row in filed if has_expired(row)]
    for status, usable in (
        ("expired", expired),
        ("withdrawn", [row for row in filed if not row["is_in_force"] and row not in expired]),
    ):
        if key := paired(one, usable, world, is_ended=True):
            return status, key
    return ("undeclared", "") if one["vpn_use"] == "unknown" else ("unregistered", "")


def has_expired(row: Row) -> bool:
    """It ran out before today, and before anybody closed it."""
    end = "2026-06-05" if not row["is_in_force"] else TODAY.isoformat()
    return bool("" < row["valid_to"] < end)


def paired(one: Row, usable: list[Row], world: World, *, is_ended: bool = False) -> str:
    """The first key in the contract's order by which one of these registrations is this client's."""
    for key, column in IDS.items():
        same = [row for row in usable if one[column] and one[column] == row[column]]
        if any(is_ended or covers(one, row, world) for row in same):
            return key
    alone = [row for row in usable if is_by_address(one, row, world) and (is_ended or not is_contested(row, world))]
    for key in ("address", "msisdn"):
        if any(key == meeting(one, row) for row in alone):
            return key
    return ""


def covers(one: Row, row: Row, world: World) -> bool:
    """Something is in common, or one side gives nothing and no other line of the list is meant."""
    is_silent = not spans(one, "service_ips") or not spans(row, "local_ip")
    lines = {other["subscriber_id"] for other in world.clients}
    is_own = row["subscriber_id"] == one["subscriber_id"] or row["subscriber_id"] not in lines
    return bool(meeting(one, row)) or (is_silent and is_own)


def is_by_address(one: Row, row: Row, world: World) -> bool:
    """Only this client shares an address or number with it, and no id says otherwise."""
    is_free = not any(same_id(other, row) for other in world.clients)
    is_contradicted = any(one[column] and row[column] for key, column in IDS.items() if key != "subscriber_id")
    return is_free and not is_contradicted and [other for other in world.clients if meeting(other, row)] == [one]


def is_contested(row: Row, world: World) -> bool:
    rivals = [
        other
        for other in world.registrations
        if other["is_in_force"] and not ("" < other["valid_to"] < TODAY.isoformat()) and party(other) != party(row)
    ]
    return any(overlap(spans(row, "local_ip"), spans(other, "local_ip")) for other in rivals)


def party(row: Row) -> tuple[str, str]:
    return next((key, row[key]) for key in ("ntn", "cnic_fp", "other_id_fp", "subscriber_id") if row[key])


def reviewed(one: Row, in_force: list[Row], world: World) -> str:
    for key in ("address", "msisdn"):
        # Of several the comparison looks at one: which kind it tells is the kind of that one.
        if any(meeting(one, row) == key for row in in_force):
            return key
    if one["subscriber_id"] in world.elsewhere:
        return f"{world.elsewhere[one['subscriber_id']]} elsewhere"
    nobodys = [
        row for row in in_force if not any(same_id(other, row) or meeting(other, row) for other in world.clients)
    ]
    return "name" if any(plain_name(one) == plain_name(row) for row in nobodys) else ""


def plain_name(row: Row) -> str:
    return next(name for name in NAMES if name in row["client_name"])


def same_id(one: Row, other: Row) -> bool:
    return any(one[column] and one[column] == other[column] for column in IDS.values())


def meeting(one: Row, row: Row) -> str:
    """`address`, `msisdn`, or '' when nothing is in common."""
    ours, theirs = spans(one, "service_ips"), spans(row, "local_ip")
    if overlap([span for span in ours if span[0]], [span for span in theirs if span[0]]):
        return "address"
    return "msisdn" if overlap(ours, theirs) else ""


def overlap(ours: list[tuple[int, int, int]], theirs: list[tuple[int, int, int]]) -> bool:
    return any(
        kind == their_kind and low <= their_high and their_low <= high
        for kind, low, high in ours
        for their_kind, their_low, their_high in theirs
    )


def spans(row: Row, column: str) -> list[tuple[int, int, int]]:
    """(IP version, first, last) of each address; a mobile number is of version 0."""
    found: list[tuple[int, int, int]] = []
    for text in filter(None, row[column].split(";")):
        if "-" in text:
            low, high = (ip_address(end) for end in text.split("-"))
            found.append((low.version, int(low), int(high)))
        else:
            address, _, length = text.partition("/")
            first = ip_address(address)
            size = 2 ** (first.max_prefixlen - int(length or first.max_prefixlen))
            found.append((first.version, int(first), int(first) + size - 1))
    if row["msisdn"]:
        found.append((0, int(row["msisdn"][-10:]), int(row["msisdn"][-10:])))
    return found
