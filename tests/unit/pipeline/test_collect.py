"""Files on their way from the zone into the landing store, and answers on their way back."""

from __future__ import annotations

import hashlib
import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.installation import Cast, Installation, ZoneAround, clients, no_sleep, registrations
from vpn_registry.dropzone import Zone, ZoneError
from vpn_registry.model import ListedFile, Mode, ZoneFolder
from vpn_registry.pipeline import collect
from vpn_registry.pipeline.overview import overview
from vpn_registry.registry import ledger


def states(house: Installation) -> list[tuple[Any, ...]]:
    return house.rows("SELECT file_name, state, outcome FROM deliveries ORDER BY id")


def test_a_zone_that_takes_no_answers_still_has_its_files_judged(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(1)))
    outgoing = house.zone("indus") / "outgoing"
    outgoing.rmdir()
    outgoing.write_text("in the way")
    assert collect.zones_with_mail(house.exchange, sleep=no_sleep) == ["indus"]
    collect.take(house.exchange, "indus", holder="test")
    counts = collect.judge_and_merge(house.exchange, "indus", holder="test")
    assert counts["accepted"] == 1
    with pytest.raises(ZoneError):
        collect.answer(house.exchange, "indus", holder="test")
    outgoing.unlink()
    outgoing.mkdir()
    assert collect.answer(house.exchange, "indus", holder="test") == 3


def test_a_receipt_comes_before_the_result(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(3), Mode.FULL)
    house.drop((name, content))
    house.take("indus")
    assert list(house.out("indus")) == [f"{name}.receipt.json"]
    receipt = json.loads(house.out("indus")[f"{name}.receipt.json"])
    assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipt["size_bytes"] == len(content)
    collect.judge_and_merge(house.exchange, "indus", holder="test")
    assert collect.answer(house.exchange, "indus", holder="test") == 2
    assert sorted(house.out("indus")) == [f"{name}.accepted.csv", f"{name}.receipt.json", f"{name}.result.json"]
    assert states(house) == [(name, "answered", "accepted")]


def test_a_source_leaves_the_zone_only_after_its_row_is_committed(house: Installation, indus: Cast) -> None:
    removed = []

    class Watching(ZoneAround):
        def remove(self, path: str) -> None:
            removed.append((path, house.rows("SELECT state, sha256 FROM deliveries")))
            self.inner.remove(path)

    house.zones["indus"] = Watching
    name, content = registrations("indus", 1, indus.registered(1))
    house.drop((name, content))
    house.take("indus")
    digest = hashlib.sha256(content).hexdigest()
    assert (f"incoming/{name}", [("stored", digest)]) in removed
    assert house.exchange.landing.get(digest) == content
    assert house.incoming("indus") == []


def test_a_file_that_could_not_be_removed_is_removed_by_the_next_pass(house: Installation, indus: Cast) -> None:
    class Keeping(ZoneAround):
        def remove(self, path: str) -> None:
            raise ZoneError(f"{path} could not be removed: the zone did not answer in time.")

    house.zones["indus"] = Keeping
    house.drop(registrations("indus", 1, indus.registered(1)))
    with pytest.raises(ZoneError, match="removed"):
        house.take("indus")
    assert len(house.incoming("indus")) == 1
    del house.zones["indus"]
    house.run()
    assert house.incoming("indus") == []
    assert [state for _, state, _ in states(house)] == ["answered"]


def test_a_file_put_under_the_same_name_between_store_and_removal_is_another_delivery(
    house: Installation, indus: Cast
) -> None:
    name, _ = registrations("indus", 1, indus.registered(2))
    other = registrations("indus", 1, indus.registered(3))[1]

    class Racing(ZoneAround):
        def stat(self, path: str) -> ListedFile:
            if house.rows("SELECT id FROM deliveries WHERE state = 'stored'") and not overwritten:
                overwritten.append(house.drop((name, other)))
            found: ListedFile = self.inner.stat(path)
            return found

    overwritten: list[Path] = []
    house.drop(registrations("indus", 1, indus.book[:2]))
    house.zones["indus"] = Racing
    house.run()
    assert overwritten
    assert overwritten[0].read_bytes() == other
    del house.zones["indus"]
    house.run()
    assert house.incoming("indus") == []
    assert states(house) == [(name, "answered", "accepted"), (name, "answered", "rejected")]
    assert house.codes("indus", f"{name}.2") == ["F103"]


