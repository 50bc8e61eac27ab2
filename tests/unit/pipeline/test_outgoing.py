"""An ISP's own registry in its zone, and the 90 days after which files leave it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from tests.installation import Cast, Installation, ZoneAround, clients, registrations, withdrawals
from vpn_registry.dropzone import ZoneError
from vpn_registry.model import Mode
from vpn_registry.pipeline import collect, outgoing

EXTRACT = "extract/indus_registry_20260616"
SECRET = "3520112345671"


def extracted(house: Installation) -> list[dict[str, str]]:
    assert outgoing.extract(house.exchange, "indus", actor="test") == f"{EXTRACT}.csv"
    collect.answer(house.exchange, "indus", holder="test")
    text = house.out("indus")[f"{EXTRACT}.csv"].decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_an_extract_holds_all_registrations_of_its_isp_and_nothing_else(
    house: Installation, indus: Cast, kirana: Cast
) -> None:
    rows = indus.registered(3)
    house.drop(registrations("indus", 1, rows, Mode.FULL))
    house.drop(registrations("indus", 2, withdrawals(rows[:1])))
    house.drop(registrations("kirana", 1, kirana.registered(2), Mode.FULL))
    house.run()
    found = extracted(house)
    assert [row["registration_ref"] for row in found] == sorted(row["registration_ref"] for row in rows)
    assert {row["isp"] for row in found} == {"indus"}
    assert {row["registration_ref"]: row["state"] for row in found}[rows[0]["registration_ref"]] == "withdrawn"
    assert all(row["national_no"].startswith("VPN-2026-") for row in found)
    assert all(row["learnt_at"] == "2026-06-16T04:00:00Z" for row in found)
    summary = json.loads(house.out("indus")[f"{EXTRACT}.json"])
    assert summary == {
        "isp": "indus",
        "file": "indus_registry_20260616.csv",
        "as_of": "2026-06-16T04:00:00Z",
        "registrations": 3,
        "in_force": 2,
        "withdrawn": 1,
        "simulated": True,
    }
    assert "kirana" not in str(house.out("indus"))


def test_an_extract_masks_identity_numbers_as_findings_do(house: Installation, indus: Cast) -> None:
    rows = [row | {"ntn": "", "cnic": SECRET, "other_id": ""} for row in indus.registered(1)]
    rows += [row | {"ntn": SECRET, "cnic": "", "other_id": ""} for row in indus.registered(1)]
    house.drop(registrations("indus", 1, rows, Mode.FULL))
    house.run()
    assert {"13 digits, ..71"} <= {row["cnic"] for row in extracted(house)}
    assert SECRET.encode() not in b"".join(house.out("indus").values())


def test_an_extract_is_audited_and_one_of_the_same_day_replaces_it(house: Installation, indus: Cast) -> None:
    assert extracted(house) == []
    house.drop(registrations("indus", 1, indus.registered(1)))
    house.run()
    assert len(extracted(house)) == 1
    events = house.rows("SELECT object_id, actor FROM audit_events WHERE action = 'extract'")
    assert events == [("indus", "test")] * 2


def test_files_leave_outgoing_after_ninety_days(house: Installation, indus: Cast) -> None:
    named = registrations("indus", 1, indus.registered(1))
    house.drop(named)
    house.run()
    extracted(house)
    house.at(timedelta(days=89))
    assert outgoing.isps_with_old_answers(house.exchange) == []
    assert outgoing.remove_old_answers(house.exchange, "indus", holder="test") == 0
    house.drop(clients("indus", 1, indus.listed, age=-89))
    house.run()
    house.at(timedelta(days=1))
    assert outgoing.isps_with_old_answers(house.exchange) == ["indus"]
    assert outgoing.remove_old_answers(house.exchange, "indus", holder="test") == 5
    assert all("clients" in path for path in house.out("indus"))
    assert house.rows("SELECT COUNT(*) FROM answers WHERE removed_at IS NOT NULL AND length(content) = 0") == [(5,)]
    assert outgoing.isps_with_old_answers(house.exchange) == []


def test_a_file_that_was_replaced_stays_until_the_later_ones_time_is_over(house: Installation, indus: Cast) -> None:
    path = "indus.result.json"
    for day, content in ((0, b"one"), (45, b"two")):
        house.at(timedelta(days=day))
        with house.exchange.registry.writing() as db:
            from vpn_registry.model import Answer
            from vpn_registry.registry import ledger

            ledger.queue_zone_files(db, "indus", [Answer(path, content)])
        collect.answer(house.exchange, "indus", holder="test")
    house.at(timedelta(days=45))
    assert outgoing.remove_old_answers(house.exchange, "indus", holder="test") == 0
    assert house.out("indus")[path] == b"two"
    house.at(timedelta(days=45))
    assert outgoing.remove_old_answers(house.exchange, "indus", holder="test") == 1
    assert house.out("indus") == {}


def test_removing_is_repeated_where_the_zone_failed(house: Installation, indus: Cast) -> None:
    class Failing(ZoneAround):
        def remove(self, path: str) -> None:
            if path.endswith("result.json"):
                raise ZoneError(f"{path} could not be removed: the zone did not answer in time.")
            self.inner.remove(path)

    house.drop(registrations("indus", 1, indus.registered(1)))
    house.run()
    house.at(timedelta(days=90))
    house.zones["indus"] = Failing
    with pytest.raises(ZoneError):
        outgoing.remove_old_answers(house.exchange, "indus", holder="test")
    del house.zones["indus"]
    outgoing.remove_old_answers(house.exchange, "indus", holder="test")
    assert house.out("indus") == {}


def test_each_isp_gets_its_registry_once_a_month(house: Installation, indus: Cast) -> None:
    assert outgoing.extract_monthly(house.exchange, actor="keep_house") == []
    house.drop(registrations("indus", 1, indus.registered(2), Mode.FULL))
    house.run()
    assert outgoing.extract_monthly(house.exchange, actor="keep_house") == ["indus"]
    assert outgoing.extract_monthly(house.exchange, actor="keep_house") == []
    house.run()
    assert [name for name in house.out("indus") if name.startswith("extract/")] == [
        "extract/indus_registry_20260616.csv",
        "extract/indus_registry_20260616.json",
    ]
    house.at(timedelta(days=15))
    assert outgoing.extract_monthly(house.exchange, actor="keep_house") == ["indus"]
