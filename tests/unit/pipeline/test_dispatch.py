"""Sending: each message to one recipient, once, and what every answer of a relay comes to."""

from __future__ import annotations

import email
import email.policy
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from tests.installation import Cast, FileAndList, Installation, Relay, clients, no_sleep, registrations
from vpn_registry.pipeline import dispatch, notify
from vpn_registry.pipeline.dispatch import NeedsAPersonError, ZoneBusyError

COMPLIANCE = "compliance@indus.example"
ESCALATION = "escalation@indus.example"


class RecipientsRefused(Exception):  # noqa: N818 - named as the mail library names it
    """As the hook raises it when the relay refuses a recipient."""

    def __init__(self, code: int, recipient: str) -> None:
        super().__init__(recipient)
        self.recipients = {recipient: (code, b"no")}


class DataRefused(Exception):  # noqa: N818 - as above
    """As the hook raises it when the relay refuses what came after DATA."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.smtp_code, self.smtp_error = code, b"later"


def refused(code: int, recipient: str = COMPLIANCE) -> Exception:
    return RecipientsRefused(code, recipient)


def send(house: Installation) -> dict[str, int]:
    return dispatch.send(house.exchange, "indus", house.relay, holder="test", sleep=no_sleep)


def messages(house: Installation) -> dict[str, str]:
    return {str(address): str(state) for address, state in house.rows("SELECT email, state FROM messages ORDER BY id")}


def notice_states(house: Installation) -> list[Any]:
    """Of the notices whose stage goes; those that a later stage took the place of are left out."""
    going = "SELECT state FROM notices WHERE reason NOT IN ('merged', 'lapsed') ORDER BY id"
    return [state for (state,) in house.rows(going)]


def approve(house: Installation) -> None:
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    notify.approve(house.exchange.registry, actor="tester", reason="figures checked")


@pytest.fixture
def listed(file_and_list: FileAndList) -> Installation:
    """Of indus' five clients two are registered; nothing is planned."""
    return file_and_list(2, 3)


@pytest.fixture
def approved(listed: Installation) -> Installation:
    """One approved notice of stage T-14, to the compliance contact."""
    approve(listed)
    return listed


@pytest.fixture
def doubled(listed: Installation) -> Installation:
    """One approved notice of stage T-3, to the compliance and the escalation contact."""
    listed.at(timedelta(days=8))
    approve(listed)
    return listed


def register_all(house: Installation, cast: Cast, age: int = 1) -> None:
    rows = [cast.registration(row["subscriber_id"]) for row in cast.listed[2:]]
    house.drop(registrations("indus", 2, rows, age=age))
    house.run()


def test_an_approved_message_goes_out_once_and_into_the_zone(approved: Installation, indus: Cast) -> None:
    assert send(approved) == {"sent": 1}
    [(recipient, frozen)] = approved.relay.accepted
    mail = email.message_from_bytes(frozen, policy=email.policy.default)
    assert (recipient, mail["To"]) == (COMPLIANCE, COMPLIANCE)
    assert mail["X-Notice-No"] == "N-2026-000001"
    assert mail["Message-ID"] == approved.rows("SELECT header_message_id FROM messages")[0][0]
    [part] = mail.iter_attachments()
    assert [row["subscriber_id"] in part.get_content() for row in indus.listed] == [False, False, True, True, True]
    assert {path for path in approved.out("indus") if path.startswith("notices/")} == {
        f"notices/N-2026-000001.{kind}" for kind in ("html", "txt", "csv")
    }
    assert notice_states(approved) == ["sent"]
    assert send(approved) == {}
    assert len(approved.relay.accepted) == 1
    assert dispatch.summarise(approved.exchange) == {"sent": 1}


def test_nothing_planned_or_held_goes_out(listed: Installation) -> None:
    notify.plan(listed.exchange)
    assert send(listed) == {}
    notify.brake(listed.exchange)
    assert send(listed) == {}
    assert listed.relay.tries == []


def test_a_client_who_registers_between_approval_and_sending_is_not_in_the_letter(
    approved: Installation, indus: Cast
) -> None:
    late = indus.listed[2]["subscriber_id"]
    approved.drop(registrations("indus", 2, [indus.registration(late)]))
    approved.run()
    assert send(approved) == {"sent": 1}
    assert late.encode() not in approved.out("indus")["notices/N-2026-000001.csv"]
    named = [row[0] for row in approved.rows("SELECT subscriber_id FROM notice_clients ORDER BY 1")]
    assert named == [row["subscriber_id"] for row in indus.listed[3:]]
    assert approved.rows("SELECT counts FROM notices")[0][0] == '{"to_register": 2, "covered": 3, "comparable": 5}'


