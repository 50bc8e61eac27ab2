"""The sample deliveries: the committed files are the generator's, and the rules give the figures it promises.

The story is replayed here with the rulebook, the reader and the comparison alone: no registry, no Great Expectations.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from vpn_registry import roster
from vpn_registry.demo import samples
from vpn_registry.demo.sample_files import Drop
from vpn_registry.demo.samples import DAY, FOLDER, SLUGS, Sample, sample
from vpn_registry.formats import UnreadableError, decode
from vpn_registry.model import Feed, Mode, Outcome, Status, ZoneFolder
from vpn_registry.reconciliation.comparison import CLIENT_COLUMNS, compare
from vpn_registry.reconciliation.terms import REGISTRATION_COLUMNS
from vpn_registry.rulebook import Context, columns_of, parse_name, rules_of
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BoolArray, Consequence
from vpn_registry.settings import INCLUDE

DEADLINE = date(2026, 6, 30)


@pytest.fixture(scope="module")
def isps() -> dict[str, roster.Isp]:
    return roster.load_isps(INCLUDE / "isps", INCLUDE)


@pytest.fixture(scope="module")
def told() -> Sample:
    return sample()


def test_the_committed_files_are_the_generators(told: Sample) -> None:
    written = {str(path.relative_to(FOLDER)): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    assert written == samples.files(told)


def test_the_committed_story_reads_its_files(told: Sample) -> None:
    assert samples.committed() == told


def test_every_sample_isp_has_its_file(isps: dict[str, roster.Isp]) -> None:
    assert sorted(slug for slug, isp in isps.items() if isp.sample) == list(SLUGS)


def test_every_status_occurs_except_those_that_need_a_case_or_a_list_that_aged(told: Sample) -> None:
    seen = {status for clients in told.first.values() for status in clients.values()}
    assert seen == set(Status) - {Status.DISPUTED, Status.NOT_COMPARABLE}


def test_every_outcome_of_a_file_occurs_except_those_that_need_a_person(told: Sample) -> None:
    assert {drop.outcome for drop in told.drops} - {None} == set(Outcome) - {Outcome.HELD, Outcome.SUPERSEDED}


def test_the_story_can_be_told_for_another_day(told: Sample) -> None:
    later = sample(DAY + timedelta(days=10))
    assert [drop.rows for drop in later.drops] == [drop.rows for drop in told.drops]
    assert later.first == told.first
    assert later.drops[0].name == "indus_registrations_full_20260620_0001.csv"


@dataclass
class Replay:
    """What one ISP's deliveries leave behind when they are judged by the rules and merged in order."""

    isp: roster.Isp
    registrations: dict[str, dict[str, str]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    clients: pd.DataFrame | None = None
    rejected: dict[str, tuple[str, int]] = field(default_factory=dict)

    def take(self, drop: Drop, has_gap: bool) -> tuple[tuple[int, int, int, int], set[tuple[int, str]]]:
        """Judge and merge one file: its row counts, and (row, code) of each finding."""
        name = parse_name(drop.name)
        assert name is not None
        decoded = decode(drop.content, name.ext, columns_of(name.feed))
        rows = Rows(decoded.frame, name.feed, len(decoded.header))
        context = Context(
            isp=self.isp.slug,
            today=DAY,
            mode=name.mode,
            seq=name.seq,
            sample=True,
            prefixes=self.isp.prefixes,
            known=self._known() if name.feed is Feed.REGISTRATIONS else None,
            has_gap=has_gap,
        )
        findings, hits = set(), {effect: np.zeros(len(rows), dtype=np.bool_) for effect in Consequence}
        for rule in rules_of(name.feed):
            bad: BoolArray = rule.bad(rows, context) & rows.scope(rule.scope)
            hits[rule.effect] |= bad
            findings |= {(int(row), rule.code) for row in decoded.frame["row"][bad]}
        rejected = hits[Consequence.REJECT]
        duplicate = hits[Consequence.DUPLICATE] & ~rejected
        good = ~rejected & ~duplicate
        if drop.folder is ZoneFolder.INCOMING:
            self._merge(name.feed, decoded.frame.assign(row_sha256=rows.row_sha256), good, rejected)
        return (len(rows), int(good.sum()), int(rejected.sum()), int(duplicate.sum())), findings

    def _known(self) -> pd.DataFrame:
        refs = list(self.registrations)
        return pd.DataFrame(
            {
                "registration_ref": pd.Series(refs, dtype="str"),
                "is_in_force": pd.Series([ref not in self.closed for ref in refs], dtype=bool),
                "decided_seq": pd.Series([0 for _ in refs], dtype="int64"),
                "row_sha256": pd.Series([row["row_sha256"] for row in self.registrations.values()], dtype="str"),
            }
        )

    def _merge(self, feed: Feed, frame: pd.DataFrame, good: BoolArray, rejected: BoolArray) -> None:
        if feed is Feed.CLIENTS:
            self.clients = frame[good]
            return
        for row in frame[good].to_dict("records"):
            ref = str(row["registration_ref"])
            if row["action"] == "withdraw":
                self.closed.add(ref)
            else:
                self.registrations[ref] = {str(column): str(value) for column, value in row.items()}
                self.rejected.pop(str(row["subscriber_id"]), None)
        for row in frame[rejected].to_dict("records"):
            self.rejected[str(row["subscriber_id"])] = ("a file", int(row["row"]))

    def statuses(self, filed_elsewhere: set[str]) -> dict[str, Status]:
        """The comparison of what was merged; fingerprints are the numbers themselves here."""
        if self.clients is None:
            return {}
        book = pd.DataFrame(list(self.registrations.values())).rename(
            columns={"cnic": "cnic_fp", "other_id": "other_id_fp"}
        )
        book["is_in_force"] = ~book["registration_ref"].isin(self.closed)
        book["closed_on"] = np.where(book["is_in_force"], "", DAY.isoformat())
        book = book.assign(national_no="", ntn=book["ntn"].str[:7])
        clients = self.clients.rename(columns={"cnic": "cnic_fp", "other_id": "other_id_fp"})
        elsewhere = clients["subscriber_id"][clients["ntn"].str[:7].isin(filed_elsewhere)]
        result = compare(
            clients[list(CLIENT_COLUMNS)],
            book[[*REGISTRATION_COLUMNS, "is_in_force"]],
            deadline=DEADLINE,
            today=DAY,
            list_on=DAY - timedelta(days=2),
            elsewhere=dict.fromkeys(elsewhere, "ntn"),
            last_rejected=self.rejected,
        )
        return {str(one): Status(status) for one, status in zip(result["subscriber_id"], result["status"], strict=True)}


def numbers_elsewhere(world: dict[str, Replay], slug: str) -> set[str]:
    """The tax numbers of registrations that other ISPs filed."""
    others = [row["ntn"][:7] for other, one in world.items() if other != slug for row in one.registrations.values()]
    return set(filter(None, others))


def test_the_files_give_the_figures_the_story_promises(told: Sample, isps: dict[str, roster.Isp]) -> None:
    world = {slug: Replay(isps[slug]) for slug in SLUGS}
    for again, expected in ((False, told.first), (True, told.second)):
        for drop in told.drops:
            if drop.again is not again or drop.rows is None:
                continue
            counts, findings = world[drop.isp].take(drop, has_gap="0003" in drop.name and drop.isp == "sahil")
            assert counts == drop.rows, drop.name
            loud = {finding for finding in findings if finding[1] != "W301"}  # the expired ones say so
            assert loud == {(bad.row, bad.code) for bad in drop.bad}, drop.name
        for slug in SLUGS:
            assert world[slug].statuses(numbers_elsewhere(world, slug)) == expected.get(slug, {}), slug


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("margalla_registrations_full_20260611_0001.csv", "F202"),
        ("margalla_clients_full_20260612_0001.csv", "F203"),
    ],
)
def test_a_broken_file_is_refused_for_the_reason_it_is_there_for(told: Sample, file: str, code: str) -> None:
    (drop,) = (drop for drop in told.drops if drop.name == file)
    name = parse_name(file)
    assert name is not None
    with pytest.raises(UnreadableError) as refused:
        decode(drop.content, name.ext, columns_of(name.feed))
    assert refused.value.code == code


def test_the_unreadable_name_is_unreadable() -> None:
    assert parse_name("clients june (final).csv") is None


def test_a_name_is_used_twice_only_by_the_duplicate_and_the_check_zone(told: Sample) -> None:
    names = Counter((drop.isp, drop.name) for drop in told.drops)
    assert sorted(name for (_, name), count in names.items() if count > 1) == [
        "kirana_registrations_delta_20260615_0002.csv",
        "sahil_clients_full_20260613_0001.csv",
    ]


def test_names_are_no_older_than_a_week_and_lists_are_full(told: Sample) -> None:
    for drop in told.drops:
        name = parse_name(drop.name)
        if name is not None:
            assert timedelta(0) <= DAY - name.content_on <= timedelta(days=7)
            assert name.feed is not Feed.CLIENTS or name.mode is Mode.FULL


def test_no_two_clients_of_an_isp_share_a_name(told: Sample) -> None:
    for drop in told.drops:
        name = parse_name(drop.name)
        if name is not None and name.feed is Feed.CLIENTS and drop.outcome is Outcome.ACCEPTED:
            frame = decode(drop.content, name.ext, columns_of(name.feed)).frame
            assert not frame["client_name"].duplicated().any(), drop.name
