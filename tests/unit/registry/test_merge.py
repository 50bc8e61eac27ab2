"""Merging: effects, history, national numbers, full files, and the order of arrival."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.unit.registry.filing import AT, add, file_clients, file_registrations, registrations, store, withdraw
from vpn_registry.model import Delivery, Feed, Mode
from vpn_registry.registry import deciding, locks, merge
from vpn_registry.registry.deliveries import find
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import DeliveryRow, RegistrationRow, RegistrationVersionRow


def current(registry: Registry) -> list[tuple[Any, ...]]:
    closing = deciding.closings(Feed.REGISTRATIONS)
    with registry.reading() as db:
        rows = db.execute(
            select(
                RegistrationRow.isp,
                RegistrationRow.registration_ref,
                RegistrationRow.content_sha256,
                RegistrationRow.is_in_force,
                deciding.decided_seq(RegistrationRow, RegistrationRow.registration_ref, closing.c),
                RegistrationRow.closed_on,
            )
            .outerjoin(closing, closing.c.isp == RegistrationRow.isp)
            .order_by(RegistrationRow.isp, RegistrationRow.registration_ref)
        )
        return [tuple(row) for row in rows]


def versions(registry: Registry) -> int:
    with registry.reading() as db:
        return db.scalar(select(func.count()).select_from(RegistrationVersionRow)) or 0


def effects(frame: Any) -> list[str]:
    return list(frame["effect"])


def test_an_add_is_created_with_a_national_number(registry: Registry) -> None:
    frame = file_registrations(registry, 1, add("a"), add("b"))
    assert list(frame.columns) == ["row", "registration_ref", "subscriber_id", "national_no", "action", "effect"]
    assert list(frame["national_no"]) == ["VPN-2026-0000001", "VPN-2026-0000002"]
    assert effects(frame) == ["created", "created"]


def test_equal_content_is_unchanged_and_writes_no_version(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    assert effects(file_registrations(registry, 2, add("a"))) == ["unchanged"]
    assert versions(registry) == 1
    assert current(registry)[0][4] == 2


def test_an_update_is_a_new_version(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    assert effects(file_registrations(registry, 2, add("a", name="Other"))) == ["changed"]
    assert versions(registry) == 2


def test_add_after_withdraw_reinstates_the_same_number(registry: Registry) -> None:
    first = file_registrations(registry, 1, add("a"))
    closed = file_registrations(registry, 2, withdraw("a"))
    again = file_registrations(registry, 3, add("a"))
    assert effects(closed) == ["closed"]
    assert list(closed["subscriber_id"]) == ["s-a"]
    assert effects(again) == ["reinstated"]
    assert set(first["national_no"]) == set(closed["national_no"]) == set(again["national_no"])


def test_a_lower_number_is_overtaken_and_kept_as_history(registry: Registry) -> None:
    file_registrations(registry, 3, add("a", name="New"))
    before = current(registry)
    assert effects(file_registrations(registry, 2, add("a", name="Old"))) == ["overtaken"]
    assert current(registry) == before
    assert versions(registry) == 2


def test_a_withdraw_of_an_unknown_ref_leaves_a_closed_record(registry: Registry) -> None:
    frame = file_registrations(registry, 5, withdraw("a"))
    assert effects(frame) == ["closed"]
    assert list(frame["national_no"]) == [""]
    late = file_registrations(registry, 4, add("a"))
    assert effects(late) == ["overtaken"]
    assert list(late["national_no"]) == ["VPN-2026-0000001"]
    assert current(registry)[0][3] is False


def test_merging_the_same_delivery_again_writes_nothing(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"), add("c"))
    rows = registrations(add("a", name="New"), add("b"), withdraw("c"), withdraw("d"))
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 2)
        merge.merge_registrations(db, registry.keys, delivery, rows, at=AT, may_close=True)
    before, count = current(registry), versions(registry)
    with registry.writing() as db:
        again = merge.merge_registrations(db, registry.keys, delivery, rows, at=AT, may_close=True)
    assert effects(again) == ["unchanged"] * 4
    assert current(registry) == before
    assert versions(registry) == count


def test_merging_an_overtaken_delivery_again_writes_nothing(registry: Registry) -> None:
    file_registrations(registry, 5, add("a"), withdraw("b"))
    rows = registrations(add("a", name="Old"), add("b"))
    for _ in range(2):
        with registry.writing() as db:
            delivery = _stored_once(db)
            merge.merge_registrations(db, registry.keys, delivery, rows, at=AT, may_close=True)
    assert versions(registry) == 4


def _stored_once(db: Session) -> Delivery:
    found = find(db, DeliveryRow.seq == 2)
    return found[0] if found else store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 2)


def test_a_full_file_closes_what_it_leaves_out(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"), add("b"), add("c"))
    frame = file_registrations(registry, 2, add("a"), mode=Mode.FULL, protected_refs=["b"])
    assert effects(frame) == ["unchanged"]
    assert frame.attrs["closed_absent"] == 1
    assert [row[3] for row in current(registry)] == [True, True, False]


def test_a_full_file_that_may_not_close_closes_nothing(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"), add("b"))
    file_registrations(registry, 2, add("a"), mode=Mode.FULL, may_close=False)
    assert [row[3] for row in current(registry)] == [True, True]


def test_a_late_row_below_a_full_file_is_closed_from_the_start(registry: Registry) -> None:
    file_registrations(registry, 5, add("a"), mode=Mode.FULL, protected_refs=["kept"])
    assert effects(file_registrations(registry, 4, add("b"), add("kept"))) == ["overtaken", "created"]
    assert [row[3] for row in current(registry)] == [True, False, True]


def test_a_book_that_is_sent_again_decides_without_writing(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"), add("gone"))
    file_registrations(registry, 2, withdraw("gone"))
    file_registrations(registry, 4, add("a"), mode=Mode.FULL)
    with registry.reading() as db:
        assert db.scalars(select(RegistrationRow.decided_seq).order_by(RegistrationRow.id)).all() == [1, 2]
    assert [row[3:5] for row in current(registry)] == [(True, 4), (False, 4)]
    assert effects(file_registrations(registry, 3, withdraw("a"), add("gone", name="Late"))) == ["overtaken"] * 2


def test_what_a_full_file_keeps_was_decided_by_the_one_before(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"), add("b"))
    file_registrations(registry, 4, add("a"), add("b"), mode=Mode.FULL)
    file_registrations(registry, 6, add("b"), mode=Mode.FULL, protected_refs=["a"])
    assert [row[4] for row in current(registry)] == [4, 6]
    assert effects(file_registrations(registry, 3, withdraw("a"))) == ["overtaken"]
    assert effects(file_registrations(registry, 5, withdraw("a"), withdraw("b"))) == ["closed", "overtaken"]
    assert [row[3:5] for row in current(registry)] == [(False, 5), (True, 6)]


def test_a_full_file_that_comes_late_decides_what_the_newer_one_kept(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"), add("b"), add("c"))
    file_registrations(registry, 6, add("c"), mode=Mode.FULL, protected_refs=["a", "b"])
    assert effects(file_registrations(registry, 4, add("a"), add("c"), mode=Mode.FULL)) == ["unchanged", "overtaken"]
    assert [row[3:5] for row in current(registry)] == [(True, 4), (False, 4), (True, 6)]


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_a_merge_waits_for_whoever_writes_about_the_isp(registry: Registry) -> None:
    with registry.writing() as db:
        locks.hold_isp(db, "indus")
        with pytest.raises(OperationalError, match="lock timeout"):
            _merge_impatiently(registry)


def _merge_impatiently(registry: Registry) -> None:
    with registry.writing() as db:
        db.execute(text("SET LOCAL lock_timeout = '50ms'"))
        delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 1)
        merge.merge_registrations(db, registry.keys, delivery, registrations(add("a")), at=AT, may_close=True)


def test_one_isp_never_touches_another(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    file_registrations(registry, 1, add("b"), mode=Mode.FULL, isp="ravi")
    assert [row[3] for row in current(registry)] == [True, True]


def test_a_repeated_row_moves_only_the_number(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    file_registrations(registry, 3, confirmed_refs=["a"])
    assert effects(file_registrations(registry, 2, withdraw("a"))) == ["overtaken"]
    assert current(registry)[0][3:5] == (True, 3)


def test_identity_numbers_are_stored_as_fingerprint_and_ciphertext_only(registry: Registry) -> None:
    secret = "3520212345671"
    file_registrations(registry, 1, add("a", cnic="35202-1234567-1"), add("b", ntn=secret, cnic_key=secret, ntn_key=""))
    with registry.reading() as db:
        rows = db.execute(select(RegistrationVersionRow.__table__)).all()
    assert rows[0].cnic_fingerprint == rows[1].cnic_fingerprint == registry.keys.fingerprint(secret)
    assert registry.keys.decrypt_text(rows[0].cnic_cipher) == "35202-1234567-1"
    assert not any("1234567" in str(value) for row in rows for value in row)


def test_the_client_list_is_what_the_newest_list_names(registry: Registry) -> None:
    one, two, three = ({"subscriber_id": s, "client_name": "X", "vpn_use": "yes"} for s in ("1", "2", "3"))
    assert file_clients(registry, 1, one, two) == {"created": 2, "left": 0}
    assert file_clients(registry, 3, one, three) == {"created": 1, "unchanged": 1, "left": 1}
    assert file_clients(registry, 2, two, {**one, "vpn_use": "no"}) == {"overtaken": 2, "left": 0}
    assert file_clients(registry, 4, two) == {"reinstated": 1, "left": 2}


@pytest.mark.parametrize(
    ("names", "mode", "expected"),
    [
        (8, Mode.FULL, None),  # 20 %: not more than 20 %
        (7, Mode.FULL, "It leaves out 33 of 40 registrations in force."),
        (0, Mode.FULL, "It names none of the 40 registrations in force: all of them would be closed."),
    ],
)
def test_a_full_file_that_shrinks_too_much_is_held(
    registry: Registry, names: int, mode: Mode, expected: str | None
) -> None:
    file_registrations(registry, 1, *(add(f"r{i}") for i in range(40)))
    named = [f"r{i}" for i in range(32 if names == 8 else names)]
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.REGISTRATIONS, mode, 2)
        assert merge.shrink(db, delivery, named=named, ratio=0.2, rows=5) == expected


def test_a_first_list_is_never_held_for_its_size(registry: Registry) -> None:
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        assert merge.shrink(db, delivery, named=[], ratio=0.2, rows=5) is None


def test_a_delta_that_withdraws_too_much_is_held(registry: Registry) -> None:
    file_registrations(registry, 1, *(add(f"r{i}") for i in range(100)))
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 2)
        refs = [f"r{i}" for i in range(21)]
        held = merge.shrink(db, delivery, named=refs, withdrawn=refs, ratio=0.2, rows=5)
        assert held == "It withdraws 21 of 100 registrations in force."
        assert merge.shrink(db, delivery, named=refs, withdrawn=refs[:20], ratio=0.2, rows=5) is None


def test_known_registrations_keep_their_types_when_there_are_none(registry: Registry) -> None:
    with registry.reading() as db:
        frame = merge.known_registrations(db, "indus")
    assert [str(kind) for kind in frame.dtypes] == ["string", "bool", "int64", "string"]


_ISPS = (f"i{number}" for number in itertools.count(1))  # one registry, new series each time


def test_every_order_of_a_difficult_season_leaves_the_same_registry(registry: Registry) -> None:
    season: list[tuple[dict[str, str], str | None]] = [
        ({"a": "v", "b": "v"}, None),
        ({"a": "w", "c": "v"}, None),
        ({"b": "w"}, "c"),
        ({"a": "withdraw", "b": "withdraw"}, None),
    ]
    books = [_book_after(registry, season, order) for order in itertools.permutations(range(4))]
    assert all(book == books[0] for book in books)


def _book_after(
    registry: Registry, files: list[tuple[dict[str, str], str | None]], order: Iterable[int]
) -> list[tuple[Any, ...]]:
    isp = next(_ISPS)
    for index in order:
        _file(registry, isp, index + 1, *files[index])
    return [row[1:] for row in current(registry) if row[0] == isp]


def _file(registry: Registry, isp: str, seq: int, rows: dict[str, str], kept: str | None) -> None:
    full = kept is not None
    given = [
        withdraw(ref) if value == "withdraw" else add(ref, name=value)
        for ref, value in rows.items()
        if not (full and (value == "withdraw" or ref in (kept or "")))
    ]
    mode = Mode.FULL if full else Mode.DELTA
    file_registrations(registry, seq, *given, mode=mode, isp=isp, protected_refs=list(kept or ""))