def test_a_notice_whose_clients_have_all_registered_is_cancelled(approved: Installation, indus: Cast) -> None:
    register_all(approved, indus)
    assert send(approved) == {"cancelled": 1}
    assert approved.relay.tries == []
    assert approved.rows("SELECT state, reason FROM notices") == [("cancelled", "nothing_to_tell")]
    assert not any(path.startswith("notices/") for path in approved.out("indus"))
    assert send(approved) == {}


def test_both_copies_of_a_notice_that_came_to_nothing_are_cancelled(doubled: Installation, indus: Cast) -> None:
    register_all(doubled, indus, age=-7)
    send(doubled)
    assert messages(doubled) == {COMPLIANCE: "cancelled", ESCALATION: "cancelled"}
    assert notice_states(doubled) == ["cancelled"]


def test_a_refused_copy_of_a_notice_that_came_to_nothing_is_not_tried_again(
    approved: Installation, indus: Cast
) -> None:
    approved.relay.replies[COMPLIANCE] = [refused(450)]
    assert send(approved) == {"approved": 1}
    register_all(approved, indus)
    approved.at(timedelta(minutes=5))
    assert send(approved) == {"cancelled": 1}
    assert messages(approved) == {COMPLIANCE: "cancelled"}
    assert notice_states(approved) == ["cancelled"]
    assert approved.relay.accepted == []


def test_a_temporary_refusal_is_tried_again_when_its_growing_pause_is_over(approved: Installation) -> None:
    approved.relay.replies[COMPLIANCE] = [refused(450), DataRefused(451), refused(421), None]
    for tries, pause in enumerate((5, 15, 30), 1):
        assert send(approved) == {"approved": 1}
        approved.at(timedelta(minutes=pause - 1))
        assert send(approved) == {}
        assert len(approved.relay.tries) == tries
        approved.at(timedelta(minutes=1))
    assert send(approved) == {"sent": 1}
    assert notice_states(approved) == ["sent"]
    assert approved.rows("SELECT attempts FROM messages") == [(4,)]


def test_a_message_that_is_refused_until_its_stage_lapses_has_failed(approved: Installation) -> None:
    approved.relay.replies[COMPLIANCE] = [refused(450), refused(450), refused(450)]
    send(approved)
    approved.at(timedelta(hours=72))  # Friday morning, the last day
    assert send(approved) == {"approved": 1}
    approved.at(timedelta(hours=7, minutes=45))
    assert send(approved) == {"failed": 1}
    assert notice_states(approved) == ["failed"]


def test_a_permanent_refusal_is_not_repeated(approved: Installation) -> None:
    approved.relay.replies[COMPLIANCE] = [refused(550)]
    assert send(approved) == {"failed": 1}
    approved.at(timedelta(hours=1))
    assert send(approved) == {}
    assert approved.relay.tries == [COMPLIANCE]
    assert notice_states(approved) == ["failed"]
    with pytest.raises(NeedsAPersonError, match="1 failed"):
        dispatch.summarise(approved.exchange)


def test_a_connection_lost_is_uncertain_and_never_sent_again(approved: Installation) -> None:
    approved.relay.replies[COMPLIANCE] = [ConnectionError("Connection unexpectedly closed")]
    assert send(approved) == {"uncertain": 1}
    approved.at(timedelta(hours=1))
    assert send(approved) == {}
    assert approved.relay.tries == [COMPLIANCE]
    assert notice_states(approved) == ["uncertain"]
    with pytest.raises(NeedsAPersonError, match="1 uncertain"):
        dispatch.summarise(approved.exchange)


def test_messages_wait_while_the_relay_is_out_of_reach(approved: Installation) -> None:
    approved.relay.is_down = True
    with pytest.raises(ConnectionRefusedError):
        send(approved)
    assert approved.rows("SELECT state, attempts FROM messages") == [("approved", 0)]
    assert notice_states(approved) == ["approved"]
    approved.relay.is_down = False
    assert send(approved) == {"sent": 1}