def test_a_file_put_in_its_place_while_the_checksum_is_removed_stays(house: Installation, indus: Cast) -> None:
    name, _ = registrations("indus", 1, indus.registered(2))
    other = registrations("indus", 1, indus.registered(3))[1]

    class Racing(ZoneAround):
        def remove(self, path: str) -> None:
            self.inner.remove(path)
            if path.endswith(".sha256"):
                overwritten.append(house.drop((name, other)))

    overwritten: list[Path] = []
    house.drop(registrations("indus", 1, indus.book[:2]))
    house.zones["indus"] = Racing
    house.run()
    assert [path.read_bytes() for path in overwritten] == [other]


def test_a_file_is_taken_only_after_it_lay_still_for_the_settle_time(house: Installation, indus: Cast) -> None:
    unhurried = Installation(house.home / "unhurried", settle=3600)
    unhurried.drop(registrations("indus", 1, indus.registered(1)))
    waits: list[float] = []
    assert collect.zones_with_mail(unhurried.exchange, sleep=waits.append) == ["indus"]
    assert waits == [3600]
    assert collect.take(unhurried.exchange, "indus", holder="test") == []
    assert len(unhurried.incoming("indus")) == 1
    assert [state for _, state, _ in states(unhurried)] == ["seen"]


def test_nobody_waits_where_nothing_has_to_settle(house: Installation) -> None:
    waits: list[float] = []
    assert collect.zones_with_mail(house.exchange, sleep=waits.append) == []
    assert waits == []


def test_a_growing_file_settles_anew_at_every_look(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(2))
    for size in (20, 60, 90, len(content)):
        house.drop((name, content[:size]))
        assert collect.take(house.exchange, "indus", holder="test") == []
    assert collect.take(house.exchange, "indus", holder="test") == [1]
    assert states(house) == [(name, "stored", None)]


def test_a_file_that_grows_while_it_is_read_is_not_taken(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(2))

    class Growing(ZoneAround):
        def read(self, path: str, into: BinaryIO, limit: int) -> None:
            self.inner.read(path, into, limit)
            house.drop((name, content))

    house.zones["indus"] = Growing
    house.drop((name, content[:50]))
    assert house.take("indus") == []
    assert states(house) == [(name, "seen", None)]
    assert house.out("indus") == {}
    del house.zones["indus"]
    house.run()
    assert states(house) == [(name, "answered", "accepted")]


def test_a_file_that_outgrows_the_limit_while_it_is_read_is_not_answered_as_too_large(
    house: Installation, indus: Cast
) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    house.add_isp("indus", f"limits = {{ max_bytes = {len(content) + 10} }}\n")
    house.at(timedelta())

    class Growing(ZoneAround):
        def read(self, path: str, into: BinaryIO, limit: int) -> None:
            house.drop((name, content * 2))
            self.inner.read(path, into, limit)

    house.zones["indus"] = Growing
    house.drop((name, content))
    assert house.take("indus") == []
    assert states(house) == [(name, "seen", None)]
    assert house.out("indus") == {}


def test_a_file_that_vanishes_is_no_delivery(house: Installation, indus: Cast) -> None:
    class Vanishing(ZoneAround):
        def read(self, path: str, into: BinaryIO, limit: int) -> None:
            (house.zone("indus") / path).unlink()
            self.inner.read(path, into, limit)

    before = house.drop(registrations("indus", 1, indus.registered(1)))
    collect.zones_with_mail(house.exchange, sleep=no_sleep)
    before.unlink()
    assert house.run() == {}
    house.zones["indus"] = Vanishing
    house.drop(registrations("indus", 2, indus.book))
    assert house.take("indus") == []
    assert [state for _, state, _ in states(house)] == ["vanished", "vanished"]
    assert house.run() == {}


