"""The drop zone over a folder, and `take`; the SFTP side is tested against a real server in tests/integration."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from vpn_registry.dropzone import (
    Changed,
    FolderZone,
    Missing,
    TooLarge,
    ZoneError,
    declared_sha256,
    is_sidecar,
    is_temporary,
    take,
    told_apart,
)
from vpn_registry.model import ListedFile

FILE = "incoming/indus_clients_full_20260615_0001.csv"


class Kept:
    """A landing store in memory."""

    def __init__(self) -> None:
        self.bytes: list[bytes] = []

    def put(self, data: bytes) -> str:
        self.bytes.append(data)
        return hashlib.sha256(data).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("incoming", "check", "outgoing"):
        (tmp_path / "zone" / folder).mkdir(parents=True)
    return tmp_path / "zone"


@pytest.fixture
def zone(root: Path) -> FolderZone:
    return FolderZone(root)


def only(zone: FolderZone, folder: str = "incoming") -> ListedFile:
    (listed,) = zone.list(folder)
    return listed


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.PART", "a.tmp", "a.csv.filepart", ".a.csv", ".hidden"])
def test_a_name_of_an_unfinished_upload_is_temporary(name: str) -> None:
    assert is_temporary(name)


@pytest.mark.parametrize("name", ["a.csv", "part", "a.part.csv", "tmp"])
def test_an_ordinary_name_is_not_temporary(name: str) -> None:
    assert not is_temporary(name)


def test_a_checksum_file_is_a_sidecar() -> None:
    assert is_sidecar("a.csv.sha256")
    assert not is_sidecar("a.csv")


def test_a_listing_tells_uploads_and_lone_checksums_from_deliveries() -> None:
    names = ("a.csv", "a.csv.sha256", "b.csv.sha256", "c.csv.part", "c.csv.part.sha256")
    listed = [*(ListedFile(name, 1, 1, "file") for name in names), ListedFile("d.part", 0, 1, "directory")]
    assert [(file.name, file.kind) for file in told_apart(listed)] == [
        ("a.csv", "file"), ("b.csv.sha256", "sidecar"), ("c.csv.part", "temporary"), ("d.part", "directory"),
    ]  # fmt: skip


def test_each_kind_of_entry_is_listed_as_what_it_is(root: Path, zone: FolderZone) -> None:
    here = root / "incoming"
    (here / "file").write_bytes(b"12345")
    os.utime(here / "file", (1, 1_781_000_000))
    (here / "folder").mkdir()
    (here / "link").symlink_to("/etc/passwd")
    (here / "dangling").symlink_to("nowhere")
    os.mkfifo(here / "fifo")
    os.mknod(here / "socket", stat.S_IFSOCK)
    listed = {entry.name: entry for entry in zone.list("incoming")}
    assert list(listed) == ["dangling", "fifo", "file", "folder", "link", "socket"]
    assert listed["file"] == ListedFile("file", 5, 1_781_000_000, "file")
    assert {name: entry.kind for name, entry in listed.items()} == {
        "dangling": "link",
        "fifo": "fifo",
        "file": "file",
        "folder": "directory",
        "link": "link",
        "socket": "socket",
    }


def test_a_missing_folder_is_an_error_and_not_an_empty_listing(root: Path, zone: FolderZone) -> None:
    (root / "check").rmdir()
    with pytest.raises(Missing, match=r"check/ could not be listed: there is no such file or folder\."):
        zone.list("check")


def test_a_folder_that_is_a_link_is_not_followed(root: Path, zone: FolderZone, tmp_path: Path) -> None:
    (root / "check").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (root / "check").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ZoneError, match="check/ could not be listed"):
        zone.list("check")


def test_a_link_to_a_file_outside_is_never_read(root: Path, zone: FolderZone, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (root / "incoming" / "a.csv").symlink_to(tmp_path / "secret")
    with (tmp_path / "copy").open("wb") as copy, pytest.raises(ZoneError, match=r"incoming/a\.csv could not be read"):
        zone.read("incoming/a.csv", copy, 100)
    with pytest.raises(ZoneError, match=r"not a regular file \(link\)"):
        take(zone, "incoming/a.csv", only(zone), Kept(), 100)


def test_a_fifo_in_the_place_of_a_listed_file_does_not_hang_the_reader(root: Path, zone: FolderZone) -> None:
    os.mkfifo(root / "incoming" / "a.csv")
    with Path(os.devnull).open("wb") as nowhere, pytest.raises(ZoneError, match="not a regular file"):
        zone.read("incoming/a.csv", nowhere, 100)


@pytest.mark.parametrize(
    "path",
    [
        "incoming/../secret",
        "incoming/..",
        "../incoming/a.csv",
        "/etc/passwd",
        "incoming",
        "incoming/",
        "incoming/a/b.csv",
        "incoming/a\0b",
        r"incoming/\x2e\x2e",
        r"incoming/a\x2fb",
        "elsewhere/a.csv",
    ],
)
def test_a_path_that_could_leave_its_folder_is_refused(zone: FolderZone, path: str) -> None:
    with pytest.raises(ZoneError, match="is not a"):
        zone.stat(path)
    with pytest.raises(ZoneError, match="is not a"):
        zone.remove(path)
    with pytest.raises(ZoneError, match="is not a"):
        zone.write(path, b"")


@pytest.mark.parametrize("raw", [b"\xff\xfe.csv", b"two\nlines.csv", b"back\\slash.csv", "فائل.csv".encode(), b"\\xff"])
def test_any_name_on_disk_can_be_listed_taken_and_removed(root: Path, zone: FolderZone, raw: bytes) -> None:
    Path(os.fsdecode(os.fsencode(root / "incoming") + b"/" + raw)).write_bytes(b"x")
    listed = only(zone)
    assert listed.name.encode("utf-8").isascii() or "فائل" in listed.name
    assert listed.name.isprintable()
    assert take(zone, f"incoming/{listed.name}", listed, Kept(), 10).size == 1
    zone.remove(f"incoming/{listed.name}")
    assert zone.list("incoming") == []


def test_removing_a_file_that_is_gone_is_fine(zone: FolderZone) -> None:
    zone.remove(FILE)
    zone.remove(FILE)


def test_a_written_file_appears_whole_and_replaces_an_older_one(root: Path, zone: FolderZone) -> None:
    zone.write("outgoing/a.result.json", b"old")
    zone.write("outgoing/a.result.json", b"new")
    assert (root / "outgoing" / "a.result.json").read_bytes() == b"new"
    assert [entry.name for entry in zone.list("outgoing")] == ["a.result.json"]


def test_the_folders_below_outgoing_are_made_when_first_written_to(root: Path, zone: FolderZone) -> None:
    zone.write("outgoing/check/a.result.json", b"{}")
    zone.write("outgoing/notices/N-2026-000001.txt", b"text")
    assert (root / "outgoing" / "notices" / "N-2026-000001.txt").read_bytes() == b"text"


def test_a_failed_write_names_the_place(root: Path, zone: FolderZone) -> None:
    (root / "outgoing").rmdir()
    with pytest.raises(ZoneError, match=r"outgoing/a\.csv could not be written"):
        zone.write("outgoing/a.csv", b"")


def test_a_settled_file_is_taken_whole(root: Path, zone: FolderZone) -> None:
    content = os.urandom(700_001)
    (root / FILE).write_bytes(content)
    kept = Kept()
    taken = take(zone, FILE, only(zone), kept, 700_001)
    assert (taken.sha256, taken.size) == (hashlib.sha256(content).hexdigest(), 700_001)
    assert kept.bytes == [content]
    assert (root / FILE).exists()


def test_an_empty_file_is_taken_too(root: Path, zone: FolderZone) -> None:
    (root / FILE).write_bytes(b"")
    assert take(zone, FILE, only(zone), Kept(), 10).size == 0


def test_a_file_over_the_limit_is_not_taken(root: Path, zone: FolderZone) -> None:
    (root / FILE).write_bytes(b"12345")
    with pytest.raises(TooLarge, match="has 5 bytes; up to 4 are taken"):
        take(zone, FILE, only(zone), Kept(), 4)


def test_reading_stops_at_the_limit_whatever_the_listing_said(root: Path, zone: FolderZone, tmp_path: Path) -> None:
    (root / FILE).write_bytes(b"x" * 3_000_000)
    with (tmp_path / "copy").open("wb") as copy, pytest.raises(TooLarge):
        zone.read(FILE, copy, 1_000_000)
    assert (tmp_path / "copy").stat().st_size <= 1_000_000


def test_a_file_that_changed_since_it_was_listed_is_not_taken(root: Path, zone: FolderZone) -> None:
    (root / FILE).write_bytes(b"12345")
    listed = only(zone)
    (root / FILE).write_bytes(b"123456")
    kept = Kept()
    with pytest.raises(Changed, match="changed after it was listed"):
        take(zone, FILE, listed, kept, 100)
    assert kept.bytes == []


class Meddling(FolderZone):
    """A zone whose file is meddled with right after it was read."""

    def __init__(self, path: Path, content: bytes, mtime: int | None) -> None:
        super().__init__(path)
        self._file, self._content, self._mtime = path / FILE, content, mtime

    def read(self, path: str, into: BinaryIO, limit: int) -> None:
        super().read(path, into, limit)
        self._file.write_bytes(self._content)
        if self._mtime is not None:
            os.utime(self._file, (self._mtime, self._mtime))


@pytest.mark.parametrize(("content", "mtime"), [(b"123456", None), (b"54321", 1_781_000_001), (b"1234", 1_781_000_000)])
def test_a_file_that_changed_while_it_was_read_is_not_taken(root: Path, content: bytes, mtime: int | None) -> None:
    (root / FILE).write_bytes(b"12345")
    os.utime(root / FILE, (1_781_000_000, 1_781_000_000))
    kept = Kept()
    with pytest.raises(Changed):
        take(Meddling(root, content, mtime), FILE, only(FolderZone(root)), kept, 100)
    assert kept.bytes == []


def test_a_file_taken_away_meanwhile_is_missing(root: Path, zone: FolderZone) -> None:
    (root / FILE).write_bytes(b"12345")
    listed = only(zone)
    (root / FILE).unlink()
    with pytest.raises(Missing):
        take(zone, FILE, listed, Kept(), 100)


DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"{DIGEST}  a.csv\n", DIGEST),
        (f"{DIGEST.upper()} *a.csv\r\n", DIGEST),
        (f"\ufeff{DIGEST}  a.csv", DIGEST),
        (DIGEST, DIGEST),
        ("", ""),
        (f"{DIGEST}0  a.csv", ""),
        ("d41d8cd98f00b204e9800998ecf8427e  a.csv", ""),
        ("x" * 10_000, ""),
    ],
)
def test_a_declared_checksum_is_read_in_sha256sum_form(
    root: Path, zone: FolderZone, content: str, expected: str
) -> None:
    (root / f"{FILE}.sha256").write_text(content, encoding="utf-8")
    assert declared_sha256(zone, FILE) == expected


def test_a_file_without_a_sidecar_declares_no_checksum(zone: FolderZone) -> None:
    assert declared_sha256(zone, FILE) is None