@pytest.mark.parametrize("sender", [None, "", "Registry <registry@regulator.example>", "nobody"])
def test_messages_wait_while_the_senders_address_is_wrong(approved: Installation, sender: str | None) -> None:
    approved.relay.from_email = sender
    with pytest.raises((ValueError, IndexError)):
        send(approved)
    assert approved.rows("SELECT state, attempts FROM messages") == [("approved", 0)]
    approved.relay.from_email = Relay.from_email
    assert send(approved) == {"sent": 1}


def test_one_refused_recipient_does_not_hold_the_other(doubled: Installation) -> None:
    doubled.relay.replies[COMPLIANCE] = [refused(550)]
    assert send(doubled) == {"failed": 1, "sent": 1}
    assert messages(doubled) == {COMPLIANCE: "failed", ESCALATION: "sent"}
    assert doubled.relay.recipients == [ESCALATION]


def test_a_notice_is_sent_when_a_compliance_copy_is_and_none_is_pending(doubled: Installation) -> None:
    doubled.relay.replies[ESCALATION] = [refused(450), refused(550)]
    assert send(doubled) == {"sent": 1, "approved": 1}
    assert notice_states(doubled) == ["sending"]
    doubled.at(timedelta(minutes=5))
    assert send(doubled) == {"failed": 1}
    assert notice_states(doubled) == ["sent"]


def test_every_recipient_gets_the_same_letter(doubled: Installation, indus: Cast) -> None:
    """Also when a client registers between the two."""
    doubled.relay.replies[ESCALATION] = [refused(450)]
    send(doubled)
    doubled.drop(registrations("indus", 2, [indus.registration(indus.listed[2]["subscriber_id"])], age=-7))
    doubled.run()
    doubled.at(timedelta(minutes=5))
    assert send(doubled) == {"sent": 1}
    letters = doubled.rows("SELECT DISTINCT subject, body_text, body_html, attachment FROM messages")
    assert len(letters) == 1
    assert doubled.relay.recipients == [COMPLIANCE, ESCALATION]


def test_a_sender_that_died_while_it_was_sending_leaves_an_uncertain_message(approved: Installation) -> None:
    class PoweredOff(BaseException):
        """The end of the process."""

    def die(recipient: str) -> None:
        raise PoweredOff

    approved.relay.before_post = die
    with pytest.raises(PoweredOff):
        send(approved)
    assert messages(approved) == {COMPLIANCE: "sending"}
    approved.relay.before_post = lambda recipient: None
    assert notify.brake(approved.exchange) == ["indus"]
    assert send(approved) == {}
    assert messages(approved) == {COMPLIANCE: "uncertain"}
    assert notice_states(approved) == ["uncertain"]
    assert approved.relay.tries == []


def test_the_state_is_committed_before_the_relay_is_told(approved: Installation) -> None:
    seen: list[dict[str, str]] = []
    approved.relay.before_post = lambda recipient: seen.append(messages(approved))
    send(approved)
    assert seen == [{COMPLIANCE: "sending"}]


def test_sending_waits_for_a_run_that_is_at_work_on_the_zone(approved: Installation) -> None:
    isp = approved.exchange.isps["indus"]
    held: list[AbstractContextManager[bool]] = [approved.exchange.leased(isp, "collecting")]
    held[0].__enter__()

    def release(seconds: float) -> None:
        held.pop().__exit__(None, None, None)

    assert dispatch.send(approved.exchange, "indus", approved.relay, holder="test", sleep=release) == {"sent": 1}


def test_a_zone_that_stays_busy_is_a_failure_and_its_messages_wait(approved: Installation) -> None:
    isp = approved.exchange.isps["indus"]
    with approved.exchange.leased(isp, "collecting"), pytest.raises(ZoneBusyError):
        send(approved)
    assert messages(approved) == {COMPLIANCE: "approved"}
    assert send(approved) == {"sent": 1}


def test_no_header_comes_from_what_an_isp_wrote(listed: Installation, indus: Cast) -> None:
    rows = [*indus.listed[:4], {**indus.listed[4], "client_name": "Acme, evil@attacker.example"}]
    listed.drop(clients("indus", 2, rows))
    listed.run()
    approve(listed)
    send(listed)
    assert listed.relay.recipients == [COMPLIANCE]
    headers = listed.relay.accepted[0][1].partition(b"\r\n\r\n")[0]
    assert b"attacker" not in headers