def test_uploads_in_progress_are_never_taken(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    for temporary in (f"{name}.part", f"{name}.tmp", f"{name}.filepart", f".{name}"):
        house.drop((temporary, content), isp="indus")
    assert house.run() == {}
    assert states(house) == []
    assert len(house.incoming("indus")) == 4


def test_links_and_folders_are_remembered_once_and_left_alone(house: Installation, indus: Cast) -> None:
    incoming = house.zone("indus") / "incoming"
    (incoming / "link.csv").symlink_to("/etc/passwd")
    (incoming / "folder.csv").mkdir()
    os.mkfifo(incoming / "fifo.csv")
    for _ in range(2):
        assert house.run() == {}
    assert house.rows("SELECT file_name, kind FROM irregular_files ORDER BY file_name") == [
        ("fifo.csv", "fifo"), ("folder.csv", "directory"), ("link.csv", "link"),
    ]  # fmt: skip
    assert house.incoming("indus") == ["fifo.csv", "folder.csv", "link.csv"]
    told = {isp.isp: isp.left_alone for isp in overview(house.exchange).isps}
    assert told == {
        "indus": ["incoming/fifo.csv is a FIFO", "incoming/folder.csv is a folder", "incoming/link.csv is a link"],
        "kirana": [],
    }
    (incoming / "link.csv").unlink()
    house.run()
    assert len(house.rows("SELECT * FROM irregular_files")) == 2


def test_what_is_never_finished_is_told_after_a_day(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    house.drop((f"{name}.part", content), isp="indus")
    house.drop((f"{name}.sha256", b"0" * 64), isp="indus")
    house.run()
    told = {isp.isp: isp.left_alone for isp in overview(house.exchange).isps}
    assert told["indus"] == []
    house.at(timedelta(days=1, hours=1))
    house.run()
    told = {isp.isp: isp.left_alone for isp in overview(house.exchange).isps}
    assert told["indus"] == [
        f"incoming/{name}.part is an upload that was not renamed within a day",
        f"incoming/{name}.sha256 is a checksum without its file",
    ]


def test_an_oversized_file_is_answered_once_and_left_lying(house: Installation, indus: Cast) -> None:
    house.add_isp("indus", "limits = { max_bytes = 100 }\n")
    house.at(timedelta())
    name, content = registrations("indus", 1, indus.registered(3))
    path = house.drop((name, content))
    house.run()
    assert house.codes("indus", name) == ["F211"]
    assert path.read_bytes() == content
    written = house.out("indus")
    assert house.run() == {}
    assert house.out("indus") == written
    path.unlink()
    house.run()
    house.drop((name, content))
    house.run()
    assert house.codes("indus", f"{name}.2") == ["F103", "F211"]


def test_one_file_that_cannot_be_read_does_not_hold_the_others(house: Installation, indus: Cast) -> None:
    bad, content = registrations("indus", 1, indus.registered(1))
    good, _ = registrations("indus", 2, indus.registered(2))

    class Refusing(ZoneAround):
        def read(self, path: str, into: BinaryIO, limit: int) -> None:
            if path.endswith(bad):
                raise ZoneError(f"{path} could not be read: Permission denied.")
            self.inner.read(path, into, limit)

    house.zones["indus"] = Refusing
    house.drop((bad, content))
    house.drop((good, registrations("indus", 2, indus.book[1:])[1]))
    house.run()
    assert states(house) == [(bad, "seen", None), (good, "answered", "accepted")]
    del house.zones["indus"]
    house.run()
    assert states(house) == [(bad, "answered", "accepted"), (good, "answered", "accepted")]


def test_a_zone_that_breaks_while_a_file_is_read_fails_the_pass(house: Installation, indus: Cast) -> None:
    class Breaking(ZoneAround):
        is_broken = False

        def read(self, path: str, into: BinaryIO, limit: int) -> None:
            self.is_broken = True
            raise ZoneError(f"{path} could not be read: the zone did not answer in time.")

        def list(self, folder: str) -> list[ListedFile]:
            if self.is_broken:
                raise ZoneError(f"{folder}/ could not be listed: the zone did not answer in time.")
            found: list[ListedFile] = self.inner.list(folder)
            return found

    house.zones["indus"] = Breaking
    name, content = registrations("indus", 1, indus.registered(1))
    house.drop((name, content))
    with pytest.raises(ZoneError, match="did not answer"):
        house.take("indus")
    del house.zones["indus"]
    house.run()
    assert states(house) == [(name, "answered", "accepted")]


def test_a_zone_that_cannot_be_listed_is_a_failure_of_its_own_isp_only(
    house: Installation, indus: Cast, kirana: Cast
) -> None:
    def closed(zone: Zone) -> Zone:
        raise ZoneError("incoming/ could not be listed: the zone did not answer in time.")

    house.drop(registrations("indus", 1, indus.registered(1)))
    house.drop(registrations("kirana", 1, kirana.registered(1)))
    house.zones["indus"] = closed
    assert collect.zones_with_mail(house.exchange, sleep=no_sleep) == ["indus", "kirana"]
    with pytest.raises(ZoneError, match="did not answer"):
        collect.take(house.exchange, "indus", holder="test")
    assert collect.take(house.exchange, "kirana", holder="test") == [1]
    assert house.rows("SELECT isp FROM zone_watches WHERE failing_since_at IS NOT NULL") == [("indus",)]
    assert house.incoming("indus") != []
    del house.zones["indus"]
    house.run()
    assert house.incoming("indus") == []
    assert house.run() == {}


def test_a_zone_without_its_folder_is_a_failure_and_never_an_empty_listing(house: Installation) -> None:
    (house.zone("indus") / "incoming").rename(house.zone("indus") / "elsewhere")
    assert collect.zones_with_mail(house.exchange, sleep=no_sleep) == ["indus"]
    with pytest.raises(ZoneError):
        collect.take(house.exchange, "indus", holder="test")


def look(house: Installation, run: str) -> list[str]:
    """The ISPs that a run finds and no other one is about to come to."""
    return collect.reserve(house.exchange, collect.zones_with_mail(house.exchange, sleep=no_sleep), holder=run)


def test_an_isp_that_a_run_is_about_to_come_to_is_left_to_it(
    house: Installation, indus: Cast, kirana: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.drop(registrations("indus", 1, indus.registered(1)))
    assert look(house, "first") == ["indus"]
    house.drop(registrations("kirana", 1, kirana.registered(1)))
    assert look(house, "second") == ["kirana"]
    assert look(house, "first") == ["indus"]  # as when its task died after it had looked, and is tried again
    assert look(house, "third") == []
    monkeypatch.setattr(collect, "RESERVED_SECONDS", -1.0)
    assert look(house, "second") == ["kirana"]
    assert look(house, "third") == ["kirana"]  # the second run died, and is waited for no longer


def test_what_comes_after_a_run_was_at_the_zone_is_called_up_by_the_next(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(1)))
    assert look(house, "first") == ["indus"]
    house.drop(registrations("indus", 2, indus.registered(2)))
    assert look(house, "second") == []  # the first run takes both
    assert len(collect.take(house.exchange, "indus", holder="first")) == 2
    assert look(house, "second") == []  # it judges and answers both
    house.drop(registrations("indus", 3, indus.registered(3)))
    assert look(house, "second") == ["indus"]
    with house.exchange.leased(house.exchange.isps["indus"], "first"):
        assert collect.take(house.exchange, "indus", holder="second") == []
    assert look(house, "third") == ["indus"]  # the second run came in vain


@pytest.mark.parametrize("does_well", [True, False], ids=["well", "with an error"])
def test_a_reservation_ends_with_the_answer_of_its_run(house: Installation, indus: Cast, does_well: bool) -> None:
    house.drop(registrations("indus", 1, indus.registered(1)))
    assert look(house, "first") == ["indus"]
    collect.take(house.exchange, "indus", holder="first")
    collect.judge_and_merge(house.exchange, "indus", holder="first")
    with house.exchange.leased(house.exchange.isps["indus"], "first"):
        assert collect.answer(house.exchange, "indus", holder="by hand") == 0
    assert look(house, "second") == []
    if does_well:
        assert collect.answer(house.exchange, "indus", holder="first") > 0
        house.drop(registrations("indus", 2, indus.registered(2)))
    else:
        (house.zone("indus") / "outgoing").rename(house.zone("indus") / "gone")
        with pytest.raises(ZoneError):
            collect.answer(house.exchange, "indus", holder="first")
    assert look(house, "second") == ["indus"]


def test_a_second_holder_does_nothing(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(1)))
    collect.zones_with_mail(house.exchange, sleep=no_sleep)
    with house.exchange.leased(house.exchange.isps["indus"], "first") as is_ours:
        assert is_ours
        assert collect.take(house.exchange, "indus", holder="second") == []
        assert len(house.incoming("indus")) == 1
        collect.take(house.exchange, "indus", holder="first")
    with house.exchange.leased(house.exchange.isps["indus"], "first"):
        assert collect.judge_and_merge(house.exchange, "indus", holder="second") == {"changed": 0}
        assert collect.answer(house.exchange, "indus", holder="second") == 0
    assert [state for _, state, _ in states(house)] == ["stored"]


def test_a_lease_is_given_back_although_the_work_failed(house: Installation) -> None:
    isp = house.exchange.isps["indus"]
    with pytest.raises(RuntimeError), house.exchange.leased(isp, "first"):
        raise RuntimeError
    with house.exchange.leased(isp, "second") as is_ours:
        assert is_ours


def test_judging_a_delivery_twice_changes_nothing(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(2)))
    house.take("indus")
    assert collect.judge_and_merge(house.exchange, "indus", holder="test") == {"changed": 2, "accepted": 1}
    assert collect.judge_and_merge(house.exchange, "indus", holder="test") == {"changed": 0}


