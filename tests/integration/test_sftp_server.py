"""The zone over SFTP: each verb with each account, no way out, and the collector's side of it (SftpZone)."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paramiko
import pytest

from vpn_registry.demo.deliver import connect, deliver, fetch
from vpn_registry.demo.services import Account, Services, services
from vpn_registry.dropzone import Changed, Missing, SftpZone, TooLarge, ZoneError, declared_sha256, take
from vpn_registry.landing import LandingStore
from vpn_registry.model import ZoneFolder

pytestmark = pytest.mark.services

Client = paramiko.SFTPClient


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with services(tmp_path_factory.mktemp("home"), ["indus", "kirana"]) as started:
        yield started


@pytest.fixture
def root(running: Services) -> Path:
    """The zone of `indus`, on disk, with one ordinary file in each folder."""
    root = running.zones / "indus"
    for folder in ("incoming", "check", "outgoing", "outgoing/check", "outgoing/extract", "outgoing/notices"):
        for path in (root / folder).iterdir():
            if path.is_symlink() or not path.is_dir():
                path.unlink()
        (root / folder / "there.csv").write_bytes(b"there")
    return root


@pytest.fixture(scope="module")
def isp(running: Services) -> Iterator[Client]:
    with connect(running.account("indus")) as client:
        yield client


@pytest.fixture(scope="module")
def collector(running: Services) -> Iterator[Client]:
    with connect(running.collector("indus")) as client:
        yield client


def put(client: Client, path: str) -> None:
    client.putfo(io.BytesIO(b"new"), path, 3)


def read(client: Client, path: str) -> None:
    with client.open(path, "rb") as file:
        assert file.read() == b"there"


def extended(client: Client, name: str, *arguments: object) -> None:
    client._request(200, name, *arguments)  # type: ignore[attr-defined]  # paramiko has no methods for these


def chmod_an_open_file(client: Client, path: str) -> None:
    with client.open(path, "wb") as file:
        file.chmod(0o777)


VERBS: dict[str, Callable[[Client, str], object]] = {
    "list": lambda client, folder: client.listdir(folder),
    "stat": lambda client, folder: client.stat(f"{folder}/there.csv"),
    "lstat": lambda client, folder: client.lstat(f"{folder}/there.csv"),
    "read": lambda client, folder: read(client, f"{folder}/there.csv"),
    "write": lambda client, folder: put(client, f"{folder}/new.csv"),
    "overwrite": lambda client, folder: put(client, f"{folder}/there.csv"),
    "rename": lambda client, folder: client.rename(f"{folder}/there.csv", f"{folder}/then.csv"),
    "posix_rename": lambda client, folder: client.posix_rename(f"{folder}/there.csv", f"{folder}/then.csv"),
    "remove": lambda client, folder: client.remove(f"{folder}/there.csv"),
    "read and write": lambda client, folder: client.open(f"{folder}/there.csv", "r+b"),
    "truncate": lambda client, folder: client.truncate(f"{folder}/there.csv", 0),
    "chmod": lambda client, folder: client.chmod(f"{folder}/there.csv", 0o777),
    "chown": lambda client, folder: client.chown(f"{folder}/there.csv", 0, 0),
    "utime": lambda client, folder: client.utime(f"{folder}/there.csv", (0, 0)),
    "chmod an open file": lambda client, folder: chmod_an_open_file(client, f"{folder}/new.csv"),
    "lsetstat": lambda client, folder: extended(
        client, "lsetstat@openssh.com", f"{folder}/there.csv", paramiko.SFTPAttributes()
    ),
    "mkdir": lambda client, folder: client.mkdir(f"{folder}/below"),
    "rmdir": lambda client, folder: client.rmdir(folder),
    "symlink": lambda client, folder: client.symlink("/etc/passwd", f"{folder}/link"),
    "hardlink": lambda client, folder: extended(
        client, "hardlink@openssh.com", f"{folder}/there.csv", f"{folder}/hard.csv"
    ),
    "readlink": lambda client, folder: client.readlink(f"{folder}/there.csv"),
    "statvfs": lambda client, folder: extended(client, "statvfs@openssh.com", folder),
    "rename to another folder": lambda client, folder: client.posix_rename(
        f"{folder}/there.csv", "check/x.csv" if folder == "incoming" else "incoming/x.csv"
    ),
    "rename the folder": lambda client, folder: client.rename(folder, f"{folder}2"),
    "write above the folders": lambda client, folder: put(client, "loose.csv"),
    "list above the zone": lambda client, folder: client.listdir(f"{folder}/there.csv/.."),
}
DROPS = {"list", "stat", "lstat", "write", "overwrite", "rename", "posix_rename"}
FETCHES = {"list", "stat", "lstat", "read"}
EVERYWHERE = {"list above the zone"}  # it leads to the folder itself
ALLOWED = {
    ("isp", "incoming"): DROPS,
    ("isp", "check"): DROPS,
    ("isp", "outgoing"): FETCHES,
    ("isp", "outgoing/check"): FETCHES,
    ("isp", "outgoing/extract"): FETCHES,
    ("isp", "outgoing/notices"): FETCHES,
    ("collector", "incoming"): FETCHES | {"remove"},
    ("collector", "check"): FETCHES | {"remove"},
    ("collector", "outgoing"): DROPS | {"remove"},
    ("collector", "outgoing/check"): DROPS | {"remove"},
    ("collector", "outgoing/extract"): DROPS | {"remove"},
    ("collector", "outgoing/notices"): DROPS | {"remove"},
}


@pytest.mark.parametrize(("account", "folder"), ALLOWED)
@pytest.mark.parametrize("verb", VERBS)
def test_an_account_may_do_what_the_table_grants_and_nothing_else(
    root: Path, request: pytest.FixtureRequest, account: str, folder: str, verb: str
) -> None:
    client: Client = request.getfixturevalue(account)
    before = snapshot(root)
    if verb in ALLOWED[account, folder] | EVERYWHERE:
        VERBS[verb](client, folder)
        return
    with pytest.raises(OSError, match=r"may not do that|Permission denied|not supported|Unsupported"):
        VERBS[verb](client, folder)
    after = snapshot(root)
    after.pop(f"{folder}/new.csv", None)  # made by the write that "chmod an open file" needs first
    assert after == before


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }


def test_a_plain_rename_never_replaces_a_file(root: Path, isp: Client) -> None:
    put(isp, "incoming/a.csv.part")
    with pytest.raises(OSError, match="exists"):
        isp.rename("incoming/a.csv.part", "incoming/there.csv")
    assert (root / "incoming" / "there.csv").read_bytes() == b"there"


@pytest.mark.parametrize("account", ["isp", "collector"])
def test_no_account_sees_anything_above_or_beside_its_zone(
    root: Path, request: pytest.FixtureRequest, account: str
) -> None:
    client: Client = request.getfixturevalue(account)
    assert sorted(client.listdir("/")) == ["check", "incoming", "outgoing"]
    assert client.normalize("../../..") == "/"
    for path in ("../kirana/incoming", "/etc", "../../../../etc", "incoming/../../kirana/outgoing"):
        with pytest.raises(OSError, match="may not do that"):
            client.listdir(path)
    for path in ("/etc/passwd", "../kirana/incoming/x.csv", "incoming/../../../../../etc/passwd"):
        with pytest.raises(OSError, match="may not do that"):
            client.open(path, "rb")


def test_a_link_or_fifo_lying_on_disk_leads_nowhere(root: Path, isp: Client, collector: Client) -> None:
    (root / "incoming" / "link.csv").symlink_to("/etc/passwd")
    (root / "outgoing" / "link.csv").symlink_to("/etc/passwd")
    (root / "incoming" / "hard.csv").hardlink_to(root / "outgoing" / "there.csv")
    os.mkfifo(root / "incoming" / "fifo.csv")
    for client, path in (
        (collector, "incoming/link.csv"),
        (isp, "outgoing/link.csv"),
        (collector, "incoming/hard.csv"),
        (collector, "incoming/fifo.csv"),
    ):
        with pytest.raises(OSError, match=r"may not do that|Too many levels|link"):
            client.open(path, "rb")
    for target in ("link.csv", "fifo.csv", "hard.csv"):
        with pytest.raises(OSError, match="may not do that"):
            put(isp, f"incoming/{target}")
        put(isp, "incoming/x.part")
        with pytest.raises(OSError, match="may not do that"):
            isp.posix_rename("incoming/x.part", f"incoming/{target}")


def test_a_folder_that_was_replaced_by_a_link_is_not_followed(running: Services, root: Path, isp: Client) -> None:
    for path in (root / "check").iterdir():
        path.unlink()
    (root / "check").rmdir()
    (root / "check").symlink_to(running.zones / "kirana" / "incoming")
    try:
        with pytest.raises(OSError, match="Not a directory"):
            isp.listdir("check")
        with pytest.raises(OSError, match="Not a directory"):
            put(isp, "check/x.csv")
    finally:
        (root / "check").unlink()
        (root / "check").mkdir()
    assert list((running.zones / "kirana" / "incoming").iterdir()) == []


def connection(account: Account) -> paramiko.Transport:
    """A transport that has checked nothing and sent no key yet."""
    transport = paramiko.Transport((account.host, account.port))
    transport.start_client(timeout=10)
    return transport


def test_only_the_accounts_own_key_opens_it(running: Services) -> None:
    own = paramiko.Ed25519Key.from_private_key_file(str(running.account("indus").key_file))
    for user in ("kirana", "collector-indus", "collector-kirana", "root", "", "nobody"):
        with contextlib.closing(connection(running.account("indus"))) as transport:
            with pytest.raises(paramiko.AuthenticationException):
                transport.auth_publickey(user, own)
            assert not transport.is_authenticated()


def test_passwords_and_no_authentication_at_all_are_refused(running: Services) -> None:
    with contextlib.closing(connection(running.account("indus"))) as transport:
        with pytest.raises(paramiko.BadAuthenticationType) as refused:
            transport.auth_none("indus")
        assert refused.value.allowed_types == ["publickey"]
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_password("indus", "secret", fallback=False)
        assert not transport.is_authenticated()


@pytest.mark.parametrize(
    "ask",
    [
        lambda channel: channel.exec_command("id"),
        lambda channel: channel.invoke_shell(),
        lambda channel: channel.get_pty(),
        lambda channel: channel.invoke_subsystem("netconf"),
        lambda channel: channel.request_x11(),
        lambda channel: channel.exec_command("scp -t incoming"),
    ],
    ids=["exec", "shell", "terminal", "another subsystem", "x11", "scp"],
)
def test_a_session_offers_nothing_but_sftp(running: Services, ask: Callable[[paramiko.Channel], object]) -> None:
    with logged_in(running) as transport:
        channel = transport.open_session(timeout=10)
        channel.settimeout(10)
        with pytest.raises(paramiko.SSHException):
            ask(channel)


def test_forwarding_is_refused(running: Services) -> None:
    with logged_in(running) as transport:
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", running.smtp_port), ("127.0.0.1", 1), timeout=10)
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)


@contextlib.contextmanager
def logged_in(running: Services) -> Iterator[paramiko.Transport]:
    account = running.account("indus")
    with contextlib.closing(connection(account)) as transport:
        transport.auth_publickey("indus", paramiko.Ed25519Key.from_private_key_file(str(account.key_file)))
        yield transport


def test_the_host_key_is_pinned(running: Services) -> None:
    right = running.account("indus")
    other = paramiko.ECDSAKey.generate()
    wrong = Account(right.host, right.port, right.user, right.key_file, f"{other.get_name()} {other.get_base64()}")
    with pytest.raises(paramiko.SSHException), connect(wrong):
        pass


def test_keys_and_ports_stay_from_one_start_to_the_next(tmp_path: Path) -> None:
    with services(tmp_path, ["ravi"]) as first:
        before = (first.environment, first.host_key)
    with services(tmp_path, ["ravi"]) as second:
        assert (second.environment, second.host_key) == before
        modes = {path.stat().st_mode & 0o777 for path in second.keys.iterdir()}
    assert modes == {0o600}


def test_a_port_that_is_taken_meanwhile_is_replaced_by_a_free_one(tmp_path: Path) -> None:
    with services(tmp_path, ["ravi"]) as first:
        used = first.sftp_port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", used))
        other.listen()
        with services(tmp_path, ["ravi"]) as second:
            assert second.sftp_port != used


# The collector's side


@pytest.fixture
def zone(collector: Client) -> SftpZone:
    return SftpZone(collector)


@pytest.fixture
def landing(tmp_path: Path) -> LandingStore:
    return LandingStore(tmp_path / "landing", bytes, bytes)


def test_a_delivered_file_is_listed_taken_answered_and_removed(
    running: Services, root: Path, zone: SftpZone, landing: LandingStore
) -> None:
    (root / "incoming" / "there.csv").unlink()
    content = os.urandom(3_000_000)
    deliver(running.account("indus"), {"a.csv": content, "empty.csv": b""})
    listed = {entry.name: entry for entry in zone.list("incoming")}
    assert {name: (entry.kind, entry.size) for name, entry in listed.items()} == {
        "a.csv": ("file", 3_000_000),
        "empty.csv": ("file", 0),
    }
    taken = take(zone, "incoming/a.csv", listed["a.csv"], landing, 3_000_000)
    assert landing.get(taken.sha256) == content
    assert take(zone, "incoming/empty.csv", listed["empty.csv"], landing, 0).size == 0
    zone.write("outgoing/a.csv.receipt.json", b"{}")
    zone.write("outgoing/a.csv.receipt.json", b"{1}")
    zone.write("outgoing/notices/N-2026-000001.txt", b"text")
    zone.remove("incoming/a.csv")
    zone.remove("incoming/a.csv")
    assert [entry.name for entry in zone.list("incoming")] == ["empty.csv"]
    assert fetch(running.account("indus")) == {"a.csv.receipt.json": b"{1}", "there.csv": b"there"}


@pytest.mark.skipif(shutil.which("sftp") is None, reason="OpenSSH's client is not installed")
def test_openssh_s_own_client_can_upload_rename_and_fetch(running: Services, root: Path, tmp_path: Path) -> None:
    account = running.account("indus")
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{account.port} {account.host_key}\n")
    (tmp_path / "a.csv").write_bytes(b"x" * 200_000)
    commands = ["cd incoming", f"put {tmp_path}/a.csv a.csv.part", "rename a.csv.part a.csv", "ls -l", "cd /outgoing"]
    done = subprocess.run(
        [
            *("sftp", "-b", "-", "-P", str(account.port), "-i", str(account.key_file), "-o", "IdentitiesOnly=yes"),
            *("-o", f"UserKnownHostsFile={tmp_path}/known_hosts", "-o", "StrictHostKeyChecking=yes", "-F", "none"),
            "indus@127.0.0.1",
        ],
        input="\n".join([*commands, f"get there.csv {tmp_path}/fetched", ""]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (root / "incoming" / "a.csv").stat().st_size == 200_000
    assert (tmp_path / "fetched").read_bytes() == b"there"


def test_the_check_zone_is_a_folder_of_its_own(running: Services, root: Path, zone: SftpZone) -> None:
    deliver(running.account("indus"), {"a.csv": b"x"}, ZoneFolder.CHECK)
    assert [entry.name for entry in zone.list("check")] == ["a.csv", "there.csv"]
    assert declared_sha256(zone, "check/a.csv") is None


def test_kinds_come_from_the_listing_over_sftp_too(root: Path, zone: SftpZone, landing: LandingStore) -> None:
    (root / "incoming" / "link.csv").symlink_to("/etc/passwd")
    os.mkfifo(root / "incoming" / "fifo.csv")
    listed = {entry.name: entry for entry in zone.list("incoming")}
    assert {name: entry.kind for name, entry in listed.items()} == {
        "fifo.csv": "fifo",
        "link.csv": "link",
        "there.csv": "file",
    }
    with pytest.raises(ZoneError, match=r"not a regular file \(fifo\)"):
        take(zone, "incoming/fifo.csv", listed["fifo.csv"], landing, 100)


def test_a_name_that_is_not_utf_8_does_not_hide_the_others(root: Path, zone: SftpZone, landing: LandingStore) -> None:
    Path(os.fsdecode(os.fsencode(root / "incoming") + b"/\xff.csv")).write_bytes(b"x")
    listed = {entry.name: entry for entry in zone.list("incoming")}
    assert list(listed) == [r"\xff.csv", "there.csv"]
    assert take(zone, r"incoming/\xff.csv", listed[r"\xff.csv"], landing, 10).size == 1
    zone.remove(r"incoming/\xff.csv")
    assert [entry.name for entry in zone.list("incoming")] == ["there.csv"]


def test_reading_stops_at_the_limit_over_sftp_too(root: Path, zone: SftpZone) -> None:
    (root / "incoming" / "big.csv").write_bytes(b"x" * 2_000_000)
    copy = io.BytesIO()
    with pytest.raises(TooLarge):
        zone.read("incoming/big.csv", copy, 500_000)
    assert len(copy.getvalue()) <= 500_000
    assert zone.list("check")


def test_a_file_that_changed_since_its_listing_is_not_taken(root: Path, zone: SftpZone, landing: LandingStore) -> None:
    (listed,) = zone.list("incoming")
    (root / "incoming" / "there.csv").write_bytes(b"there and more")
    with pytest.raises(Changed):
        take(zone, "incoming/there.csv", listed, landing, 100)
    (root / "incoming" / "there.csv").unlink()
    with pytest.raises(Missing, match=r"incoming/there\.csv could not be looked at"):
        take(zone, "incoming/there.csv", listed, landing, 100)


def test_what_the_server_refuses_is_told_with_the_place_and_the_operation(root: Path, zone: SftpZone) -> None:
    with pytest.raises(ZoneError, match=r"^incoming/a\.csv could not be written: This account may not do that here\.$"):
        zone.write("incoming/a.csv", b"")
    with pytest.raises(ZoneError, match="is not a folder of a zone"):
        zone.list("../kirana/incoming")


def test_a_zone_without_its_folder_fails_and_is_not_empty(running: Services, zone: SftpZone, root: Path) -> None:
    (root / "check" / "there.csv").unlink()
    (root / "check").rmdir()
    try:
        with pytest.raises(Missing, match=r"check/ could not be listed: there is no such file or folder\."):
            zone.list("check")
    finally:
        (root / "check").mkdir()


class Stalling:
    """A tunnel to the server that stops passing bytes on when told to."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.flowing = threading.Event()
        self.flowing.set()
        self._server = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        threading.Thread(target=self._pass, args=(self._server, client), daemon=True).start()
        self._pass(client, self._server)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65_536):
                self.flowing.wait(20)
                target.sendall(piece)

    def close(self) -> None:
        self.flowing.set()
        self._server.close()
        self._listener.close()


def test_a_stalled_server_is_a_failure_within_the_time_given(running: Services, root: Path) -> None:
    tunnel = Stalling(running.sftp_port)
    right = running.collector("indus")
    with contextlib.closing(tunnel):
        account = Account(right.host, tunnel.port, right.user, right.key_file, right.host_key)
        with connect(account) as client:
            zone = SftpZone(client, seconds=0.5)
            assert zone.list("incoming")
            tunnel.flowing.clear()
            with pytest.raises(ZoneError, match=r"incoming/ could not be listed: the zone did not answer in time\."):
                zone.list("incoming")
            tunnel.flowing.set()


def test_a_lost_connection_is_a_failure(running: Services, root: Path) -> None:
    with connect(running.collector("indus")) as client:
        zone = SftpZone(client, seconds=5)
        channel = client.get_channel()
        assert channel is not None
        channel.get_transport().close()
        with pytest.raises(ZoneError, match="incoming/ could not be listed"):
            zone.list("incoming")
