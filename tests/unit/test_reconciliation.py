"""Reconciliation: one status a client, with a reason that an ISP may read."""

from __future__ import annotations

import random
import re
from datetime import date
from ipaddress import ip_address
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vpn_registry import reconciliation
from vpn_registry.model import Status
from vpn_registry.reconciliation import CLIENT_COLUMNS, REGISTRATION_COLUMNS, STATUS_COLUMNS, Cases
from vpn_registry.reconciliation.spans import find_overlap, spans_of

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
    return reconciliation.compare(left, right, **settings)


def cell(table: pd.DataFrame, row: int, column: str) -> str:
    return str(table[column].tolist()[row])


def verdict(clients: list[dict[str, Any]], registrations: list[dict[str, Any]], **more: Any) -> tuple[str, str]:
    """Status and deciding key of the first client."""
    first = compare(clients, registrations, **more).iloc[0]
    return first["status"], first["key"]


def test_the_table_has_one_row_a_client_in_their_order() -> None:
    table = compare([client(subscriber_id=name) for name in ("S3", "S1", "S2")], [registration(subscriber_id="S1")])
    assert tuple(table.columns) == STATUS_COLUMNS
    assert table["subscriber_id"].tolist() == ["S3", "S1", "S2"]
    assert table["status"].tolist() == ["unregistered", "registered", "unregistered"]
    assert cell(table, 1, "registration_ref") == "R1"
    assert cell(table, 1, "national_no") == "VPN-2026-0000001"


def test_no_clients_and_no_registrations_are_no_trouble() -> None:
    assert compare([], []).empty
    assert compare([], [registration()]).empty
    assert verdict([client()], []) == ("unregistered", "")


@pytest.mark.parametrize(
    ("key", "ours", "theirs"),
    [
        ("subscriber_id", {}, {"subscriber_id": "S1"}),
        ("ntn", {"ntn": "0822910"}, {"ntn": "0822910"}),
        ("cnic", {"cnic_fp": "k1:ab"}, {"cnic_fp": "k1:ab"}),
        ("other_id", {"other_id_fp": "k1:cd"}, {"other_id_fp": "k1:cd"}),
        ("address", {"service_ips": "203.0.113.5"}, {"local_ip": "203.0.113.0/29"}),
        ("address", {"service_ips": "203.0.113.0/24"}, {"local_ip": "203.0.113.9"}),
        ("address", {"service_ips": "192.0.2.9;203.0.113.5"}, {"local_ip": "203.0.113.4-203.0.113.6"}),
        ("address", {"service_ips": "2001:db8::5"}, {"local_ip": "2001:db8::/64"}),
        ("msisdn", {"msisdn": "0300-1234567"}, {"msisdn": "+92 300 1234567"}),
    ],
)
def test_each_key_pairs_a_client_with_its_registration(key: str, ours: dict[str, str], theirs: dict[str, str]) -> None:
    assert verdict([client(**ours)], [registration(**theirs)]) == ("registered", key)


def test_empty_keys_never_pair() -> None:
    assert verdict([client(subscriber_id="S1")], [registration(subscriber_id="")]) == ("unregistered", "")


@pytest.mark.parametrize(
    ("valid_to", "today", "status"),
    [
        ("", TODAY, "registered"),
        ("2026-07-17", TODAY, "registered"),
        ("2026-07-16", TODAY, "expiring"),  # does not outlive the next 30 days
        ("2026-06-30", date(2026, 5, 1), "expiring"),  # does not outlive the deadline
        ("2026-07-01", date(2026, 5, 1), "registered"),
        ("2026-06-16", TODAY, "expiring"),
        ("2026-06-15", TODAY, "expired"),
    ],
)
def test_a_registration_has_to_outlive_the_deadline_and_the_next_30_days(
    valid_to: str, today: date, status: str
) -> None:
    paired = registration(subscriber_id="S1", valid_to=valid_to)
    assert verdict([client()], [paired], today=today, list_on=today)[0] == status


def test_the_best_of_several_registrations_counts() -> None:
    withdrawn = registration(registration_ref="R0", subscriber_id="S1", is_in_force=False, closed_on="2026-05-01")
    ending = registration(registration_ref="R2", subscriber_id="S1", valid_to="2026-06-20")
    lasting = registration(registration_ref="R3", subscriber_id="S9", ntn="0000001")
    one = client(ntn="0000001")
    assert verdict([one], [withdrawn])[0] == "withdrawn"
    assert verdict([one], [withdrawn, ending])[0] == "expiring"
    assert verdict([one], [withdrawn, ending, lasting]) == ("registered", "ntn")


