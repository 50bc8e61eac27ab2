"""The landing store keeps every delivery's bytes, encrypted and whole."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from vpn_registry.landing import LandingError, LandingStore


def turned(data: bytes) -> bytes:
    """A stand-in for the key ring that is its own inverse."""
    return bytes(byte ^ 0x55 for byte in data)


@pytest.fixture
def store(tmp_path: Path) -> LandingStore:
    return LandingStore(tmp_path / "landing", turned, turned)


def test_stored_bytes_come_back_by_their_checksum(store: LandingStore) -> None:
    sha256 = store.put(b"a delivery")
    assert sha256 == hashlib.sha256(b"a delivery").hexdigest()
    assert store.get(sha256) == b"a delivery"
    assert sha256 in store
    assert list(store) == [sha256]


def test_what_lies_on_disk_is_encrypted_and_for_its_owner_only(store: LandingStore, tmp_path: Path) -> None:
    store.put(b"a delivery")
    (path,) = (path for path in (tmp_path / "landing").rglob("*") if path.is_file())
    assert path.read_bytes() == turned(b"a delivery")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_equal_bytes_share_one_file(store: LandingStore) -> None:
    assert store.put(b"same") == store.put(b"same")
    assert len(list(store)) == 1


def test_a_damaged_copy_is_refused_and_replaced_by_the_next_whole_one(store: LandingStore, tmp_path: Path) -> None:
    sha256 = store.put(b"a delivery")
    (tmp_path / "landing" / sha256[:2] / f"{sha256}.enc").write_bytes(turned(b"a different one"))
    with pytest.raises(LandingError, match=f"copy of {sha256} is damaged"):
        store.get(sha256)
    store.put(b"a delivery")
    assert store.get(sha256) == b"a delivery"


def test_missing_bytes_are_an_error_that_names_the_checksum(store: LandingStore) -> None:
    with pytest.raises(LandingError, match="cannot give " + "0" * 64):
        store.get("0" * 64)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_a_checksum_is_looked_up(store: LandingStore, name: str) -> None:
    with pytest.raises(LandingError, match="is not a sha256"):
        store.get(name)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    def refuses(data: bytes) -> bytes:
        raise RuntimeError("no key")

    store = LandingStore(tmp_path / "landing", refuses, turned)
    with pytest.raises(RuntimeError):
        store.put(b"a delivery")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_discarded_bytes_are_gone_and_discarding_again_is_fine(store: LandingStore) -> None:
    sha256 = store.put(b"a delivery")
    assert store.discard(sha256)
    assert not store.discard(sha256)
    assert sha256 not in store


def test_bytes_that_were_put_again_lately_are_not_discarded(store: LandingStore, tmp_path: Path) -> None:
    sha256 = store.put(b"a delivery")
    os.utime(tmp_path / "landing" / sha256[:2] / f"{sha256}.enc", (1_000, 1_000))
    store.put(b"a delivery")
    assert not store.discard(sha256, put_before=2_000)
    assert sha256 in store
