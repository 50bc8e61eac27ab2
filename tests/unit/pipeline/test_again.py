"""Same letter, same bytes: what was sent follows from what is stored beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.installation import Installation, send_notices
from vpn_registry import notices
from vpn_registry.pipeline import letter
from vpn_registry.pipeline.again import Again, again

NUMBER = "N-2026-000001"


def made(house: Installation, notice_no: str = NUMBER) -> Again:
    found = again(house.exchange, notice_no)
    assert found is not None
    return found


def test_a_letter_comes_out_again_byte_by_byte_when_everything_has_moved_on(asked: Installation) -> None:
    asked.at(timedelta(days=7))
    send_notices(asked)
    for (number,) in asked.rows("SELECT notice_no FROM notices WHERE state = 'sent'"):
        found = made(asked, number)
        assert found.is_same, found.verdict
        assert number in found.text
        assert found.verdict.endswith("it is what was sent, byte by byte.")
        assert (found.deadline_version, bool(found.rule_version)) == (1, True)


def test_other_data_give_another_letter(asked: Installation) -> None:
    with asked.exchange.registry.writing() as db:
        db.execute(
            text("DELETE FROM notice_clients WHERE subscriber_id = (SELECT max(subscriber_id) FROM notice_clients)")
        )
    assert made(asked).differs == ("text", "html", "attachment")


def test_a_form_that_was_changed_since_is_named_and_the_letter_stays(
    asked: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = notices.load_letters()
    form = letters.forms["T-14"]
    changed = replace(form, body={**form.body, "en": form.body["en"] + "\nAnd one more word."})
    monkeypatch.setattr(notices, "load_letters", lambda: replace(letters, forms={**letters.forms, "T-14": changed}))
    found = made(asked)
    assert (found.is_same, found.differs) == (False, ())
    assert "The form T-14 has been changed since" in found.verdict
    assert NUMBER in found.text


def test_what_a_letter_was_made_from_names_no_person(asked: Installation) -> None:
    ((kept,),) = asked.rows("SELECT detail FROM audit_events WHERE action = :action", action=letter.COMPOSED)
    assert "compliance of indus" not in str(kept)
    assert "compliance@indus.example" not in str(kept)


def test_a_letter_that_never_left_is_none(asked: Installation) -> None:
    assert again(asked.exchange, "N-2026-000099") is None
