"""A zone that is a local or mounted directory."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vpn_registry.dropzone.zone import (
    MADE_WHEN_ABSENT,
    Missing,
    ZoneError,
    copy,
    entry,
    in_order,
    known_folder,
    place,
    telling,
)
from vpn_registry.model import ListedFile


class FolderZone:
    """A zone that is a local or mounted directory with the sub-folders `incoming`, `check` and `outgoing`.

    Links are never followed below the directory, whoever made them: every component is opened from the one before it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self, folder: str) -> list[ListedFile]:
        with telling(f"{folder}/", "listed"), open_folder(self._path, folder) as here, os.scandir(here) as entries:
            return in_order(_still_there(entries))

    def stat(self, path: str) -> ListedFile:
        folder, name = place(path)
        with telling(path, "looked at"), open_folder(self._path, folder) as here:
            return entry(name, os.stat(name, dir_fd=here, follow_symlinks=False))

    def read(self, path: str, into: BinaryIO, limit: int) -> None:
        folder, name = place(path)
        with telling(path, "read"), open_folder(self._path, folder) as here:
            # O_NONBLOCK: a FIFO put in the file's place after the listing must not hang us before it is recognised.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, dir_fd=here), "rb", buffering=0) as file:
                if not modes.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ZoneError(f"{path} is not a regular file and was left alone.")
                copy(file, into, limit, path)

    def remove(self, path: str) -> None:
        folder, name = place(path)
        try:
            with telling(path, "removed"), open_folder(self._path, folder) as here:
                os.unlink(name, dir_fd=here)
        except Missing:
            return

    def write(self, path: str, data: bytes) -> None:
        folder, name = place(path)
        aside = b"." + name + b".part"
        if folder in MADE_WHEN_ABSENT:
            self._make(folder)
        with telling(path, "written"), open_folder(self._path, folder) as here:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(aside, flags, 0o640, dir_fd=here), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(aside, name, src_dir_fd=here, dst_dir_fd=here)
            os.fsync(here)

    def _make(self, folder: str) -> None:
        above, _, name = folder.rpartition("/")
        with telling(f"{folder}/", "made"), open_folder(self._path, above) as here:
            try:
                os.mkdir(name, 0o750, dir_fd=here)
            except FileExistsError:
                return


def _still_there(entries: Iterable[os.DirEntry[str]]) -> Iterator[ListedFile]:
    for found in entries:
        try:
            status = found.stat(follow_symlinks=False)
        except FileNotFoundError:  # renamed from NAME.part while we list: the next listing shows it
            continue
        yield entry(os.fsencode(found.name), status)


@contextmanager
def open_folder(root: Path, folder: str) -> Iterator[int]:
    """A descriptor of a zone's folder, no link followed below `root`; OSError when there is none."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    here = os.open(root, flags)
    try:
        for part in known_folder(folder).split("/"):
            below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)
