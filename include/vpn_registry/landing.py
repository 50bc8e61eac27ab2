"""The landing store: every delivery's bytes as they came, encrypted, under their own checksum."""

from __future__ import annotations

import hashlib
import math
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path


class LandingError(Exception):
    """Stored bytes are missing or damaged; the message names the checksum and never the content."""


class LandingStore:
    """A content-addressed folder: `ab/abcd....enc` holds the encrypted bytes whose sha256 is `abcd...`.

    `encrypt` and `decrypt` are the key ring's. Files have mode 0600 and appear whole: temporary name, fsync, rename.
    Equal bytes share one file; who delivered them, and how often, is the ledger's business.
    """

    def __init__(self, folder: Path, encrypt: Callable[[bytes], bytes], decrypt: Callable[[bytes], bytes]) -> None:
        self._folder = folder
        self._encrypt = encrypt
        self._decrypt = decrypt

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its sha256 (lower-case hex); a damaged older copy is replaced."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if not path.exists() or not self._is_whole(sha256) or not _touched(path):
            _write(path, self._encrypt(data))
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes with this checksum. Raises LandingError when they are missing, damaged or not readable."""
        try:
            stored = self._path(sha256).read_bytes()
        except OSError as error:
            raise LandingError(f"The landing store cannot give {sha256}: {error.strerror}.") from error
        data = self._decrypt(stored)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LandingError(f"The landing store's copy of {sha256} is damaged.")
        return data

    def discard(self, sha256: str, *, put_before: float = math.inf) -> bool:
        """Remove the bytes when the retention of every delivery that had them has ended; whether they were there.

        Bytes that were put again after `put_before` (the wall clock's seconds) stay: a delivery that has them may not
        stand in the ledger yet.
        """
        path = self._path(sha256)
        try:
            if path.stat().st_mtime > put_before:
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def head(self, sha256: str, size: int = 64) -> bytes:
        """The first bytes as they are stored, which name their key; b'' when nothing is stored."""
        try:
            with self._path(sha256).open("rb") as file:
                return file.read(size)
        except FileNotFoundError:
            return b""

    def renew(self, sha256: str) -> None:
        """Encrypt stored bytes anew, with the present key. Raises LandingError as `get` does."""
        stored_at = self._path(sha256).stat().st_mtime
        _write(self._path(sha256), self._encrypt(self.get(sha256)))
        os.utime(self._path(sha256), (stored_at, stored_at))

    def __contains__(self, sha256: str) -> bool:
        return self._path(sha256).exists()

    def __iter__(self) -> Iterator[str]:
        """The checksums of all stored files, in order."""
        return iter(sorted(path.stem for path in self._folder.glob("??/*.enc")))

    def _is_whole(self, sha256: str) -> bool:
        try:
            self.get(sha256)
        except Exception:  # whatever the key ring or the disk says of such a copy, a whole one takes its place
            return False
        return True

    def _path(self, sha256: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise LandingError(f"{sha256!r} is not a sha256 in lower-case hex.")
        return self._folder / sha256[:2] / f"{sha256}.enc"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _fsync_folder(path.parent)
    _fsync_folder(path.parent.parent)


def _touched(path: Path) -> bool:
    """Say that these bytes were put just now; False when they have been discarded meanwhile."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _fsync_folder(folder: Path) -> None:
    """Make a rename durable: without it the name may be lost although the bytes are not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