def test_ids_without_an_address_or_number_in_common_are_a_mismatch() -> None:
    one = client(service_ips="203.0.113.5")
    assert verdict([one], [registration(subscriber_id="S1", local_ip="203.0.113.77")]) == ("mismatch", "subscriber_id")
    assert verdict([one], [registration(subscriber_id="S1", msisdn="03001234567")])[0] == "mismatch"
    assert verdict([one], [registration(subscriber_id="S1")])[0] == "registered"
    assert verdict([client()], [registration(subscriber_id="S1", local_ip="203.0.113.77")])[0] == "registered"


def test_an_address_in_common_with_any_registration_of_the_client_is_enough() -> None:
    one = client(service_ips="203.0.113.5")
    filed = [
        registration(registration_ref="R1", subscriber_id="S1", local_ip="203.0.113.77"),
        registration(registration_ref="R2", subscriber_id="S1", local_ip="203.0.113.4/31"),
    ]
    table = compare([one], filed)
    assert cell(table, 0, "status") == "registered"
    assert cell(table, 0, "registration_ref") == "R2"


def test_another_line_of_a_registered_client_is_a_mismatch_and_not_accused() -> None:
    lines = [client(subscriber_id="S1", ntn="0000001"), client(subscriber_id="S2", ntn="0000001")]
    table = compare(lines, [registration(subscriber_id="S1", ntn="0000001")])
    assert table["status"].tolist() == ["registered", "mismatch"]
    assert cell(table, 1, "reason").startswith("Another line of this client is registered")


def test_another_line_is_registered_when_its_address_is() -> None:
    lines = [
        client(subscriber_id="S1", ntn="0000001"),
        client(subscriber_id="S2", ntn="0000001", service_ips="192.0.2.7"),
    ]
    filed = [registration(subscriber_id="S1", ntn="0000001", local_ip="192.0.2.0/24")]
    assert compare(lines, filed)["status"].tolist() == ["registered", "registered"]


@pytest.mark.parametrize(
    "values", [{"service_status": "terminated"}, {"service_status": "suspended"}, {"vpn_use": "no"}]
)
def test_clients_out_of_service_or_without_a_vpn_are_exempt(values: dict[str, str]) -> None:
    assert verdict([client(**values)], []) == ("exempt", "client list")
    assert verdict([client(**values)], [registration(subscriber_id="S1")])[0] == "registered"


def test_cases_and_decisions_come_first() -> None:
    paired = [registration(subscriber_id="S1")]
    assert verdict([client()], paired, cases=Cases(disputed={"S1"}, exempt={"S1"}))[0] == "disputed"
    assert verdict([client()], paired, cases=Cases(exempt={"S1"})) == ("exempt", "case")


@pytest.mark.parametrize(("list_on", "status"), [(None, "not_comparable"), (date(2026, 5, 11), "not_comparable")])
def test_an_old_list_accuses_nobody(list_on: date | None, status: str) -> None:
    assert verdict([client()], [], list_on=list_on)[0] == status
    assert verdict([client()], [], list_on=list_on, last_rejected={"S1": (1, 1)})[0] == status
    assert verdict([client()], [registration(subscriber_id="S1")], list_on=list_on)[0] == "registered"


def test_a_list_of_exactly_35_days_is_still_compared() -> None:
    assert verdict([client()], [], list_on=date(2026, 5, 12))[0] == "unregistered"


def test_an_address_registered_for_another_client_is_for_a_person() -> None:
    both = [client(subscriber_id="S2", service_ips="203.0.113.5"), client(subscriber_id="S1")]
    filed = [registration(subscriber_id="S1", local_ip="203.0.113.5")]
    table = compare(both, filed)
    assert table["status"].tolist() == ["review", "registered"]
    assert cell(table, 0, "candidate") == "R1"
    assert cell(table, 0, "registration_ref") == ""


def test_an_address_that_two_clients_share_is_for_a_person() -> None:
    both = [client(subscriber_id=name, service_ips="203.0.113.5") for name in ("S1", "S2")]
    assert compare(both, [registration(local_ip="203.0.113.5")])["status"].tolist() == ["review", "review"]


