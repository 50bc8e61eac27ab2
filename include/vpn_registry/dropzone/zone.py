"""What a zone is: the protocol, its errors, its names, and `take`, which copies a file that lies still."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat as modes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from vpn_registry.model import SIDECAR, TEMPORARY, ListedFile

if TYPE_CHECKING:
    import paramiko

FOLDERS: Final = ("incoming", "check", "outgoing", "outgoing/check", "outgoing/extract", "outgoing/notices")
MADE_WHEN_ABSENT: Final = frozenset(folder for folder in FOLDERS if "/" in folder)
"""A zone is set up with three folders (contract section 10); those below them are ours to make."""

CHUNK: Final = 1 << 18
MAX_ENTRIES: Final = 100_000
"""More names than this in one folder is a flood: the listing fails instead of filling the memory of a shared worker."""


class ZoneError(Exception):
    """An operation on the zone failed; the message is one sentence that names the place and the operation."""


class Missing(ZoneError):  # noqa: N818 - reads as what happened: `except Missing`; until 2027-12-31
    """The file or folder isn't there (any more)."""


class Changed(ZoneError):  # noqa: N818 - reads as what happened; until 2027-12-31
    """The file grew, shrank or was replaced between the listing and the end of the copy: try again later."""


class TooLarge(ZoneError):  # noqa: N818 - reads as what happened; until 2027-12-31
    """The file is larger than the limit; no more than the limit was read."""


class Zone(Protocol):
    """What the pipeline asks of an ISP's zone. Every method raises ZoneError on failure."""

    def list(self, folder: str) -> list[ListedFile]:
        """All entries of a folder in name order, each with the kind the listing itself reports; no link is followed."""

    def stat(self, path: str) -> ListedFile:
        """One entry as it is now, not following a link; Missing if there is none."""

    def read(self, path: str, into: BinaryIO, limit: int) -> None:
        """Copy a file into `into`; TooLarge as soon as more than `limit` bytes came, Missing if there is none."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is fine, so that a repeated step succeeds."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file aside as `.NAME.part` and rename it into place, replacing an older one: it appears whole."""


class Keeps(Protocol):
    """Where `take` puts the bytes: the landing store."""

    def put(self, data: bytes) -> str:
        """Keep the bytes durably and return their sha256 as lower-case hex."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A whole file in the landing store: lower-case hex sha256 of its bytes, and their number."""

    sha256: str
    size: int


def is_temporary(name: str) -> bool:
    """Whether a name says that its upload isn't finished (contract section 2)."""
    return name.startswith(".") or name.lower().endswith((".part", ".tmp", ".filepart"))


def is_sidecar(name: str) -> bool:
    """Whether a name is the checksum beside a file rather than a delivery of its own (contract section 3)."""
    return name.lower().endswith(".sha256")


def told_apart(files: Sequence[ListedFile]) -> list[ListedFile]:
    """A listing as the ledger takes it: uploads in progress, and checksums without their file, are of a kind of their
    own, which nobody takes; a checksum beside its file goes with it and is left out."""
    beside = {f"{file.name}.sha256" for file in files}
    told = []
    for file in files:
        if file.kind != "file":
            told.append(file)
        elif is_temporary(file.name):
            told.append(replace(file, kind=TEMPORARY))
        elif not is_sidecar(file.name):
            told.append(file)
        elif file.name not in beside:
            told.append(replace(file, kind=SIDECAR))
    return told


def take(zone: Zone, path: str, listed: ListedFile, landing: Keeps, limit: int) -> Taken:
    """Copy a settled file into the landing store, if it is still the one that was listed and stays so.

    The copy is held in memory: in plain text the file never touches our disk, and the landing store makes the encrypted
    copy durable. Raises Changed, TooLarge (listed with over `limit` bytes), Missing or ZoneError; nothing is kept then.
    """
    if listed.kind != "file":
        raise ZoneError(f"{path} is not a regular file ({listed.kind}) and was left alone.")
    if listed.size > limit:
        raise TooLarge(f"{path} has {listed.size} bytes; up to {limit} are taken.")
    _expect(path, listed, zone.stat(path))
    copy = io.BytesIO()
    try:
        zone.read(path, copy, limit)
    except TooLarge as error:
        raise Changed(f"{path} grew while it was read; it is taken once it lies still.") from error
    _expect(path, listed, zone.stat(path))
    data = copy.getvalue()
    if len(data) != listed.size:
        raise Changed(f"{path} gave {len(data)} bytes, but was listed with {listed.size}.")
    sha256 = landing.put(data)
    if sha256 != hashlib.sha256(data).hexdigest():
        raise ZoneError(f"{path} was stored under a checksum that is not its own.")
    return Taken(sha256, len(data))


