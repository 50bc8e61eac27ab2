"""For any order of registering, answering, extending, muting and outage: one letter a stage, and none about the
registered."""

from __future__ import annotations

import shutil
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.installation import DAY, Cast, Installation, answer, send_notices
from vpn_registry.campaign import deadline_in_force, working_day_after
from vpn_registry.demo.sample_files import file_name, to_csv
from vpn_registry.model import Feed, Mode, Response, pakistani_day
from vpn_registry.pipeline import client_days, extension, mutes
from vpn_registry.pipeline.client_days import Why
from vpn_registry.registry.engine import engine_for

WHOM = {"everybody": ("", False), "the ISP": ("indus", False), "the client": ("indus", True)}
EXTENSIONS = {f"extends for {name}": whom for name, whom in WHOM.items()}
MUTES = {f"mutes {name}": is_client for name, (isp, is_client) in WHOM.items() if isp}
DEEDS = ("registers", "answers", "disputes", *EXTENSIONS, *MUTES, "is out", "does nothing")
SEASONS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(DEEDS), st.integers(0, 11)), min_size=3, max_size=7)

NAMED_TWICE = """
SELECT n.deadline_version, n.stage, c.subscriber_id FROM notice_clients c JOIN notices n ON n.id = c.notice_id
GROUP BY n.deadline_version, n.stage, c.isp, c.subscriber_id HAVING count(*) > 1
"""
NAMED_BY_TWO = """
SELECT n.stage, c.subscriber_id FROM notice_clients c JOIN notices n ON n.id = c.notice_id
WHERE n.form <> 'extended' AND n.state = 'sent'
GROUP BY n.stage_on, c.subscriber_id HAVING count(*) > 1
"""
NAMED_TOO_LATE = """
SELECT n.notice_no, c.subscriber_id FROM notice_clients c JOIN notices n ON n.id = c.notice_id
JOIN messages m ON m.notice_id = n.id JOIN registrations r ON r.isp = c.isp
JOIN registration_versions v ON v.id = r.version_id AND v.subscriber_id = c.subscriber_id
WHERE c.part = 'A' AND v.learnt_at < m.frozen_at
"""


def filed(house: Installation, feed: Feed, seq: int, row: dict[str, str]) -> None:
    day = pakistani_day(house.exchange.now())
    house.drop((file_name("indus", feed, Mode.DELTA, day, 0, seq), to_csv(feed, [row]).encode()))
    house.run()


def play(house: Installation, indus: Cast, season: list[tuple[int, str, int]]) -> None:
    """One deed a day; letters are sent after each, but in an outage, and once more in the end."""
    open_clients = [row["subscriber_id"] for row in indus.listed][20:]
    registered: set[str] = set()
    seqs = {Feed.REGISTRATIONS: 1, Feed.RESPONSES: 0}
    for gap, deed, which in season:
        exchange = house.at(timedelta(days=gap))
        today, who = pakistani_day(exchange.now()), open_clients[which]
        if deed == "registers" and who not in registered:
            registered.add(who)
            seqs[Feed.REGISTRATIONS] += 1
            filed(house, Feed.REGISTRATIONS, seqs[Feed.REGISTRATIONS], indus.registration(who))
        elif deed in ("answers", "disputes"):
            seqs[Feed.RESPONSES] += 1
            said = Response.REGISTERING if deed == "answers" else Response.DISPUTE
            row = answer(who, said, responded_on=today.isoformat())
            filed(house, Feed.RESPONSES, seqs[Feed.RESPONSES], row)
        elif deed in EXTENSIONS:
            isp, is_client = EXTENSIONS[deed]
            client = who if is_client else ""
            ends_on: date = deadline_in_force(exchange.campaign, today, isp, client).ends_on + timedelta(days=3)
            extension.enter(exchange, ends_on, source="Notification", actor="amna", isp=isp, client=client)
            house.at(timedelta(minutes=1))
        elif deed in MUTES:
            client = who if MUTES[deed] else ""
            mutes.enter(exchange, "indus", today + timedelta(days=2), reason="a flood", actor="amna", client=client)
        if deed != "is out":
            send_notices(house)
    today = pakistani_day(house.exchange.now())
    house.at(working_day_after(today, 1, house.exchange.holidays) - today)
    send_notices(house)


@pytest.mark.soak
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(season=SEASONS)
def test_no_order_names_a_client_twice_or_after_it_registered(
    answerable: Path, season: list[tuple[int, str, int]]
) -> None:
    check(answerable, season)


def test_a_registration_extensions_and_an_outage_in_two_weeks(answerable: Path) -> None:
    own = [(1, "extends for the client", 2), (1, "extends for the ISP", 0), (1, "mutes the client", 3)]
    check(
        answerable, [(1, "registers", 0), *own, (2, "extends for everybody", 0), (4, "is out", 0), (1, "disputes", 1)]
    )


def check(answerable: Path, season: list[tuple[int, str, int]]) -> None:
    indus = Cast("indus")
    indus.registered(20)
    indus.open(12)
    with tempfile.TemporaryDirectory() as folder:
        house = Installation(shutil.copytree(answerable, Path(folder) / "home"))
        play(house, indus, season)
        assert house.rows(NAMED_TWICE) == []
        assert house.rows(NAMED_BY_TWO) == []
        assert house.rows(NAMED_TOO_LATE) == []
        # The query would see it: whoever is registered stood in letters before.
        earlier = house.rows(NAMED_TOO_LATE.replace("<", ">"))
        assert len({who for _, who in earlier}) == len({which for _, deed, which in season if deed == "registers"})
        assert len(house.rows("SELECT id FROM notices WHERE state = 'sent'")) >= 1
        told = client_days.explain(client_days.read_record(house.exchange), DAY, pakistani_day(house.exchange.now()))
        assert [one for one in told if one.why is Why.UNEXPLAINED] == []
        engine_for(house.settings.database_url).dispose()