def test_an_address_pairing_that_an_id_contradicts_is_for_a_person() -> None:
    one = client(service_ips="203.0.113.5", ntn="0000001")
    assert verdict([one], [registration(local_ip="203.0.113.5", ntn="0000002")])[0] == "review"


def test_a_registration_with_another_isp_is_for_a_person_and_reads_like_any_review() -> None:
    elsewhere = pd.DataFrame({"key": ["ntn", "cnic"], "value": ["0000001", ""]})
    table = compare([client(ntn="0000001"), client(subscriber_id="S2")], [], elsewhere=elsewhere)
    assert table["status"].tolist() == ["review", "unregistered"]
    local = compare([client(service_ips="203.0.113.5", ntn="1")], [registration(local_ip="203.0.113.5", ntn="2")])
    assert cell(table, 0, "reason") == cell(local, 0, "reason")


def test_a_refused_row_says_which() -> None:
    table = compare([client()], [], last_rejected={"S1": (12, 3)})
    assert cell(table, 0, "status") == "rejected"
    assert "delivery 12, row 3" in cell(table, 0, "reason")


def test_an_ended_registration_is_expired_or_withdrawn() -> None:
    closed = registration(subscriber_id="S1", is_in_force=False, closed_on="2026-05-01")
    assert verdict([client()], [closed]) == ("withdrawn", "subscriber_id")
    assert verdict([client()], [closed | {"valid_to": "2026-04-01"}])[0] == "expired"
    assert verdict([client()], [closed | {"valid_to": "2026-12-31"}])[0] == "withdrawn"


def test_unknown_use_is_asked_for_and_not_accused() -> None:
    assert verdict([client(vpn_use="unknown")], [])[0] == "undeclared"
    assert verdict([client(vpn_use="unknown")], [registration(subscriber_id="S1")])[0] == "registered"


def test_a_registration_that_begins_by_the_deadline_counts_and_a_later_one_is_named() -> None:
    assert verdict([client()], [registration(subscriber_id="S1", valid_from="2026-06-30")])[0] == "registered"
    table = compare([client()], [registration(subscriber_id="S1", valid_from="2026-07-01")])
    assert cell(table, 0, "status") == "unregistered"
    assert "begins too late, on 2026-07-01" in cell(table, 0, "reason")
    assert cell(table, 0, "candidate") == "R1"


def test_every_status_has_a_reason_without_ids_addresses_or_names() -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable choice, not a secret
    seen: set[str] = set()
    for _ in range(90):
        clients, filed = _muddle(chance)
        for row in clients + filed:
            row["client_name"] = "Secret Firm"
        table = compare(
            clients,
            filed,
            last_rejected={"S1": (1, 1), "S2": (1, 2)},
            cases=Cases(disputed={"S3"}),
            list_on=chance.choice([LIST_ON, LIST_ON, None]),
        )
        seen |= set(table["status"])
        for reason in table["reason"]:
            assert re.fullmatch(r"[A-Z][^\n]+\.", reason)
            assert not re.search(r"Secret|fp-|203\.0|2001:db8|00000|030012", reason.replace("VPN-2026-0000001", ""))
    assert seen == set(Status)


def test_the_verdicts_do_not_depend_on_the_order_of_rows() -> None:
    chance = random.Random(11)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(40):
        clients, filed = _muddle(chance)
        table = compare(clients, filed).sort_values("subscriber_id", ignore_index=True)
        chance.shuffle(clients)
        chance.shuffle(filed)
        again = compare(clients, filed).sort_values("subscriber_id", ignore_index=True)
        assert table["status"].equals(again["status"])


def test_the_statuses_agree_with_the_contract_read_row_by_row() -> None:
    chance = random.Random(2026)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(150):
        clients, filed = _muddle(chance)
        rejected = {"S2": (1, 1)} if chance.random() < 0.3 else {}
        expected = [_plainly(one, clients, filed, rejected) for one in clients]
        assert compare(clients, filed, last_rejected=rejected)["status"].tolist() == expected, (clients, filed)


