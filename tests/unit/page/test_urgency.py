"""What needs a person: each kind of thing once, with its day, the most urgent first."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from types import SimpleNamespace

from vpn_registry.model import PAKISTAN, Contact, ContactRole
from vpn_registry.page import urgency
from vpn_registry.pipeline.silence import Filer
from vpn_registry.roster import Isp

AT = datetime(2026, 6, 12, 9, 0, tzinfo=PAKISTAN)  # a Friday
TODAY = AT.date()
INDUS = Isp("indus", "Indus", "", "", "sftp_indus", None, (Contact("Desk", "d@x.example", ContactRole.COMPLIANCE),))


def case(kind: str) -> dict[str, object]:
    about = {"isp": "indus", "kind": kind, "subject": "9", "delivery_id": None}
    return {"id": 7, "reason": "why", "opened_at": AT, **about}


def test_a_held_file_is_due_two_working_days_later_and_a_dispute_ten() -> None:
    held, dispute = urgency.cases([case("held_delivery"), case("dispute")], {date(2026, 6, 16)})
    assert (held.due_on, dispute.due_on) == (date(2026, 6, 17), date(2026, 6, 29))
    assert (held.dag, held.form) == ("decide_case", {"case": 7, "outcome": "", "reason": ""})


def test_a_case_leads_to_what_it_is_about() -> None:
    kinds = ("review", "uncertain_message", "dossier")
    needs = urgency.cases([*map(case, kinds), {**case("held_delivery"), "delivery_id": 3}], ())
    assert [need.link for need in needs] == [
        "/isps/indus/clients/9", "/messages/9", "/cases?isp=indus&kind=dossier", "/deliveries/3",
    ]  # fmt: skip


def test_a_held_notice_is_due_before_its_stage_lapses() -> None:
    row = {"notice_no": "N-1", "isp": "indus", "stage": "T-14", "stage_on": TODAY, "state": "held", "reason": "First.",
           "counts": {"to_register": 3, "comparable": 5}, "planned_at": AT, "settled_at": None}  # fmt: skip
    (need,) = urgency.notices([row], ())
    assert need.due_on == date(2026, 6, 17)
    assert "3 of 5 clients to register. First." in need.what
    assert need.form == {"isp": "indus", "stage": "T-14", "reason": ""}


def test_of_a_kind_that_waits_often_only_the_most_urgent_stand_open() -> None:
    zones = urgency.failing_zones(
        {"indus": SimpleNamespace(isp="indus", failing_since_at=AT, error="No answer.")}, ["indus"]
    )
    held = [{**case("held_delivery"), "id": number} for number in range(urgency.OPEN + 3)]
    folded = urgency.folded(urgency.sort_needs([*urgency.cases(held, ()), *zones]))
    assert [(kind, len(some), len(others)) for kind, some, others in folded] == [
        ("zone fails", 1, 0), ("case", urgency.OPEN, 3),
    ]  # fmt: skip


def test_mail_that_may_have_arrived_comes_before_mail_that_did_not() -> None:
    rows = [{"notice_no": f"N-{state}", "isp": "indus", "stage": "T-14", "state": state, "settled_at": AT}
            for state in ("failed", "uncertain", "sent")]  # fmt: skip
    needs = urgency.sort_needs(urgency.notices(rows, ()))
    assert [need.kind for need in needs] == ["mail uncertain", "mail failed"]


def test_a_silent_isp_is_told_with_its_last_reminder_and_what_is_in_the_way() -> None:
    def silent(filer: Filer) -> list[str]:
        return [need.what for need in urgency.silent({"indus": INDUS}, [filer])]

    late = Filer("indus", date(2026, 5, 11), date(2026, 6, 11), TODAY, is_too_old=False)
    assert silent(replace(late, overdue_since=None)) == []
    assert silent(late) == ["The newest client list is of 11 May 2026, older than its 31 days."]
    never = replace(late, list_on=None)
    assert silent(never) == ["No client list was ever accepted: nothing was ever filed."]
    told = replace(never, reminded_on=date(2026, 6, 8), hindrance="Its zone has not been listed today.")
    assert silent(told) == [
        "No client list was ever accepted: nothing was ever filed. Reminded on 8 Jun 2026. "
        "Not reminded now: Its zone has not been listed today."
    ]


def test_zones_that_fail_come_first_and_only_those_of_the_roster() -> None:
    watch = SimpleNamespace(isp="indus", failing_since_at=AT, error="No answer.")
    gone = SimpleNamespace(isp="gone", failing_since_at=AT, error="No answer.")
    zones = urgency.failing_zones({"indus": watch, "gone": gone}, ["indus"])
    stuck = urgency.stuck([SimpleNamespace(id=3, isp="indus", file_name="f", state="stored", since_at=AT)])
    needs = urgency.sort_needs([*stuck, *urgency.cases([case("dispute")], ()), *zones])
    assert [need.kind for need in needs] == ["zone fails", "case", "stuck"]
    assert needs[0].what == "The zone can't be listed: No answer."
