"""What is held about one client, on both databases: all of it, with its origin and its readers, and nobody else's."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import insert

from tests.unit.registry.filing import AT, add, conclude, file_clients, file_registrations, store
from vpn_registry.model import Feed, Mode, Severity
from vpn_registry.registry import audit, cases, erasure, ledger, subject
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import DeadlineRow, DecisionRow, FindingRow

CNIC = "3520212345671"


def read(registry: Registry, action: str, **detail: Any) -> None:
    with registry.writing() as db:
        audit.record(
            db, actor="amna", action=action, object_type="registry", object_id="indus", detail=detail, at=AT
        )  # fmt: skip


def refused_row(registry: Registry, seq: int, subscriber: str) -> None:
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, seq)
        row = {"key": "b", "subscriber_id": subscriber, "outcome": "rejected", "codes": "H101"}
        frame = pd.DataFrame([{"row": 1, "line": 2, **row}])
        ledger.record_rows(db, delivery, frame)
        finding = {"delivery_id": delivery.id, "revision": 1, "row": 1, "line": 2, "key": "b", "column_name": "city"}
        said = {"value": "Lahor", "message": "Misspelt.", "remedy": "Mend it.", "suggestion": ""}
        db.execute(insert(FindingRow).values(**finding, **said, code="H101", severity=Severity.ERROR))
        conclude(db, delivery)


def held(registry: Registry, subscriber: str = "s-a", **options: Any) -> dict[str, Any]:
    with registry.reading() as db:
        found = subject.extract(db, "indus", subscriber, **options)
    assert found is not None
    document: dict[str, Any] = json.loads(json.dumps(found))
    return document


def test_the_document_holds_everything_with_its_origin_and_nothing_of_others(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", cnic=CNIC), add("z", name="Somebody Else"))
    file_registrations(registry, 2, {**add("a", name="Renamed", cnic=CNIC), "action": "update"})
    file_clients(registry, 1, {"subscriber_id": "s-a", "client_name": "Firm"}, {"subscriber_id": "s-z"})
    refused_row(registry, 3, "s-a")
    with registry.writing() as db:
        case = cases.open_case(db, "indus", cases.DISPUTE, "s-a", reason="Row 1 disputes it.", at=AT)
        decision = {"case_id": case, "outcome": "exempt", "reason": "Shown.", "actor": "amna", "decided_at": AT}
        db.execute(insert(DecisionRow).values(**decision))
        own = {"ends_on": date(2026, 7, 31), "entered_on": date(2026, 6, 16), "source": "Letter 12", "isp": "indus"}
        db.execute(insert(DeadlineRow).values(campaign="2026", version=2, **own, subscriber_id="s-a"))
        db.execute(insert(DeadlineRow).values(campaign="2026", version=3, **own, subscriber_id="s-z"))
    found = held(registry)
    assert [one["version"] for one in found["deadlines"]] == [2]
    registrations = found["registrations"]
    assert [(one["client_name"], one["delivery_id"], one["row"]) for one in registrations] == [
        ("Firm", 1, 1), ("Renamed", 2, 1),
    ]  # fmt: skip
    assert registrations[0]["national_no"] == "VPN-2026-0000001"
    assert [one["client_name"] for one in found["client_list"]] == ["Firm"]
    (refused,) = (row for row in found["rows"] if row["outcome"] == "rejected")
    assert [finding["value"] for finding in refused["findings"]] == ["Lahor"]
    assert found["cases"][0]["decisions"][0]["outcome"] == "exempt"
    assert [one["delivery_id"] for one in found["deliveries"]] == [1, 2, 3, 4]
    assert "s-z" not in str(found)
    assert "Somebody" not in str(found)


def test_identity_numbers_are_hidden_until_somebody_opens_them(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", cnic=CNIC))
    assert held(registry)["registrations"][0]["cnic"] == "hidden"
    assert CNIC not in str(held(registry))
    assert held(registry, reveal=registry.keys.decrypt_text)["registrations"][0]["cnic"] == CNIC


def test_it_tells_who_has_read_about_him_and_which_files_are_gone(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    read(registry, "explain", isp="indus", subscriber_id="s-a")
    read(registry, "explain", isp="indus", subscriber_id="s-aa")
    read(registry, "explain", isp="kirana", subscriber_id="s-a")
    read(registry, "export", isp=None, rows=1)
    read(registry, "export", isp="kirana", rows=1)
    with registry.writing() as db:
        erasure.record_discards(db, [1], at=AT)
    found = held(registry)
    assert [(one["action"], one["detail"]["isp"]) for one in found["read_by"]] == [
        ("explain", "indus"),
        ("export", None),
    ]
    assert found["deliveries"][0]["bytes_discarded_at"] == "2026-06-15T04:00:00Z"


def test_nothing_is_held_about_somebody_unknown(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    with registry.reading() as db:
        assert subject.extract(db, "indus", "s-b") is None
        assert subject.extract(db, "kirana", "s-a") is None
