"""What lies in a zone and is not taken: told with its reason, what may still be finished only after a day."""

from __future__ import annotations

from datetime import timedelta

from tests.unit.registry.filing import AT, conclude, name_of, see
from vpn_registry.model import SIDECAR, TEMPORARY, Feed, ListedFile, Mode, ZoneFolder
from vpn_registry.registry import ledger
from vpn_registry.registry.home import Registry
from vpn_registry.registry.lying import REASONS, LeftAlone, left_alone, sentences

DAY = timedelta(days=1)


def told(registry: Registry, after: timedelta) -> list[tuple[str, str]]:
    with registry.reading() as db:
        return [(one.file_name, one.kind) for one in left_alone(db, AT + after)]


def test_an_upload_and_a_lone_checksum_are_told_once_they_have_lain_for_a_day(registry: Registry) -> None:
    lying = [ListedFile("a.csv.part", 1, 1, TEMPORARY), ListedFile("a.csv.sha256", 1, 1, SIDECAR),
             ListedFile("link", 1, 1, "link")]  # fmt: skip
    with registry.writing() as db:
        ledger.observe(db, "indus", ZoneFolder.INCOMING, lying, at=AT, monotonic=0, settle_seconds=30)
    assert told(registry, DAY) == [("link", "link")]
    assert told(registry, 2 * DAY) == [("a.csv.part", "temporary"), ("a.csv.sha256", "sidecar"), ("link", "link")]
    with registry.writing() as db:
        ledger.observe(db, "indus", ZoneFolder.INCOMING, lying[2:], at=AT + DAY, monotonic=60, settle_seconds=30)
    assert told(registry, 2 * DAY) == [("link", "link")]


def test_what_was_too_large_lies_there_until_its_isp_removes_it(registry: Registry) -> None:
    name = name_of("indus", Feed.CLIENTS, Mode.FULL, 1)
    with registry.writing() as db:
        delivery = see(db, "indus", name.text)
        claim_no = ledger.claim(db, delivery)
        assert claim_no is not None
        stored = ledger.store(db, delivery, claim_no, sha256=None, size_bytes=10, received_at=AT, name=name)
        conclude(db, stored)
        ledger.finish(db, stored, stored.claim_no)
    assert told(registry, timedelta()) == [(name.text, "oversize")]
    with registry.writing() as db:
        ledger.observe(db, "indus", ZoneFolder.INCOMING, [], at=AT, monotonic=90, settle_seconds=30)
    assert told(registry, timedelta()) == []


def test_a_file_that_stays_unread_for_a_day_is_told_with_its_delivery(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = see(db, "indus", "indus_clients_full_20260615_0001.csv")
    assert told(registry, DAY) == []
    with registry.reading() as db:
        [one] = left_alone(db, AT + 2 * DAY, "indus")
        assert left_alone(db, AT + 2 * DAY, "ravi") == []
    assert (one.delivery_id, one.reason) == (delivery.id, REASONS["unread"])


def test_many_of_a_kind_are_named_by_three_and_their_number() -> None:
    many = [LeftAlone("indus", ZoneFolder.INCOMING, f"{n}.part", TEMPORARY, AT, None) for n in range(5)]
    assert sentences(many)[0] == "incoming/ has 2 more of which each is an upload that was not renamed within a day"
    assert len(sentences(many)) == 4
