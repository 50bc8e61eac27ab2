"""The daily report to the data team, and how mails to the office are sent."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from tests.installation import Cast, Installation, clients, registrations
from vpn_registry.model import Mode
from vpn_registry.pipeline import chase, notify, office, report

TEAM = "data-team@regulator.example"


class RefusedError(Exception):
    """What a relay's refusal looks like to the library: a code and words."""

    smtp_code = 451
    smtp_error = b"greylisted"


def send(house: Installation) -> int:
    """What the DAG's task does."""
    report.queue(house.exchange, page="http://127.0.0.1:8080/vpn-registry/")
    return office.send(house.exchange, house.relay)


def last_text(house: Installation) -> str:
    mail: Any = message_from_bytes(house.relay.accepted[-1][1], policy=policy.default)
    return str(mail.get_body(("plain",)).get_content())


def test_the_report_goes_out_once_a_day_however_often_it_is_tried(house: Installation) -> None:
    assert [send(house), send(house)] == [1, 0]
    house.at(timedelta(hours=3))
    assert send(house) == 0
    house.at(timedelta(days=1))
    assert send(house) == 1
    assert house.relay.recipients == [TEAM, TEAM]


def test_there_is_none_on_a_day_off(house: Installation) -> None:
    house.at(timedelta(days=4))
    assert send(house) == 0


@pytest.mark.parametrize(
    ("days", "told"), [(13, "1 day left."), (14, "today."), (15, "1 day ago."), (16, "2 days ago.")]
)
def test_it_counts_the_days_to_the_deadline_and_from_it(house: Installation, days: int, told: str) -> None:
    house.at(timedelta(days=days))
    assert send(house) == 1
    assert f"Deadline 30 Jun 2026: {told}" in last_text(house)


def test_it_says_what_came_what_was_refused_who_is_silent_and_what_waits(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(8), Mode.FULL))
    indus.open(4)
    house.drop(clients("indus", 1, indus.listed))
    house.drop(("indus_clients_full_20260616_0002.csv", b"nonsense\n1\n"))
    house.run()
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    chase.remind(house.exchange)
    send(house)
    text = last_text(house)
    for told in (
        "Deadline 30 Jun 2026: 14 days left.",
        "4 of 12 comparable clients to register, coverage 66.6 %",
        "Notice N-2026-000001 to indus: T-14, 4 of 12 clients to register.",
        "indus: 2 accepted, 1 rejected",
        "indus clients full 0002",
        "F218 No header line: 1",
        "kirana: no client list yet, overdue since 6 Feb 2026; reminded 16 Jun 2026",
        "Audit trail: 0 events sealed",
        "0" * 64,
        "http://127.0.0.1:8080/vpn-registry/",
    ):
        assert told in text, text
    assert not [row for row in indus.listed if row["client_name"] in text]


def test_what_is_not_decided_is_asked_for_again_the_next_working_morning(house: Installation, indus: Cast) -> None:
    indus.open(4)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    for _ in range(2):
        send(house)
        assert "Notice N-2026-000001 to indus" in last_text(house)
        house.at(timedelta(days=1))


def test_a_report_the_relay_refuses_waits_and_goes_out_later(house: Installation) -> None:
    house.relay.replies[TEAM] = [RefusedError()]
    with pytest.raises(office.ReportNotSentError, match="451 greylisted"):
        send(house)
    assert send(house) == 1


def test_a_report_that_may_have_arrived_is_not_sent_again_but_named_in_the_next(house: Installation) -> None:
    house.relay.replies[TEAM] = [TimeoutError("timed out")]
    with pytest.raises(office.ReportNotSentError, match="timed out"):
        send(house)
    assert send(house) == 0
    house.at(timedelta(days=1))
    assert send(house) == 1
    assert "Nobody knows whether this mail arrived: [Simulation] VPN registry, 16 Jun 2026" in last_text(house)


def test_a_relay_that_is_down_leaves_the_report_waiting(house: Installation) -> None:
    house.relay.is_down = True
    with pytest.raises(ConnectionRefusedError):
        send(house)
    house.relay.is_down = False
    assert send(house) == 1
