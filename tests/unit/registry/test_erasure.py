"""What goes when its time is over, on both databases: only what was due, only once, and lineage stays."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from tests.unit.registry.filing import AT, add, file_clients, file_registrations, store, withdraw
from vpn_registry.model import Feed, Mode, Outcome, Response, RowCounts, Severity, ZoneFolder
from vpn_registry.registry import cases, erasure, ledger, office_mails
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import DeliveryRowRow, FindingRow, RegistrationVersionRow, ResponseRow
from vpn_registry.retention import Kept

DAY = timedelta(days=1)


def erase(registry: Registry, kept: Kept, before: Any) -> int:
    with registry.reading() as db:
        due = erasure.due(db, kept, before)
    with registry.writing() as db:
        assert erasure.erase(db, kept, before, at=before + 9 * DAY) == due
    with registry.reading() as db:
        assert erasure.due(db, kept, before) == 0
    return due


def names(registry: Registry) -> list[tuple[str | None, str, int]]:
    version = RegistrationVersionRow
    with registry.reading() as db:
        rows = db.execute(select(version.client_name, version.action, version.seq).order_by(version.id))
        return [(name or None, action, seq) for name, action, seq in rows]


def test_versions_go_once_they_were_replaced_or_closed_for_long_and_what_is_in_force_stays(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", name="Old"), add("b", name="Closed"), add("c", name="Kept"))
    file_registrations(registry, 2, {**add("a", name="New"), "action": "update"}, withdraw("b"), at=AT + 5 * DAY)
    assert erase(registry, Kept.REGISTRATIONS, AT + 4 * DAY) == 0
    assert erase(registry, Kept.REGISTRATIONS, AT + 6 * DAY) == 2
    assert names(registry) == [
        (None, "add", 1), (None, "add", 1), ("Kept", "add", 1), ("New", "update", 2), (None, "withdraw", 2),
    ]  # fmt: skip
    with registry.reading() as db:
        row = db.execute(select(RegistrationVersionRow).order_by(RegistrationVersionRow.id).limit(1)).scalar_one()
    assert (row.row, row.seq, bool(row.content_sha256), row.erased_at) == (1, 1, True, AT + 15 * DAY)
    assert row.cnic_cipher is None
    assert row.contact_email is None


def test_an_overtaken_version_was_never_in_force_and_goes_by_its_own_day(registry: Registry) -> None:
    file_registrations(registry, 2, add("a", name="Newer"))
    file_registrations(registry, 1, add("a", name="Late"), at=AT + DAY)
    assert erase(registry, Kept.REGISTRATIONS, AT + DAY) == 0
    assert erase(registry, Kept.REGISTRATIONS, AT + 2 * DAY) == 1
    assert names(registry)[0] == ("Newer", "add", 2)


def test_a_reinstated_registration_keeps_what_it_shows(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", name="Firm"))
    file_registrations(registry, 2, withdraw("a"), at=AT + DAY)
    file_registrations(registry, 3, add("a", name="Firm"), at=AT + 2 * DAY)
    erase(registry, Kept.REGISTRATIONS, AT + 9 * DAY)
    with registry.reading() as db:
        shown = db.execute(
            text("SELECT v.client_name FROM registrations r JOIN registration_versions v ON v.id = r.version_id")
        ).scalar()
    assert shown == "Firm"


def test_a_client_who_left_the_list_goes_and_those_on_it_stay(registry: Registry) -> None:
    people = [{"subscriber_id": one, "client_name": f"Client {one}"} for one in "12"]
    file_clients(registry, 1, *people)
    file_clients(registry, 2, people[0], at=AT + DAY)
    assert erase(registry, Kept.CLIENTS, AT + 2 * DAY) == 1
    with registry.reading() as db:
        rows = db.execute(text("SELECT client_name FROM client_versions WHERE erased_at IS NULL AND action = 'listed'"))
        assert set(rows.scalars()) == {"Client 1"}


def test_the_words_of_a_response_wait_for_the_case_about_its_client(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.RESPONSES, Mode.DELTA, 1)
        for subscriber in "12":
            db.execute(
                insert(ResponseRow).values(
                    isp="indus", subscriber_id=subscriber, notice_no="N-2026-000001", response=Response.DISPUTE,
                    reference="R", comment="He says so.", responded_on=date(2026, 6, 1), delivery_id=delivery.id,
                    row=int(subscriber), seq=1, is_overtaken=False, content_sha256="0" * 64, learnt_at=AT,
                )
            )  # fmt: skip
        cases.open_case(db, "indus", cases.DISPUTE, "2", reason="Row 2.", at=AT)
    assert erase(registry, Kept.RESPONSES, AT + DAY) == 1
    with registry.writing() as db:
        cases.close_case(db, "indus", cases.DISPUTE, "2", at=AT)
    assert erase(registry, Kept.RESPONSES, AT + DAY) == 1
    with registry.reading() as db:
        assert set(db.execute(select(ResponseRow.comment, ResponseRow.response))) == {(None, Response.DISPUTE)}


def test_a_mail_to_the_office_loses_its_text_once_it_is_settled_for_long(registry: Registry) -> None:
    with registry.writing() as db:
        for about, state in (("2026-06-15", office_mails.SENT), ("2026-06-16", office_mails.QUEUED)):
            office_mails.queue(
                db, office_mails.REPORT, about, recipient="team@x.example", subject="Report", text="t", html="h", at=AT,
                state=state,
            )  # fmt: skip
    assert erase(registry, Kept.OFFICE_MAILS, AT) == 0
    assert erase(registry, Kept.OFFICE_MAILS, AT + DAY) == 1
    with registry.reading() as db:
        rows = db.execute(text("SELECT about, recipient, subject, body_text FROM office_mails ORDER BY id"))
        assert [tuple(row) for row in rows] == [
            ("2026-06-15", "", "Report", ""), ("2026-06-16", "team@x.example", "Report", "t"),
        ]  # fmt: skip


def judged(registry: Registry, seq: int, outcome: Outcome, *, folder: ZoneFolder = ZoneFolder.INCOMING) -> int:
    """A delivery with one finding, judged at AT and answered; its id."""
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, seq, content=f"bytes {seq}", folder=folder)
        ledger.conclude(
            db, delivery, delivery.claim_no, outcome=outcome, rows=RowCounts(1, 1), counts_by_code={}, findings=(),
            result={}, rulebook_version="1", at=AT,
        )  # fmt: skip
        db.execute(
            insert(FindingRow).values(
                delivery_id=delivery.id, revision=1, row=1, line=2, key="a", column_name="city", code="W199",
                severity=Severity.WARNING, value="Lahor", message="It is misspelt.", remedy="Mend it.",
                suggestion="Lahore",
            )
        )  # fmt: skip
        ledger.finish(db, delivery, delivery.claim_no)
    return delivery.id


def test_findings_lose_what_they_quote_and_keep_what_they_say(registry: Registry) -> None:
    judged(registry, 1, Outcome.PARTIAL)
    judged(registry, 2, Outcome.HELD)
    assert erase(registry, Kept.FINDINGS, AT) == 0
    assert erase(registry, Kept.FINDINGS, AT + DAY) == 1
    with registry.reading() as db:
        rows = db.execute(select(FindingRow.value, FindingRow.suggestion, FindingRow.code).order_by(FindingRow.id))
        assert list(rows) == [("", "", "W199"), ("Lahor", "Lahore", "W199")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE findings SET code = 'H101'",
        "UPDATE findings SET value = 'Karachi'",
        "UPDATE findings SET facts = '{}', value = '', suggestion = ''",
        "DELETE FROM findings",
        "UPDATE validation_results SET rulebook_version = '9'",
        "DELETE FROM validation_results",
        "UPDATE delivery_rows SET outcome = 'accepted'",
        "DELETE FROM delivery_rows",
    ],
)
def test_what_was_judged_is_neither_changed_nor_deleted(registry: Registry, change: str) -> None:
    delivery = judged(registry, 1, Outcome.PARTIAL)
    with registry.writing() as db:
        db.execute(
            insert(DeliveryRowRow).values(
                delivery_id=delivery, revision=1, row=1, line=2, key="a", subscriber_id="S", outcome="rejected",
                effect="", codes="H101",
            )
        )  # fmt: skip
    with pytest.raises(DBAPIError, match=r"findings change|never deleted|only added"), registry.writing() as db:
        db.execute(text(change))


def test_bytes_are_due_when_no_delivery_needs_them_any_more(registry: Registry) -> None:
    over = {ZoneFolder.INCOMING: AT + DAY, ZoneFolder.CHECK: AT + DAY}
    first = judged(registry, 1, Outcome.ACCEPTED)
    judged(registry, 2, Outcome.HELD)
    check = judged(registry, 3, Outcome.ACCEPTED, folder=ZoneFolder.CHECK)
    with registry.writing() as db:
        store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 4, content="not judged yet")
        # The same bytes once more, lately: they are needed again.
        again = store(db, "kirana", Feed.REGISTRATIONS, Mode.DELTA, 1, content="bytes 3")
    with registry.reading() as db:
        (deliveries,) = erasure.bytes_due(db, over).values()
        assert deliveries == {first: ZoneFolder.INCOMING}
        assert erasure.bytes_due(db, {**over, ZoneFolder.INCOMING: AT}) == {}
    with registry.writing() as db:
        assert erasure.record_discards(db, [first], at=AT) == 1
        assert erasure.record_discards(db, [first], at=AT) == 0
    with registry.reading() as db:
        assert erasure.discarded(db) == {first}
        assert {check, again.id}.isdisjoint(erasure.discarded(db))


def test_what_was_discarded_stays_known(registry: Registry) -> None:
    first = judged(registry, 1, Outcome.ACCEPTED)
    with registry.writing() as db:
        erasure.record_discards(db, [first], at=AT)
    with pytest.raises(DBAPIError), registry.writing() as db:
        db.execute(text("DELETE FROM discarded_deliveries"))
