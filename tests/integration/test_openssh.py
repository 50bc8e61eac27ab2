"""Delivery over a real OpenSSH server with the production configuration: every verb, and three clients."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from tests.openssh_server import OpenSsh, openssh_server, why_not
from vpn_registry.dropzone import SftpZone, ZoneError, take
from vpn_registry.landing import LandingStore

pytestmark = [pytest.mark.services, pytest.mark.skipif(bool(why_not()), reason=why_not() or "it can run")]

Client = paramiko.SFTPClient
REFUSED = (OSError, paramiko.SSHException)


@pytest.fixture(scope="module")
def server() -> Iterator[OpenSsh]:
    with openssh_server(["indus", "kirana"]) as started:
        yield started


@pytest.fixture
def root(server: OpenSsh) -> Path:
    """The zone of `indus` on disk, with one file in each folder, as its writer would have left it."""
    root = server.folder / "indus"
    name = server.account("indus")
    for folder, owner, group in (
        ("incoming", name, f"{name}-c"),
        ("check", name, f"{name}-c"),
        ("outgoing", f"{name}-c", name),
    ):
        for path in (root / folder).iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        there = root / folder / "there.csv"
        there.write_bytes(b"there")
        there.chmod(0o640)
        shutil.chown(there, owner, group)
    return root


@pytest.fixture(scope="module")
def isp(server: OpenSsh) -> Iterator[Client]:
    with server.ssh(server.account("indus")) as ssh, ssh.open_sftp() as client:
        yield client


@pytest.fixture(scope="module")
def collector(server: OpenSsh) -> Iterator[Client]:
    with server.ssh(f"{server.account('indus')}-c") as ssh, ssh.open_sftp() as client:
        yield client


def put(client: Client, path: str) -> None:
    client.putfo(io.BytesIO(b"new"), path, 3)


def read(client: Client, path: str) -> bytes:
    with client.open(path, "rb") as file:
        return file.read()


def extended(client: Client, name: str, *arguments: object) -> None:
    client._request(200, name, *arguments)  # type: ignore[attr-defined]  # paramiko has no methods for these


EVERYBODY: dict[str, Callable[[Client], object]] = {
    "symlink": lambda c: c.symlink("/etc/passwd", "incoming/link"),
    "symlink beside a file": lambda c: c.symlink("there.csv", "incoming/link"),
    "symlink in outgoing": lambda c: c.symlink("../incoming/there.csv", "outgoing/link"),
    "hardlink": lambda c: extended(c, "hardlink@openssh.com", "incoming/there.csv", "incoming/link"),
    "hardlink of an answer": lambda c: extended(c, "hardlink@openssh.com", "outgoing/there.csv", "incoming/link"),
    "chmod": lambda c: c.chmod("incoming/there.csv", 0o777),
    "chmod of an answer": lambda c: c.chmod("outgoing/there.csv", 0o777),
    "chmod of a folder": lambda c: c.chmod("incoming", 0o777),
    "chmod of an open file": lambda c: c.open("incoming/there.csv").chmod(0o777),
    "truncate an open file": lambda c: c.open("incoming/there.csv").truncate(0),
    "chown": lambda c: c.chown("incoming/there.csv", 0, 0),
    "utime": lambda c: c.utime("incoming/there.csv", (1, 1)),
    "truncate": lambda c: c.truncate("incoming/there.csv", 0),
    "rmdir": lambda c: c.rmdir("outgoing"),
    "a folder beside the folders": lambda c: c.mkdir("new"),
    "remove a folder": lambda c: c.remove("incoming"),
    "readlink": lambda c: c._request(19, "incoming/there.csv"),  # type: ignore[attr-defined]
    "statvfs": lambda c: extended(c, "statvfs@openssh.com", "."),
    "lsetstat": lambda c: extended(c, "lsetstat@openssh.com", "incoming/there.csv", paramiko.SFTPAttributes()),
    "copy-data": lambda c: extended(c, "copy-data", b"", 0, 0, b"", 0),
    "users-groups": lambda c: extended(c, "users-groups-by-id@openssh.com", "", ""),
    "a file beside the folders": lambda c: put(c, "new.csv"),
    "rename a folder": lambda c: c.rename("incoming", "mine"),
    "rename a folder onto another": lambda c: c.rename("check", "incoming"),
    "rename onto a file": lambda c: c.rename("incoming/there.csv", "check/there.csv"),
    "another zone": lambda c: c.listdir("../kirana"),
    "another zone by its path": lambda c: c.listdir("/srv"),
    "the host's files": lambda c: read(c, "/etc/passwd"),
}
ISP_ONLY: dict[str, Callable[[Client], object]] = {
    "write outgoing": lambda c: put(c, "outgoing/new.csv"),
    "overwrite an answer": lambda c: put(c, "outgoing/there.csv"),
    "remove an answer": lambda c: c.remove("outgoing/there.csv"),
    "rename into outgoing": lambda c: c.rename("incoming/there.csv", "outgoing/new.csv"),
    "rename out of outgoing": lambda c: c.rename("outgoing/there.csv", "incoming/new.csv"),
    "replace by rename": lambda c: c.posix_rename("incoming/there.csv", "check/there.csv"),
    "mkdir": lambda c: c.mkdir("incoming/folder"),
    "mkdir in outgoing": lambda c: c.mkdir("outgoing/folder"),
    "replace an answer by rename": lambda c: c.posix_rename("incoming/there.csv", "outgoing/there.csv"),
}


def everything(root: Path) -> list[tuple[str, int, bytes]]:
    """Each entry of the zone with its mode and bytes."""
    paths = sorted(root.rglob("*"))
    return [(str(p), p.lstat().st_mode, p.read_bytes() if p.is_file() else b"") for p in paths]


@pytest.mark.parametrize("verb", [*EVERYBODY, *ISP_ONLY])
def test_an_isp_is_refused_every_other_verb(verb: str, isp: Client, root: Path) -> None:
    before = everything(root)
    with pytest.raises(REFUSED):
        (EVERYBODY | ISP_ONLY)[verb](isp)
    assert everything(root) == before


@pytest.mark.parametrize("verb", EVERYBODY)
def test_the_collector_is_refused_every_other_verb(verb: str, collector: Client, root: Path) -> None:
    before = everything(root)
    with pytest.raises(REFUSED):
        EVERYBODY[verb](collector)
    assert everything(root) == before


def test_the_collector_cannot_overwrite_what_an_isp_delivered(collector: Client, root: Path) -> None:
    with pytest.raises(PermissionError):
        put(collector, "incoming/there.csv")
    assert (root / "incoming" / "there.csv").read_bytes() == b"there"


def test_who_may_delete_in_a_folder_may_create_and_rename_there_too(collector: Client, root: Path) -> None:
    """File systems know one right for the three, so the collector has more than it uses; into no file can it write."""
    put(collector, "incoming/new.csv")
    collector.mkdir("incoming/folder")
    collector.rename("incoming/there.csv", "incoming/renamed.csv")
    with pytest.raises(PermissionError):
        put(collector, "incoming/renamed.csv")
    assert (root / "incoming" / "renamed.csv").read_bytes() == b"there"


@pytest.mark.parametrize("role", ["", "-c"])
def test_no_account_gets_a_shell_or_a_forwarded_port(role: str, server: OpenSsh) -> None:
    with server.ssh(server.account("indus") + role) as ssh:
        transport = ssh.get_transport()
        assert transport is not None
        with pytest.raises(paramiko.SSHException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", server.port), ("127.0.0.1", 1), timeout=10)
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)
        channel = transport.open_session(timeout=10)
        channel.settimeout(10)
        channel.exec_command("id")  # the forced command runs in its place, and waits for SFTP
        channel.shutdown_write()
        assert b"uid=" not in channel.makefile("rb").read()
        with pytest.raises(paramiko.SSHException):
            transport.open_session(timeout=10).get_pty()


def test_a_password_or_another_zones_key_lets_nobody_in(server: OpenSsh) -> None:
    with paramiko.Transport(("127.0.0.1", server.port)) as transport:
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.BadAuthenticationType):
            transport.auth_password(server.account("indus"), "secret")
    with paramiko.Transport(("127.0.0.1", server.port)) as transport:
        transport.start_client(timeout=10)
        key = paramiko.Ed25519Key.from_private_key_file(str(server.key(server.account("kirana"))))
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey(server.account("indus"), key)


def by_sftp(server: OpenSsh, source: Path) -> None:
    name = server.account("indus")
    options = [f"UserKnownHostsFile={server.folder}/known_hosts", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"]
    given = [word for option in options for word in ("-o", option)]
    subprocess.run(
        ["sftp", "-q", "-b", "-", "-i", str(server.key(name)), "-P", str(server.port), *given, f"{name}@127.0.0.1"],
        input=f"put {source} incoming/a.csv.part\nrename incoming/a.csv.part incoming/a.csv\n".encode(),
        check=True,
        timeout=30,
    )


def by_curl(server: OpenSsh, source: Path) -> None:
    curl = shutil.which("curl")
    said = subprocess.run([curl, "-V"], check=True, capture_output=True).stdout if curl else b""
    if curl is None or b" sftp" not in said:
        pytest.skip("no curl with sftp:// here (Debian package curl)")
    name = server.account("indus")
    pinned = [
        "--hostpubsha256",
        _fingerprint(server),
        "--key",
        str(server.key(name)),
        "--pubkey",
        f"{server.key(name)}.pub",
    ]
    url = f"sftp://{name}@127.0.0.1:{server.port}/incoming/"
    moved = ["-Q", "-rename /incoming/a.csv.part /incoming/a.csv"]
    subprocess.run([curl, "-sS", "-T", str(source), *pinned, *moved, f"{url}a.csv.part"], check=True, timeout=30)


def _fingerprint(server: OpenSsh) -> str:
    said = subprocess.run(
        ["ssh-keygen", "-lf", f"{server.key('host')}.pub"], check=True, capture_output=True, text=True
    )
    return said.stdout.split()[1].removeprefix("SHA256:")


def by_paramiko(server: OpenSsh, source: Path) -> None:
    with server.ssh(server.account("indus")) as ssh, ssh.open_sftp() as client:
        client.put(str(source), "incoming/a.csv.part")
        client.rename("incoming/a.csv.part", "incoming/a.csv")


@pytest.mark.parametrize("way", [by_sftp, by_curl, by_paramiko])
def test_each_client_delivers_a_file_and_reads_the_answer(
    way: Callable[[OpenSsh, Path], None], server: OpenSsh, collector: Client, isp: Client, root: Path, tmp_path: Path
) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"registration_ref\n" * 50_000)
    source.chmod(0o644)
    way(server, source)
    zone = SftpZone(collector, 20)
    listed = next(file for file in zone.list("incoming") if file.name == "a.csv")
    landing = LandingStore(tmp_path / "landing", bytes, bytes)
    taken = take(zone, "incoming/a.csv", listed, landing, 10_000_000)
    assert landing.get(taken.sha256) == source.read_bytes()
    zone.remove("incoming/a.csv")
    for text in (b"one", b"two"):
        zone.write("outgoing/check/a.csv.result.json", text)
        assert read(isp, "outgoing/check/a.csv.result.json") == text
    assert not (root / "incoming" / "a.csv").exists()


def test_a_file_its_isp_made_private_is_told_and_left_alone(
    isp: Client, collector: Client, root: Path, tmp_path: Path
) -> None:
    put(isp, "incoming/private.csv")
    (root / "incoming" / "private.csv").chmod(0o600)  # as `put` of a file with mode 0600 leaves it
    zone = SftpZone(collector, 20)
    listed = zone.stat("incoming/private.csv")
    with pytest.raises(ZoneError, match=r"incoming/private\.csv"):
        take(zone, "incoming/private.csv", listed, LandingStore(tmp_path, bytes, bytes), 100)
    assert (root / "incoming" / "private.csv").exists()


def test_a_listing_that_takes_longer_than_its_limit_fails(collector: Client, root: Path) -> None:
    seconds = iter(range(0, 1000, 40))  # each look at the clock is 40 seconds after the one before
    zone = SftpZone(collector, 20, listing_seconds=60, clock=lambda: next(seconds))
    with pytest.raises(ZoneError, match=r"incoming/ could not be listed within 60 seconds"):
        zone.list("incoming")
    assert [file.name for file in SftpZone(collector, 20).list("incoming")] == ["there.csv"]
