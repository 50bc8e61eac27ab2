"""What came last, by number: on both databases, without a look at other ISPs."""

from __future__ import annotations

from datetime import date

from tests.unit.registry.filing import add, conclude, file_clients, file_registrations, store
from vpn_registry.model import Feed, Mode, Outcome
from vpn_registry.registry import filings
from vpn_registry.registry.home import Registry


def test_the_newest_list_is_the_accepted_one_with_the_highest_number(registry: Registry) -> None:
    file_clients(registry, 3, {"subscriber_id": "7", "client_name": "X"})
    file_clients(registry, 2, {"subscriber_id": "7", "client_name": "Y"})
    with registry.writing() as db:
        conclude(db, store(db, "indus", Feed.CLIENTS, Mode.FULL, 4), Outcome.REJECTED)
    with registry.reading() as db:
        found = filings.newest_lists(db, ["indus", "ravi"])
        assert {isp: one.content_on for isp, one in found.items()} == {"indus": date(2026, 6, 3)}
        last = filings.last_of_feeds(db, ["indus", "ravi"])
        assert {pair: one.content_on for pair, one in last.items()} == {("indus", Feed.CLIENTS): date(2026, 6, 4)}
        assert filings.newest_lists(db, []) == {}


def test_a_list_is_in_work_while_it_is_unjudged_or_held(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    with registry.writing() as db:
        unjudged = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        held = store(db, "ravi", Feed.CLIENTS, Mode.FULL, 1)
        conclude(db, held, Outcome.HELD)
        conclude(db, store(db, "sahil", Feed.REGISTRATIONS, Mode.DELTA, 1), Outcome.HELD)
    with registry.reading() as db:
        waiting = filings.lists_in_work(db, ["indus", "ravi", "sahil"])
        assert waiting == {"indus": unjudged.id, "ravi": held.id}
        assert filings.lists_in_work(db, ["sahil"]) == {}
