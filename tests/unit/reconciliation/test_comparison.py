"""Reconciliation: one status a client, with a reason that an ISP may read."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from tests.unit.reconciliation.listing import DEADLINE, LIST_ON, TODAY, client, compare, frames, registration
from vpn_registry.reconciliation import comparison
from vpn_registry.reconciliation.comparison import STATUS_COLUMNS, Cases


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


def test_an_answer_exempts_whoever_is_not_registered() -> None:
    answered = Cases(answered={"S1"})
    assert verdict([client()], [], cases=answered) == ("exempt", "answer")
    assert verdict([client()], [registration(subscriber_id="S1")], cases=answered)[0] == "registered"


def test_cases_and_decisions_come_first() -> None:
    paired = [registration(subscriber_id="S1")]
    assert verdict([client()], paired, cases=Cases(disputed={"S1"}, exempt={"S1"}))[0] == "disputed"
    assert verdict([client()], paired, cases=Cases(exempt={"S1"})) == ("exempt", "case")


@pytest.mark.parametrize(("list_on", "status"), [(None, "not_comparable"), (date(2026, 5, 11), "not_comparable")])
def test_an_old_list_accuses_nobody(list_on: date | None, status: str) -> None:
    assert verdict([client()], [], list_on=list_on)[0] == status
    assert verdict([client()], [], list_on=list_on, last_rejected={"S1": ("a file", 1)})[0] == status
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
    table = compare([client(ntn="0000001"), client(subscriber_id="S2")], [], elsewhere={"S1": "ntn"})
    assert table["status"].tolist() == ["review", "unregistered"]
    assert cell(table, 0, "key") == "ntn elsewhere"
    local = compare([client(service_ips="203.0.113.5", ntn="1")], [registration(local_ip="203.0.113.5", ntn="2")])
    assert cell(table, 0, "reason") == cell(local, 0, "reason")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("M/s Indus Rice Mills", "Indus Rice Mills (Pvt.) Ltd"),
        ("Indus Rice Mils Limited", "INDUS RICE MILLS"),
        ("کراچی سافٹ ویئر ہاؤس", "Karachi Software House"),
        ("علي ٹریڈرز", "علی ٹریڈرز پرائیویٹ لمیٹڈ"),  # the Arabic ye against the Urdu one
    ],
)
def test_a_similar_name_alone_is_for_a_person(ours: str, theirs: str) -> None:
    others = [client(subscriber_id=f"S{number}", client_name=f"Ravi Seeds {number}") for number in range(2, 5)]
    table = compare([client(client_name=ours, ntn="0000001"), *others], [registration(client_name=theirs)])
    assert table["status"].tolist() == ["review", "unregistered", "unregistered", "unregistered"]
    assert [cell(table, 0, column) for column in ("key", "registration_ref", "candidate")] == ["name", "", "R1"]


def test_names_have_to_be_all_but_equal_where_the_ids_differ() -> None:
    one, other = client(client_name="Soan Steel Mills", ntn="0000001"), {"client_name": "Bolan Steel Mills"}
    assert verdict([one], [registration(**other, ntn="0000002")])[0] == "unregistered"
    assert verdict([one], [registration(**other)])[0] == "review"


def test_a_name_is_not_looked_for_among_registrations_of_other_clients_or_ended_ones() -> None:
    namesakes = [client(client_name="Indus Rice Mills"), client(subscriber_id="S2", client_name="Indus Rice Mills")]
    assert verdict(namesakes, [registration(subscriber_id="S2", client_name="Indus Rice Mills")])[0] == "unregistered"
    ended = registration(client_name="Indus Rice Mills", valid_to="2026-06-01")
    assert verdict(namesakes, [ended])[0] == "unregistered"


def test_an_address_that_registrations_of_two_clients_claim_is_for_a_person() -> None:
    one = client(service_ips="203.0.113.5")
    filed = [
        registration(registration_ref="R1", subscriber_id="X1", local_ip="203.0.113.5"),
        registration(registration_ref="R2", subscriber_id="X2", local_ip="203.0.113.0/24"),
    ]
    assert verdict([one], filed) == ("review", "address")
    assert verdict([one], [filed[0], filed[1] | {"subscriber_id": "X1"}])[0] == "registered"
    assert verdict([one | {"subscriber_id": "X1"}], filed) == ("registered", "subscriber_id")


def test_an_address_decides_before_a_number() -> None:
    one = client(service_ips="203.0.113.5", msisdn="03001234567")
    filed = [
        registration(registration_ref="R1", msisdn="03001234567"),
        registration(registration_ref="R2", local_ip="203.0.113.5", valid_to="2027-01-01"),
    ]
    table = compare([one], filed)
    assert [cell(table, 0, column) for column in ("status", "key", "registration_ref")] == [
        "registered", "address", "R2"
    ]  # fmt: skip


def test_a_refused_row_says_which() -> None:
    table = compare([client()], [], last_rejected={"S1": ("indus_registrations_full_20260601_0001.csv", 3)})
    assert cell(table, 0, "status") == "rejected"
    assert "row 3 of indus_registrations_full_20260601_0001.csv" in cell(table, 0, "reason")


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


def test_a_list_in_which_everybody_shares_one_key_is_compared_in_seconds() -> None:
    rows = 20_000
    shared = {"ntn": "0000001", "service_ips": "203.0.113.5"}
    clients, filed = frames([client(**shared)] * rows, [registration(ntn="0000001", local_ip="203.0.113.5")] * rows)
    clients["subscriber_id"] = [f"S{number}" for number in range(rows)]
    filed["registration_ref"] = filed["subscriber_id"] = [f"X{number}" for number in range(rows)]
    table = comparison.compare(clients, filed, deadline=DEADLINE, today=TODAY, list_on=LIST_ON)
    assert set(table["status"]) == {"registered"}


def test_missing_values_read_as_empty() -> None:
    clients, filed = frames([client(ntn="0000001")], [registration(ntn="0000001")])
    clients.loc[0, "msisdn"] = None
    filed.loc[0, "valid_to"] = None
    table = comparison.compare(clients, filed, deadline=DEADLINE, today=TODAY, list_on=LIST_ON)
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
    assert comparison.orphans(clients, filed, TODAY)["registration_ref"].tolist() == ["R0", "R5"]
