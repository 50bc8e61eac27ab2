"""After the last stage people are asked to hand the dossier over, once, and nothing else happens."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.installation import Cast, FileAndList, Installation, registrations, send_notices
from vpn_registry.pipeline import decisions, extension, handover

T_PLUS_7 = timedelta(days=21)
"""From stage T-14 on 16 June to T+7 on 7 July."""


@pytest.fixture
def told(file_and_list: FileAndList) -> Installation:
    """Two of indus' clients are still to register; kirana never sent a list."""
    house = file_and_list(3, 2)
    send_notices(house)
    assert handover.hand_over(house.exchange) == []
    house.at(T_PLUS_7)
    return house


def dossiers(house: Installation) -> dict[str, str]:
    return {one.isp: one.reason for one in decisions.waiting(house.exchange) if one.kind == "dossier"}


def test_when_the_last_letter_has_gone_a_case_asks_for_the_dossier(told: Installation) -> None:
    send_notices(told)
    assert handover.hand_over(told.exchange) == ["indus", "kirana"]
    asked = dossiers(told)
    assert "2 clients are still to register or disputed. `vpnreg dossier indus" in asked["indus"]
    assert "no client list of this ISP was ever accepted" in asked["kirana"]
    assert handover.hand_over(told.exchange) == []


def test_nobody_is_asked_before_the_last_letter_has_gone_or_lapsed(told: Installation) -> None:
    assert handover.hand_over(told.exchange) == ["kirana"]
    send_notices(told)
    assert handover.hand_over(told.exchange) == ["indus"]


def test_the_case_is_decided_once(told: Installation) -> None:
    send_notices(told)
    handover.hand_over(told.exchange)
    [case] = [one.case for one in decisions.waiting(told.exchange) if one.isp == "indus"]
    decisions.decide(told.exchange, case, outcome="handed_over", reason="letter 40 to the section", actor="amna")
    assert handover.hand_over(told.exchange) == []
    assert list(dossiers(told)) == ["kirana"]


def test_who_has_registered_everybody_is_no_case(told: Installation, indus: Cast) -> None:
    rows = [indus.registration(row["subscriber_id"]) for row in indus.listed[3:]]
    told.drop(registrations("indus", 2, rows, age=-20))
    told.run()
    send_notices(told)
    assert handover.hand_over(told.exchange) == ["kirana"]


def test_an_extension_puts_the_last_rung_off(told: Installation) -> None:
    extension.enter(told.exchange, date(2026, 7, 31), source="Letter 12", actor="tester", isp="indus")
    told.at(timedelta(minutes=1))
    send_notices(told)
    assert handover.hand_over(told.exchange) == ["kirana"]
