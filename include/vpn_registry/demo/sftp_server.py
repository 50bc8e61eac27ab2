"""An SFTP server for the demo and the tests: public keys only, two accounts a zone, and no way out of it.

What an account may do once it is in: sftp_session.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
from collections.abc import Mapping
from pathlib import Path

import asyncssh

from vpn_registry.demo.sftp_session import COLLECTOR, ZoneSession
from vpn_registry.dropzone import FOLDERS


def make_zone(root: Path) -> None:
    """Make the folders of one zone below `root`; existing ones are kept."""
    for folder in FOLDERS:
        (root / folder).mkdir(mode=0o750, parents=True, exist_ok=True)


class ZoneServer:
    """The server, in a thread of its own, from `start()` to `stop()` (or a `with` block).

    `zones` holds one folder an ISP slug; `keys` maps an account (`<slug>` or `collector-<slug>`) to its public key as
    one OpenSSH line; `host_key` is the server's private key in OpenSSH form. Port 0 takes a free one.
    """

    def __init__(self, zones: Path, keys: Mapping[str, str], host_key: str, *, port: int = 0) -> None:
        self._zones = zones
        self._keys = {account: asyncssh.import_public_key(line).public_data for account, line in keys.items()}
        self._host_key = asyncssh.import_private_key(host_key)
        self._wanted_port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp-server", daemon=True)
        self._acceptor: asyncssh.SSHAcceptor | None = None
        for account in keys:
            make_zone(zones / account.removeprefix(COLLECTOR))

    @property
    def port(self) -> int:
        if self._acceptor is None:
            raise RuntimeError("The SFTP server is not running.")
        return self._acceptor.get_port()

    @property
    def host_key(self) -> str:
        """The public host key to pin: `ssh-ed25519 AAAA...`."""
        return " ".join(self._host_key.export_public_key("openssh").decode("ascii").split()[:2])

    def start(self) -> None:
        """Listen on 127.0.0.1. Raises OSError when the port is taken."""
        asyncssh.set_log_level("WARNING")  # its twenty lines a connection would bury ours
        self._thread.start()
        self._acceptor = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(30)

    def stop(self) -> None:
        """Close every session and the port; a server that never started stops too."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(30)
        self._loop.close()

    def __enter__(self) -> ZoneServer:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            self._wanted_port,
            server_factory=lambda: _KeyHolder(self._keys),
            sftp_factory=lambda channel: ZoneSession(channel, self._zones),
            server_host_keys=[self._host_key],
            server_version="zone",
            allow_scp=False,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            password_auth=False,
            kbdint_auth=False,
            host_based_auth=False,
            gss_host=None,
            reuse_address=True,
            login_timeout=20,
        )

    async def _close(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class _KeyHolder(asyncssh.SSHServer):
    """Lets in who holds an account's key. Shells, commands and forwarding stay at the library's refusal."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return hmac.compare_digest(self._keys.get(username, b""), key.public_data)
