"""A real mail transfer agent: Postfix on a high loopback port, with a queue of its own, delivering into maildirs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vpn_registry.demo.mail_sink import free_port

POSTFIX = "/usr/sbin/postfix"
_DELIVERED_WITHIN = 20.0

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_protocols = ipv4
myhostname = relay.example
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = {domains}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = reject_unauth_destination
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str:
    """Why no server can be started here, or its mails not be read; '' when all is there."""
    if os.geteuid() != 0:
        return "not root: Postfix starts as root only"
    missing = [package for program, package in ((POSTFIX, "postfix"), ("reformime", "maildrop"))
               if shutil.which(program) is None]  # fmt: skip
    return f"not installed: Debian packages {', '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running server; each mailbox is a maildir called by its address."""

    folder: Path
    port: int

    def delivered(self, count: int) -> dict[str, list[bytes]]:
        """Address -> its mails, as soon as so many have been delivered in all. Raises TimeoutError."""
        until = time.monotonic() + _DELIVERED_WITHIN
        while time.monotonic() < until:
            found = sorted((self.folder / "mail").glob("*/new/*"))
            if len(found) >= count:
                mails: dict[str, list[bytes]] = {}
                for path in found:
                    mails.setdefault(path.parents[1].name, []).append(path.read_bytes())
                return mails
            time.sleep(0.05)
        raise TimeoutError((self.folder / "log").read_text("utf-8", "replace"))


@contextmanager
def postfix_server(mailboxes: Sequence[str]) -> Iterator[Postfix]:
    """Start Postfix with these mailboxes; an address of their domains that is none of them gets 550 5.1.1."""
    # Not under pytest's folder, which nobody but root may enter: mails are delivered as another user.
    folder = Path(tempfile.mkdtemp(prefix="vpnmail-"))
    folder.chmod(0o755)
    owner = pwd.getpwnam("postfix")
    server = Postfix(folder, free_port())
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    domains = " ".join(sorted({address.partition("@")[2] for address in mailboxes}))
    main = _MAIN.format(folder=folder, domains=domains, uid=owner.pw_uid, gid=owner.pw_gid)
    (folder / "etc" / "main.cf").write_text(main, "utf-8")
    (folder / "etc" / "master.cf").write_text(_MASTER.format(port=server.port), "utf-8")
    (folder / "etc" / "mailboxes").write_text("".join(f"{one} {one}/\n" for one in mailboxes), "utf-8")
    try:
        _postfix(folder, "start")
        yield server
    finally:
        _postfix(folder, "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _postfix(folder: Path, verb: str) -> None:
    """Both verbs return when they are done: started means that the port is open, stopped that every process is gone."""
    subprocess.run([POSTFIX, "-c", folder / "etc", verb], check=True, capture_output=True, timeout=60)
