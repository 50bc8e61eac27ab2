"""A real OpenSSH server on a high loopback port, with the production configuration and zones made by `add-zone`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko

SSHD = Path("/usr/sbin/sshd")
DEPLOY = Path(__file__).parents[1] / "include" / "deploy" / "sshd"


def why_not() -> str:
    """Why no server can be started here; '' when one can."""
    if os.geteuid() != 0:
        return "not root: sshd can't chroot, and its accounts can't be made"
    missing = [name for name in ("useradd", "ssh-keygen", "sftp") if shutil.which(name) is None]
    missing += [] if SSHD.exists() else [str(SSHD)]
    return f"not installed: {', '.join(missing)} (Debian package openssh-server)" if missing else ""


@dataclass(frozen=True, slots=True)
class OpenSsh:
    """A running server: `folder` holds `zones/<isp>`, `id` the clients' private key files, `known_hosts`."""

    folder: Path
    port: int

    def account(self, isp: str) -> str:
        """The ISP's account; the collector's has `-c` behind it. Unlike any account a machine has already."""
        return f"vz{os.getpid()}{isp}"

    def key(self, account: str) -> Path:
        """The account's private key file."""
        return self.folder / "id" / account

    @contextmanager
    def ssh(self, account: str) -> Iterator[paramiko.SSHClient]:
        """A logged-in connection that knows the host's key."""
        with paramiko.SSHClient() as client:
            client.load_host_keys(str(self.folder / "known_hosts"))
            client.connect(
                "127.0.0.1",
                self.port,
                account,
                key_filename=str(self.key(account)),
                look_for_keys=False,
                allow_agent=False,
                timeout=20,
                banner_timeout=20,
            )
            yield client


@contextmanager
def openssh_server(isps: Sequence[str]) -> Iterator[OpenSsh]:
    """Start sshd with one zone per ISP; accounts, zones and server are gone afterwards."""
    # Not under the temporary folder: every folder above a chroot must be writable by root only.
    folder = Path(tempfile.mkdtemp(prefix="vpnzones-", dir="/srv"))
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = OpenSsh(folder, free.getsockname()[1])
    groups_before = Path("/etc/group").read_text(encoding="utf-8")
    accounts = [server.account(isp) + role for isp in isps for role in ("", "-c")]
    try:
        (folder / "id").mkdir(mode=0o700)
        for name in ("host", *accounts):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(server.key(name)))
        for isp in isps:
            name = server.account(isp)
            keys = (f"{server.key(name)}.pub", f"{server.key(name)}-c.pub")
            _run(str(DEPLOY / "add-zone"), name, str(folder / isp), str(folder / "keys"), *keys)
        host_key = Path(f"{server.key('host')}.pub").read_text(encoding="ascii")
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {host_key}", encoding="ascii")
        with _sshd(server):
            yield server
    finally:
        for name in accounts:
            subprocess.run(["userdel", name], check=False, capture_output=True)
        for group in ("vpnzone-isps", "vpnzone-collectors"):
            if f"{group}:" not in groups_before:
                subprocess.run(["groupdel", group], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _sshd(server: OpenSsh) -> Iterator[None]:
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    # What is given here comes before the file, and the first value counts.
    changed = {
        "Port": server.port,
        "ListenAddress": "127.0.0.1",
        "HostKey": server.key("host"),
        "AuthorizedKeysFile": f"{server.folder}/keys/%u",
        "PidFile": "none",
    }
    options = [word for name, value in changed.items() for word in ("-o", f"{name}={value}")]
    with (server.folder / "log").open("wb") as log:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", DEPLOY / "sshd_config", *options], stderr=log)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", server.port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError((server.folder / "log").read_text(encoding="utf-8", errors="replace"))
        yield
    finally:
        process.terminate()
        process.wait(10)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
