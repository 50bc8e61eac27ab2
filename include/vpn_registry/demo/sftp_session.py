"""What an account may do in a zone: one table, `GRANTS`, applied to every request the SFTP protocol knows.

Every verb that isn't in the table is refused. Paths never reach the operating system as text: a folder is opened from
the zone's root with no link followed, a file from its folder.
"""

from __future__ import annotations

import os
import posixpath
import stat as modes
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Flag, auto
from pathlib import Path
from typing import Final, NoReturn

import asyncssh

from vpn_registry.dropzone import FOLDERS, open_folder

COLLECTOR: Final = "collector-"


class Verb(Flag):
    """What an account may do in a folder. RENAME is within that folder only."""

    LIST = auto()
    READ = auto()
    WRITE = auto()
    RENAME = auto()
    DELETE = auto()


_DROPS: Final = Verb.LIST | Verb.WRITE | Verb.RENAME
_FETCHES: Final = Verb.LIST | Verb.READ
_TAKES: Final = Verb.LIST | Verb.READ | Verb.DELETE
_KEEPS: Final = _DROPS | Verb.DELETE

GRANTS: Final[Mapping[str, Mapping[str, Verb]]] = {
    "isp": {folder: _FETCHES if folder.startswith("outgoing") else _DROPS for folder in FOLDERS},
    "collector": {folder: _KEEPS if folder.startswith("outgoing") else _TAKES for folder in FOLDERS},
}
"""Account kind -> folder -> verbs (contract section 2). An ISP sees the names it dropped but reads nothing back; the
collector removes answers after their 90 days."""


@dataclass(frozen=True, slots=True)
class _Handle:
    """An open file and the one thing it was opened for."""

    descriptor: int
    verb: Verb