def test_files_are_judged_in_the_order_of_their_numbers(house: Installation, indus: Cast) -> None:
    [row] = indus.registered(1)
    house.drop(registrations("indus", 3, [row | {"action": "update", "city": "Sukkur"}]))
    house.drop(registrations("indus", 2, [row | {"action": "update", "city": "Multan"}]))
    house.drop(registrations("indus", 1, [row]))
    assert house.run() == {"indus": {"changed": 3, "accepted": 3}}
    city = "SELECT v.city FROM registrations r JOIN registration_versions v ON v.id = r.version_id"
    assert house.rows(city) == [("Sukkur",)]


def test_a_lower_number_that_another_run_stored_is_judged_first(house: Installation, indus: Cast) -> None:
    [row] = indus.registered(1)
    house.drop(registrations("indus", 2, [row | {"action": "update", "city": "Multan"}]))
    house.take("indus", holder="first")
    house.drop(registrations("indus", 1, [row]))
    house.take("indus", holder="second")
    assert collect.judge_and_merge(house.exchange, "indus", holder="first") == {"changed": 2, "accepted": 2}
    assert house.rows("SELECT count(*) FROM findings") == [(0,)]
    assert collect.judge_and_merge(house.exchange, "indus", holder="second") == {"changed": 0}
    assert collect.answer(house.exchange, "indus", holder="second") == 4


