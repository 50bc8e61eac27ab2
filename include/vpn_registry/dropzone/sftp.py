"""A zone over an SFTP session that the caller opened."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from vpn_registry.dropzone.zone import (
    MADE_WHEN_ABSENT,
    Changed,
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

if TYPE_CHECKING:
    import paramiko

_OPENDIR: Final = 11
_READDIR: Final = 12
_CLOSE: Final = 4


class SftpZone:
    """A zone over an open SFTP session: the caller opens it (Airflow's SFTPHook) and closes it.

    `seconds` bounds each wait for the server's next answer; the hook's own time-outs don't bound SFTP at all.
    `listing_seconds` bounds a whole listing: a server that always answers just in time would otherwise hold us for
    hours. It is looked at after each answer, so that a listing ends within the sum of both.
    """

    def __init__(
        self,
        client: paramiko.SFTPClient,
        seconds: float = 30.0,
        listing_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import paramiko

        self._client = client
        self._failures = (paramiko.SSHException, paramiko.SFTPError, EOFError, UnicodeError)
        channel = client.get_channel()
        if channel is None:
            raise ZoneError("The SFTP session is closed.")
        channel.settimeout(seconds)
        self._listing_seconds = listing_seconds
        self._clock = clock

    def list(self, folder: str) -> list[ListedFile]:
        with self._telling(f"{folder}/", "listed"):
            return in_order(self._entries(known_folder(folder)))

    def stat(self, path: str) -> ListedFile:
        _, name = place(path)
        with self._telling(path, "looked at"):
            return entry(name, self._client.lstat(_raw(path)))

    def read(self, path: str, into: BinaryIO, limit: int) -> None:
        with self._telling(path, "read"), self._client.open(_raw(path), "rb") as file:
            # Asking ahead is twice as fast as waiting for each piece; never for more than we would take.
            if ahead := min(file.stat().st_size or 0, limit + 1):
                file.prefetch(ahead, 64)
            try:
                copy(file, into, limit, path)
            except EOFError as error:
                raise Changed(f"{path} became shorter while it was read.") from error

    def remove(self, path: str) -> None:
        try:
            with self._telling(path, "removed"):
                self._client.remove(_raw(path))
        except Missing:
            return

    def write(self, path: str, data: bytes) -> None:
        folder, _, name = path.rpartition("/")
        raw, aside = _raw(path), _raw(f"{folder}/.{name}.part")
        with self._telling(path, "written"):
            try:
                self._client.putfo(io.BytesIO(data), aside, len(data))
            except FileNotFoundError:
                if folder not in MADE_WHEN_ABSENT:
                    raise
                self._client.mkdir(folder)
                self._client.putfo(io.BytesIO(data), aside, len(data))
            self._client.posix_rename(aside, raw)

    def _telling(self, where: str, done: str) -> AbstractContextManager[None]:
        return telling(where, done, *self._failures)

    def _entries(self, folder: str) -> Iterator[ListedFile]:
        """One listing. The client's own `listdir_attr` stops at the first name that isn't UTF-8, so that one such name
        would blind us to the whole folder."""
        from paramiko import SFTPAttributes

        request = cast("Any", self._client)._request  # noqa: SLF001 - the reason above; until 2027-12-31
        until = self._clock() + self._listing_seconds
        handle = request(_OPENDIR, folder)[1].get_binary()
        while True:
            if self._clock() > until:
                raise ZoneError(f"{folder}/ could not be listed within {self._listing_seconds:g} seconds.")
            try:
                _, answer = request(_READDIR, handle)
            except EOFError:  # the server's own "no more", not a lost connection: that is an SSHException
                break
            for _ in range(answer.get_int()):
                raw, _ = answer.get_binary(), answer.get_binary()
                attributes = cast("Any", SFTPAttributes)._from_msg(answer)  # noqa: SLF001 - as above; until 2027-12-31
                if raw not in (b".", b".."):
                    yield entry(raw, attributes)
        request(_CLOSE, handle)


def _raw(path: str) -> bytes:
    folder, name = place(path)
    return folder.encode("ascii") + b"/" + name
