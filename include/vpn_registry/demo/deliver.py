"""What an ISP does: an ordinary SFTP client that uploads as `NAME.part` and renames."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from stat import S_ISREG
from typing import TYPE_CHECKING

from vpn_registry.demo.services import Account
from vpn_registry.model import ZoneFolder

if TYPE_CHECKING:
    import paramiko


def deliver(account: Account, files: Mapping[str, bytes], folder: ZoneFolder = ZoneFolder.INCOMING) -> None:
    """Drop files (name -> bytes), in the mapping's order. Raises OSError or paramiko's SSHException."""
    with connect(account) as client:
        for name, content in files.items():
            client.putfo(io.BytesIO(content), f"{folder}/{name}.part", len(content))
            client.rename(f"{folder}/{name}.part", f"{folder}/{name}")


def fetch(account: Account, folder: str = "outgoing") -> dict[str, bytes]:
    """The answers that lie in one folder of the zone: name -> bytes, in name order.

    A name with a leading dot is still being written; a folder that isn't there yet holds none.
    """
    with connect(account) as client:
        try:
            listed = client.listdir_attr(folder)
        except FileNotFoundError:
            return {}
        names = sorted(entry.filename for entry in listed if _is_answer(entry))
        return {name: _read(client, f"{folder}/{name}") for name in names}


@contextmanager
def connect(account: Account, seconds: float = 20.0) -> Iterator[paramiko.SFTPClient]:
    """An SFTP session that trusts only the pinned host key and offers only the account's key."""
    import paramiko

    kind, data = account.host_key.split()
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"[{account.host}]:{account.port} {kind} {data}")
    with paramiko.SSHClient() as ssh:
        if entry is not None and entry.key is not None:
            ssh.get_host_keys().add(f"[{account.host}]:{account.port}", kind, entry.key)
        ssh.connect(
            account.host,
            account.port,
            account.user,
            key_filename=str(account.key_file),
            look_for_keys=False,
            allow_agent=False,
            timeout=seconds,
        )
        with ssh.open_sftp() as client:
            channel = client.get_channel()
            if channel is not None:
                channel.settimeout(seconds)
            yield client


def _is_answer(entry: paramiko.SFTPAttributes) -> bool:
    return S_ISREG(entry.st_mode or 0) and not entry.filename.startswith(".")


def _read(client: paramiko.SFTPClient, path: str) -> bytes:
    content = io.BytesIO()
    client.getfo(path, content)
    return content.getvalue()