def declared_sha256(zone: Zone, path: str) -> str | None:
    """The checksum the ISP declared for a file in `<file>.sha256`, None when there is no such file.

    A sidecar that isn't in sha256sum's form (64 hex digits, blanks, name) gives '', which equals no checksum.
    """
    try:
        if zone.stat(f"{path}.sha256").kind != "file":
            return ""
        text = io.BytesIO()
        zone.read(f"{path}.sha256", text, 4096)
    except Missing:
        return None
    except TooLarge:
        return ""
    return declared_in(text.getvalue())


def declared_in(sidecar: bytes) -> str:
    """The checksum that the bytes of a sidecar declare, '' when they are not in sha256sum's form."""
    found = re.match(rb"(?:\xef\xbb\xbf)?\\?([0-9A-Fa-f]{64})(?:[ \t\r\n]|\Z)", sidecar)
    return found[1].decode("ascii").lower() if found else ""


def name_text(raw: bytes) -> str:
    """A name as text: what isn't printable UTF-8 stands as `\\xNN`, and `\\` too, so that it can be undone."""
    text = raw.replace(b"\\", b"\\x5c").decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x1f\x7f/]", lambda found: f"\\x{ord(found[0]):02x}", text)


def name_bytes(text: str) -> bytes:
    """The bytes `name_text` was given. Raises ZoneError for a name that could leave its folder."""
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode("utf-8", "replace"))
    if raw in (b"", b".", b"..") or b"/" in raw or b"\0" in raw:
        raise ZoneError(f"{text!r} is not a file name.")
    return raw


def place(path: str) -> tuple[str, bytes]:
    """Split `<folder>/<name>`; ZoneError unless the folder is one of FOLDERS and the name stays in it."""
    folder, _, name = path.rpartition("/")
    return known_folder(folder), name_bytes(name)


def known_folder(folder: str) -> str:
    """The folder itself if it is one of FOLDERS; ZoneError otherwise."""
    if folder not in FOLDERS:
        raise ZoneError(f"{folder!r} is not a folder of a zone.")
    return folder


def _expect(path: str, listed: ListedFile, now: ListedFile) -> None:
    if (now.kind, now.size, now.mtime) != (listed.kind, listed.size, listed.mtime):
        raise Changed(f"{path} changed after it was listed; it is taken once it lies still.")


def entry(raw: bytes, found: os.stat_result | paramiko.SFTPAttributes) -> ListedFile:
    """What a listing says of one name; the mode bits alone decide its kind."""
    return ListedFile(name_text(raw), found.st_size or 0, int(found.st_mtime or 0), _kind(found.st_mode))


def _kind(mode: int | None) -> str:
    for is_one, kind in (
        (modes.S_ISREG, "file"),
        (modes.S_ISDIR, "directory"),
        (modes.S_ISLNK, "link"),
        (modes.S_ISFIFO, "fifo"),
        (modes.S_ISSOCK, "socket"),
        (modes.S_ISBLK, "device"),
        (modes.S_ISCHR, "device"),
    ):
        if is_one(mode or 0):
            return kind
    return "unknown"


def in_order(entries: Iterator[ListedFile]) -> list[ListedFile]:
    """The entries by name; ZoneError for a flood of them."""
    found = list(islice(entries, MAX_ENTRIES + 1))
    if len(found) > MAX_ENTRIES:
        raise ZoneError(f"The folder holds more than {MAX_ENTRIES} names; somebody has to clear it.")
    return sorted(found, key=lambda one: one.name)


def copy(file: io.RawIOBase | paramiko.SFTPFile, into: BinaryIO, limit: int, path: str) -> None:
    """Copy in pieces; TooLarge at the first one that goes beyond `limit` bytes."""
    left = limit
    while piece := file.read(CHUNK):
        left -= len(piece)
        if left < 0:
            raise TooLarge(f"{path} has more than the {limit} bytes that are taken.")
        into.write(piece)


@contextmanager
def telling(where: str, done: str, *also: type[Exception]) -> Iterator[None]:
    """Turn every failure below into a ZoneError that says which place could not be listed, read or written, and why."""
    failures: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except ZoneError:
        raise
    except FileNotFoundError as error:
        raise Missing(f"{where} could not be {done}: there is no such file or folder.") from error
    except TimeoutError as error:
        raise ZoneError(f"{where} could not be {done}: the zone did not answer in time.") from error
    except failures as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ZoneError(f"{where} could not be {done}: {reason.rstrip('. ')[:200]}.") from error