class ZoneSession(asyncssh.SFTPServer):
    """One SFTP session: the table of grants, applied to every request the protocol knows."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], zones: Path) -> None:
        super().__init__(channel)
        account = str(channel.get_extra_info("username"))
        self._grants = GRANTS["collector" if account.startswith(COLLECTOR) else "isp"]
        self._root = zones / account.removeprefix(COLLECTOR)

    # Where things are

    def realpath(self, path: bytes) -> bytes:
        return _absolute(path)

    def stat(self, path: bytes) -> os.stat_result:
        return self.lstat(path)

    def lstat(self, path: bytes) -> os.stat_result:
        folder, name = posixpath.split(_absolute(path))
        if _is_folder(_absolute(path)):
            with self._folder(_absolute(path)) as here:
                return os.fstat(here)
        with self._granted(folder, Verb.LIST) as here:
            return os.stat(name, dir_fd=here, follow_symlinks=False)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        absolute = _absolute(path)
        if absolute != b"/" and not _is_folder(absolute):
            _refuse()
        with self._folder(absolute) as here:
            found = [entry for entry in _entries(here) if absolute != b"/" or _is_folder(b"/" + entry[0])]
        for name, status in found:
            yield asyncssh.SFTPName(name, attrs=asyncssh.SFTPAttrs.from_local(status))

    # Files

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> _Handle:
        wanted = pflags & (asyncssh.FXF_READ | asyncssh.FXF_WRITE | asyncssh.FXF_APPEND)
        verb = Verb.READ if wanted == asyncssh.FXF_READ else Verb.WRITE
        if wanted & asyncssh.FXF_READ and wanted != asyncssh.FXF_READ:
            _refuse()
        flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        flags |= os.O_RDONLY if verb is Verb.READ else os.O_WRONLY
        if verb is Verb.WRITE:
            flags |= os.O_CREAT if pflags & asyncssh.FXF_CREAT else 0
            flags |= os.O_TRUNC if pflags & asyncssh.FXF_TRUNC else 0
            flags |= os.O_EXCL if pflags & asyncssh.FXF_EXCL else 0
            flags |= os.O_APPEND if pflags & asyncssh.FXF_APPEND else 0
        folder, name = posixpath.split(_absolute(path))
        with self._granted(folder, verb) as here:
            if verb is Verb.WRITE:
                _only_ordinary(name, here)
            descriptor = os.open(name, flags, 0o640, dir_fd=here)
        status = os.fstat(descriptor)
        if not modes.S_ISREG(status.st_mode) or status.st_nlink > 1:
            os.close(descriptor)
            _refuse()
        return _Handle(descriptor, verb)

    def close(self, file_obj: object) -> None:
        os.close(_handle(file_obj).descriptor)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return os.pread(_handle(file_obj, Verb.READ).descriptor, size, offset)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        descriptor, left = _handle(file_obj, Verb.WRITE).descriptor, memoryview(data)
        while left:
            written = os.pwrite(descriptor, left, offset)
            offset, left = offset + written, left[written:]
        return len(data)

    def fstat(self, file_obj: object) -> os.stat_result:
        return os.fstat(_handle(file_obj).descriptor)

    def fsync(self, file_obj: object) -> None:
        os.fsync(_handle(file_obj, Verb.WRITE).descriptor)

    def remove(self, path: bytes) -> None:
        folder, name = posixpath.split(_absolute(path))
        with self._granted(folder, Verb.DELETE) as here:
            os.unlink(name, dir_fd=here)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._rename(oldpath, newpath, replacing=False)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        self._rename(oldpath, newpath, replacing=True)

    def _rename(self, oldpath: bytes, newpath: bytes, *, replacing: bool) -> None:
        (folder, old), (to_folder, new) = posixpath.split(_absolute(oldpath)), posixpath.split(_absolute(newpath))
        if folder != to_folder:
            _refuse()
        with self._granted(folder, Verb.RENAME) as here:
            if not modes.S_ISREG(os.stat(old, dir_fd=here, follow_symlinks=False).st_mode):
                _refuse()
            if replacing:
                _only_ordinary(new, here)
                os.rename(old, new, src_dir_fd=here, dst_dir_fd=here)
            else:  # link + unlink fails on an existing name without a gap in which one could appear
                os.link(old, new, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)
                os.unlink(old, dir_fd=here)

    # Everything else the protocol knows is refused, whoever asks

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _refuse()

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _refuse()

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        _refuse()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        _refuse()

    def rmdir(self, path: bytes) -> None:
        _refuse()

    def readlink(self, path: bytes) -> bytes:
        _refuse()

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        _refuse()

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        _refuse()

    def statvfs(self, path: bytes) -> os.statvfs_result:
        _refuse()

    def fstatvfs(self, file_obj: object) -> os.statvfs_result:
        _refuse()

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        _refuse()

    # The zone

    @contextmanager
    def _granted(self, folder: bytes, verb: Verb) -> Iterator[int]:
        if not _is_folder(folder) or verb not in self._grants.get(folder.decode("ascii")[1:], Verb(0)):
            _refuse()
        with self._folder(folder) as here:
            yield here

    @contextmanager
    def _folder(self, absolute: bytes) -> Iterator[int]:
        if absolute == b"/":
            here = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                yield here
            finally:
                os.close(here)
        else:
            with open_folder(self._root, absolute.decode("ascii")[1:]) as here:
                yield here


def _absolute(path: bytes) -> bytes:
    """A path as the client means it, from the zone's root; `..` stops there and NUL is refused."""
    if b"\0" in path:
        _refuse()
    return b"/" + posixpath.normpath(b"/" + path).lstrip(b"/")


def _is_folder(absolute: bytes) -> bool:
    return absolute == b"/" or absolute[1:] in {folder.encode("ascii") for folder in FOLDERS}


def _entries(here: int) -> list[tuple[bytes, os.stat_result]]:
    found = []
    with os.scandir(here) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # taken by the collector while we list
                found.append((os.fsencode(entry.name), entry.stat(follow_symlinks=False)))
    return sorted(found)


def _only_ordinary(name: bytes, here: int) -> None:
    """Refuse a target that exists as anything but an ordinary file: a link, FIFO or folder is not ours to replace."""
    try:
        status = os.stat(name, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not modes.S_ISREG(status.st_mode) or status.st_nlink > 1:
        _refuse()


def _handle(file_obj: object, verb: Verb | None = None) -> _Handle:
    if not isinstance(file_obj, _Handle) or (verb is not None and file_obj.verb is not verb):
        _refuse()
    return file_obj


def _refuse() -> NoReturn:
    raise asyncssh.SFTPPermissionDenied("This account may not do that here.")