def test_answers_that_could_not_be_written_go_out_with_the_next_pass(house: Installation, indus: Cast) -> None:
    class Full(ZoneAround):
        def write(self, path: str, data: bytes) -> None:
            raise ZoneError(f"{path} could not be written: No space left on device.")

    name, content = registrations("indus", 1, indus.registered(1))
    house.drop((name, content))
    house.take("indus")
    collect.judge_and_merge(house.exchange, "indus", holder="test")
    house.zones["indus"] = Full
    with pytest.raises(ZoneError, match="No space left"):
        collect.answer(house.exchange, "indus", holder="test")
    assert [state for _, state, _ in states(house)] == ["judged"]
    del house.zones["indus"]
    house.run()
    assert house.result("indus", name)["outcome"] == "accepted"
    assert [state for _, state, _ in states(house)] == ["answered"]


def test_an_isp_that_only_tries_files_out_is_told_so_and_nothing_is_merged(house: Installation, indus: Cast) -> None:
    house.add_isp("indus", "check_only = true\n")
    house.at(timedelta())
    named = registrations("indus", 1, indus.registered(1))
    house.drop(named)
    house.drop(named, folder="check")
    assert house.run()["indus"]["changed"] == 0
    assert house.incoming("indus") == []
    assert house.result("indus", named[0])["outcome"] == "rejected"
    assert house.codes("indus", named[0]) == ["F109"]
    assert house.result("indus", f"check/{named[0]}")["outcome"] == "accepted"
    assert house.rows("SELECT * FROM registrations") == []


def test_a_listing_that_is_older_than_what_is_known_says_nothing(house: Installation, indus: Cast) -> None:
    """Two runs look at once; the one that looked first, before the file came, writes last."""

    class Keeping(ZoneAround):
        def remove(self, path: str) -> None:
            raise ZoneError(f"{path} could not be removed: the zone did not answer in time.")

    house.zones["indus"] = Keeping
    house.drop(registrations("indus", 1, indus.registered(1)))
    with pytest.raises(ZoneError):
        house.take("indus")
    with house.exchange.registry.writing() as db:
        ledger.observe(
            db, "indus", ZoneFolder.INCOMING, [], at=house.exchange.now(), monotonic=0.0, settle_seconds=0
        )  # fmt: skip
    assert house.rows("SELECT state, is_source_removed FROM deliveries") == [("stored", 0)]