def _muddle(chance: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Few values for many fields, so that keys meet in every way."""

    def keys() -> dict[str, str]:
        return {
            "ntn": chance.choice(["", "", "0000001", "0000002"]),
            "cnic_fp": chance.choice(["", "", "fp-a", "fp-b"]),
            "other_id_fp": chance.choice(["", "", "", "fp-c"]),
            "msisdn": chance.choice(["", "", "03001200000", "+923001200001"]),
        }

    places = [
        "",
        "203.0.113.5",
        "203.0.113.0/30",
        "203.0.113.9;2001:db8::1",
        "203.0.113.4-203.0.113.9",
        "2001:db8::/32",
    ]
    clients = [
        client(
            subscriber_id=f"S{number}",
            service_ips=chance.choice(places),
            service_status=chance.choice(["active"] * 5 + ["suspended"]),
            vpn_use=chance.choice(["yes"] * 5 + ["no", "unknown"]),
            **keys(),
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
                local_ip=chance.choice(places),
                valid_to=chance.choice(["", "", "2026-06-20", "2026-06-01", "2027-01-01"]),
                is_in_force=is_open,
                closed_on="" if is_open else "2026-06-05",
                **keys(),
            )
        )
    return clients, filed


ID_COLUMNS = ("ntn", "cnic_fp", "other_id_fp")


def _places(row: dict[str, Any], column: str) -> list[tuple[int, int, int]]:
    spans: list[tuple[int, int, int]] = []
    for text in filter(None, row[column].split(";")):
        if "-" in text:
            low, high = (ip_address(end) for end in text.split("-"))
            spans.append((low.version, int(low), int(high)))
        else:
            address, _, length = text.partition("/")
            first = ip_address(address)
            size = 2 ** (first.max_prefixlen - int(length or first.max_prefixlen))
            spans.append((first.version, int(first), int(first) + size - 1))
    if row["msisdn"]:
        number = int(row["msisdn"][-10:])
        spans.append((0, number, number))
    return spans


def _meet(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return any(
        kind == their_kind and low <= their_high and their_low <= high
        for kind, low, high in _places(one, "service_ips")
        for their_kind, their_low, their_high in _places(other, "local_ip")
    )


def _same_id(one: dict[str, Any], other: dict[str, Any]) -> bool:
    own = one["subscriber_id"] == other["subscriber_id"]
    return own or any(one[name] and one[name] == other[name] for name in ID_COLUMNS)


def _plainly(  # noqa: C901 - the contract's table, one line a status
    one: dict[str, Any], clients: list[dict[str, Any]], filed: list[dict[str, Any]], rejected: dict[str, Any]
) -> str:
    """The status by the contract's words, slowly."""
    lines = {row["subscriber_id"] for row in clients}

    def by_id(other: dict[str, Any]) -> bool:
        silent = not _places(one, "service_ips") or not _places(other, "local_ip")
        own = other["subscriber_id"] == one["subscriber_id"] or other["subscriber_id"] not in lines
        return _same_id(one, other) and (_meet(one, other) or (silent and own))

    def by_address(other: dict[str, Any]) -> bool:
        is_free = not any(_same_id(row, other) for row in clients)
        contradicted = any(one[name] and other[name] for name in ID_COLUMNS)
        sharers = [row for row in clients if _meet(row, other)]
        return is_free and not contradicted and sharers == [one]

    def pairs(other: dict[str, Any]) -> bool:
        return by_id(other) or by_address(other)

    in_force = [row for row in filed if row["is_in_force"] and not ("" < row["valid_to"] < "2026-06-16")]
    ended = [row for row in filed if row not in in_force and (_same_id(one, row) or by_address(row))]
    if any(pairs(row) and (not row["valid_to"] or row["valid_to"] > "2026-07-16") for row in in_force):
        return "registered"
    if any(pairs(row) for row in in_force):
        return "expiring"
    if any(_same_id(one, row) for row in in_force):
        return "mismatch"
    if one["service_status"] != "active" or one["vpn_use"] == "no":
        return "exempt"
    if any(_meet(one, row) for row in in_force):
        return "review"
    if one["subscriber_id"] in rejected:
        return "rejected"
    if any("" < row["valid_to"] < "2026-06-05" or (row["is_in_force"] and row["valid_to"]) for row in ended):
        return "expired"
    if ended:
        return "withdrawn"
    return "undeclared" if one["vpn_use"] == "unknown" else "unregistered"


def test_a_list_in_which_everybody_shares_one_key_is_compared_in_seconds() -> None:
    rows = 20_000
    shared = {"ntn": "0000001", "service_ips": "203.0.113.5"}
    clients, filed = frames([client(**shared)] * rows, [registration(ntn="0000001", local_ip="203.0.113.5")] * rows)
    clients["subscriber_id"] = [f"S{number}" for number in range(rows)]
    filed["registration_ref"] = filed["subscriber_id"] = [f"X{number}" for number in range(rows)]
    table = reconciliation.compare(clients, filed, deadline=DEADLINE, today=TODAY, list_on=LIST_ON)
    assert set(table["status"]) == {"registered"}


def test_missing_values_read_as_empty() -> None:
    clients, filed = frames([client(ntn="0000001")], [registration(ntn="0000001")])
    clients.loc[0, "msisdn"] = None
    filed.loc[0, "valid_to"] = None
    table = reconciliation.compare(clients, filed, deadline=DEADLINE, today=TODAY, list_on=LIST_ON)
    assert table["status"].tolist() == ["registered"]


def test_registrations_in_force_without_a_client_are_orphans() -> None:
    clients, filed = frames(
        [client(ntn="0000001", service_ips="203.0.113.5")],
        [
            registration(registration_ref="R5", subscriber_id="X5"),
            registration(registration_ref="R1", subscriber_id="S1"),
            registration(registration_ref="R2", ntn="0000001"),
            registration(registration_ref="R3", local_ip="203.0.113.0/24"),
            registration(registration_ref="R4", is_in_force=False, closed_on="2026-01-01"),
            registration(registration_ref="R6", valid_to="2026-06-15"),
            registration(registration_ref="R0", local_ip="192.0.2.1"),
        ],
    )
    assert reconciliation.orphans(clients, filed, TODAY)["registration_ref"].tolist() == ["R0", "R5"]


def test_coverage_is_the_covered_share_of_the_comparable() -> None:
    assert (
        reconciliation.coverage({"registered": 6, "expiring": 1, "unregistered": 2, "mismatch": 1, "exempt": 9}) == 0.7
    )
    assert reconciliation.coverage({Status.REGISTERED: 1, Status.EXPIRED: 3}) == 0.25
    assert reconciliation.coverage({"exempt": 3, "review": 1}) is None


def test_changes_between_runs_are_new_resolved_changed_and_gone() -> None:
    before = pd.DataFrame(
        {
            "subscriber_id": ["A", "B", "C", "D", "E"],
            "status": ["unregistered", "registered", "review", "expired", "exempt"],
        }
    )
    after = pd.DataFrame(
        {
            "subscriber_id": ["F", "A", "B", "C", "E", "G"],
            "status": ["unregistered", "registered", "expired", "undeclared", "exempt", "registered"],
        }
    )
    found = reconciliation.changes(before, after).set_index("subscriber_id")["change"].to_dict()
    assert found == {"A": "resolved", "B": "new", "C": "changed", "D": "gone", "F": "new", "G": "changed"}
    assert reconciliation.changes(before, before).empty


def test_a_subscriber_with_a_new_id_is_followed_when_a_key_tells_so() -> None:
    before, _ = frames([client(subscriber_id="A", ntn="1"), client(subscriber_id="B", ntn="2"), client(ntn="3")], [])
    after, _ = frames([client(subscriber_id="A2", ntn="1"), client(ntn="3"), client(subscriber_id="N", ntn="9")], [])
    assert reconciliation.successors(before, after) == {"A": "A2"}
    twice, _ = frames([client(subscriber_id="A2", ntn="1"), client(subscriber_id="A3", ntn="1")], [])
    assert reconciliation.successors(before, twice) == {}


def test_find_overlap_is_exact_for_nested_spans() -> None:
    chance = np.random.default_rng(5)
    for _ in range(200):
        sides = []
        for _side in range(2):
            first = chance.integers(0, 40, 6)
            last = first + chance.integers(0, 9, 6)
            sides.append([f"0.0.0.{low}-0.0.0.{high}" for low, high in zip(first, last, strict=True)])
        empty = pd.Series([""] * 6, dtype="str")
        left, right = spans_of(*[(pd.Series(side, dtype="str"), empty) for side in sides])
        groups = chance.integers(-1, 2, 6), chance.integers(-1, 2, 6)
        found = find_overlap(left, groups[0], right, groups[1])
        for row, span in enumerate(found.tolist()):
            overlapping = {
                other
                for other in range(6)
                if groups[0][row] == groups[1][other] >= 0
                and left.first[row] <= right.last[other]
                and right.first[other] <= left.last[row]
            }
            assert span in overlapping if overlapping else span == -1
