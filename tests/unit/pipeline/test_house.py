"""Keeping the house: erasing is proven, repeatable and shy of a broken audit trail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.installation import Installation
from tests.unit.registry.filing import conclude, store
from vpn_registry.model import Answer, Feed, Mode, ZoneFolder
from vpn_registry.pipeline import collect, outgoing
from vpn_registry.pipeline import house as keeping
from vpn_registry.pipeline.rotation import Done, reencrypt
from vpn_registry.registry import erasure, ledger, rotation
from vpn_registry.retention import Kept, load_retention


def filed(house: Installation, seq: int, content: str, folder: ZoneFolder = ZoneFolder.INCOMING) -> int:
    """A delivery that was stored, judged and answered; its id."""
    house.exchange.landing.put(content.encode())
    with house.exchange.registry.writing() as db:
        delivery = store(db, "indus", Feed.CLIENTS, Mode.FULL, seq, content=content, folder=folder)
        conclude(db, delivery)
        ledger.finish(db, delivery, delivery.claim_no)
    return delivery.id


def after(kept: Kept) -> timedelta:
    return timedelta(days=load_retention()[kept].days + 1)


def events(house: Installation) -> list[tuple[object, ...]]:
    return house.rows("SELECT actor, object_id, detail FROM audit_events WHERE action = 'erase' ORDER BY id")


def test_bytes_go_once_after_their_time_with_proof_and_what_cant_be_replayed_is_known(house: Installation) -> None:
    deliveries = {filed(house, 1, "one"), filed(house, 2, "two"), filed(house, 3, "one")}
    assert set(keeping.erase(house.exchange).values()) == {0}
    exchange = house.at(after(Kept.DELIVERIES))
    assert keeping.erase(exchange, is_dry=True)["deliveries"] == 2
    assert len(list(exchange.landing)) == 2
    assert events(house) == []
    assert keeping.erase(exchange)["deliveries"] == 2
    assert list(exchange.landing) == []
    with exchange.registry.reading() as db:
        assert erasure.discarded(db) == deliveries
    assert keeping.erase(exchange)["deliveries"] == 0
    ((actor, kept, detail),) = events(house)
    assert (actor, kept) == ("keep_house", "deliveries")
    assert '"count": 2' in str(detail)


def test_bytes_of_a_trial_stay_while_a_real_delivery_has_them_too(house: Installation) -> None:
    filed(house, 1, "one")
    filed(house, 1, "one", ZoneFolder.CHECK)
    filed(house, 2, "two", ZoneFolder.CHECK)
    exchange = house.at(after(Kept.CHECKS))
    assert keeping.erase(exchange)["checks"] == 1
    assert len(list(exchange.landing)) == 1


def test_a_run_that_died_before_it_deleted_is_made_good_by_the_next(
    house: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed(house, 1, "one")
    exchange = house.at(after(Kept.DELIVERIES))

    def dies(*_: object, **__: object) -> bool:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(type(exchange.landing), "discard", dies)
        with pytest.raises(OSError, match="the disk is gone"):
            keeping.erase(exchange)
    assert keeping.erase(exchange)["deliveries"] == 1
    assert list(exchange.landing) == []


def test_answers_are_counted_here_and_leave_their_zone_with_the_same_proof(house: Installation) -> None:
    with house.exchange.registry.writing() as db:
        ledger.queue_zone_files(db, "indus", [Answer("extract/a.csv", b"a")])
    collect.answer(house.exchange, "indus", holder="test")
    exchange = house.at(after(Kept.ANSWERS))
    assert keeping.erase(exchange)["answers"] == 1
    assert outgoing.isps_with_old_answers(exchange) == ["indus"]
    assert outgoing.remove_old_answers(exchange, "indus", holder="test") == 1
    assert house.out("indus") == {}
    assert keeping.erase(exchange)["answers"] == 0
    assert [kept for _, kept, _ in events(house)] == ["answers"]


def test_stored_bytes_come_under_the_newest_key_once(house: Installation) -> None:
    filed(house, 1, "one")
    filed(house, 2, "two")
    rotation.rotate(house.exchange.registry)
    exchange = house.at(timedelta(minutes=1))
    exchange.landing.put(b"three")
    assert reencrypt(exchange) == Done(versions=0, files=2)
    assert reencrypt(exchange) == Done(versions=0, files=0)
    assert {exchange.registry.keys.key_of(exchange.landing.head(one)) for one in exchange.landing} == {"k2"}
    assert {exchange.landing.get(one) for one in exchange.landing} == {b"one", b"two", b"three"}


def test_a_broken_audit_chain_is_named_and_raised(house: Installation) -> None:
    for number in (1, 2, 3):
        with house.exchange.registry.writing() as db:
            keeping.record_erasure(db, load_retention()[Kept.CHECKS], number, house.exchange.now())
    collect.seal_audit(house.exchange)
    assert keeping.verify_audit(house.exchange).sealed == 3
    with house.exchange.registry.writing() as db:
        db.execute(text("DROP TRIGGER guard_audit_events_update_kept"))
        db.execute(text("UPDATE audit_events SET actor = 'nobody' WHERE id = 2"))
    with pytest.raises(keeping.BrokenChainError, match="breaks at event 2; 1 events before it hold"):
        keeping.verify_audit(house.exchange)