def test_a_listing_made_before_a_file_was_removed_does_not_bring_it_back(house: Installation, indus: Cast) -> None:
    path = house.drop(registrations("indus", 1, indus.registered(1)))
    looked_at, shown = time.time(), ListedFile(path.name, path.stat().st_size, int(path.stat().st_mtime), "file")
    house.take("indus")
    for monotonic, states_then in ((looked_at, ["stored"]), (time.time(), ["stored", "seen"])):
        with house.exchange.registry.writing() as db:
            ledger.observe(
                db, "indus", ZoneFolder.INCOMING, [shown], at=house.exchange.now(), monotonic=monotonic,
                settle_seconds=0,
            )  # fmt: skip
        assert [state for _, state, _ in states(house)] == states_then


def test_a_look_counts_from_when_it_was_made_not_from_when_the_slowest_zone_answered(
    house: Installation, indus: Cast
) -> None:
    class Slow(ZoneAround):
        def list(self, folder: str) -> list[ListedFile]:
            time.sleep(0.2)
            answered.append(time.time())
            found: list[ListedFile] = self.inner.list(folder)
            return found

    answered: list[float] = []
    house.zones["kirana"] = Slow
    house.drop(registrations("indus", 1, indus.registered(1)))
    listed: list[float] = []
    collect.zones_with_mail(
        house.exchange, sleep=lambda _: listed.extend(row[0] for row in house.rows("SELECT listed_s FROM deliveries"))
    )
    assert len(listed) == 1
    assert listed[0] < answered[-1] - 0.2


def test_a_checksum_beside_the_file_is_kept_and_leaves_with_it(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    digest = hashlib.sha256(content).hexdigest()
    house.drop((f"{name}.sha256", f"{digest}  {name}\n".encode()), isp="indus")
    house.drop((name, content))
    house.run()
    assert house.result("indus", name)["outcome"] == "accepted"
    assert house.rows("SELECT declared_sha256 FROM deliveries") == [(digest,)]
    assert house.incoming("indus") == []


def test_a_checksum_never_outlives_its_file(house: Installation, indus: Cast) -> None:
    """A pass that dies between the two removals must not leave one that a later file is measured by."""
    name, content = registrations("indus", 1, indus.registered(1))

    class Dying(ZoneAround):
        def remove(self, path: str) -> None:
            if removed:
                raise ZoneError(f"{path} could not be removed: the zone did not answer in time.")
            removed.append(path)
            self.inner.remove(path)

    removed: list[str] = []
    house.zones["indus"] = Dying
    house.drop((f"{name}.sha256", f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()), isp="indus")
    house.drop((name, content))
    with pytest.raises(ZoneError):
        house.take("indus")
    del house.zones["indus"]
    house.run()
    assert removed == [f"incoming/{name}.sha256"]
    assert house.incoming("indus") == []


@pytest.mark.parametrize("written", [b"0" * 64, b"not a checksum"])
def test_a_file_that_differs_from_its_checksum_is_refused_unread(
    house: Installation, indus: Cast, written: bytes
) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    house.drop((f"{name}.sha256", written), isp="indus")
    house.drop((name, content))
    house.run()
    assert house.result("indus", name)["outcome"] == "rejected"
    assert house.result("indus", name)["rows"]["total"] == 0
    assert house.codes("indus", name) == ["F212"]
    assert house.rows("SELECT * FROM registrations") == []
    assert house.incoming("indus") == []
    house.drop(registrations("indus", 2, indus.book))
    house.run()
    assert house.codes("indus", registrations("indus", 2, [])[0]) == []


def test_a_name_that_is_no_text_is_answered_without_it(house: Installation, indus: Cast) -> None:
    raw = os.fsencode(house.zone("indus") / "incoming") + b"/indus_\xff.csv"
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY))
    house.run()
    assert house.rows("SELECT count(*) FROM deliveries WHERE outcome = 'rejected'") == [(1,)]
    assert any(name.startswith("unnamed-1.") for name in house.out("indus"))


def test_both_feeds_of_an_isp_count_for_themselves(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(2), Mode.FULL))
    house.drop(clients("indus", 1, indus.listed))
    assert house.run() == {"indus": {"changed": 4, "accepted": 2}}
