"""The demo's SFTP server and mail sink for one home, and the Airflow connections that lead to them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncssh

from vpn_registry.demo import mail_sink
from vpn_registry.demo.sftp_server import ZoneServer
from vpn_registry.demo.sftp_session import COLLECTOR
from vpn_registry.roster import Isp

SENDER: Final = "vpn-registry@registry.example"
"""From whom the demo's letters come: a reserved domain, so that nothing can reach a real mailbox."""


@dataclass(frozen=True, slots=True)
class Account:
    """How to log in to one zone: the ISP's own account, or the collector's."""

    host: str
    port: int
    user: str
    key_file: Path
    host_key: str  # "ssh-ed25519 AAAA...", pinned


@dataclass(frozen=True, slots=True)
class Services:
    """Two running servers. `environment` holds the Airflow connections: `sftp_<slug>` per ISP and `smtp_default`."""

    environment: dict[str, str]
    zones: Path
    mail: Path
    sftp_port: int
    smtp_port: int
    host_key: str
    keys: Path

    def account(self, slug: str) -> Account:
        """The ISP's own account, as its staff would use it."""
        return self._account(slug)

    def collector(self, slug: str) -> Account:
        """The account behind the ISP's Airflow connection."""
        return self._account(f"{COLLECTOR}{slug}")

    def mails(self) -> list[mail_sink.Mail]:
        """What the sink accepted so far, in order of arrival."""
        return mail_sink.read_mails(self.mail)

    def _account(self, user: str) -> Account:
        return Account("127.0.0.1", self.sftp_port, user, self.keys / user, self.host_key)


@contextmanager
def services(home: Path, slugs: Iterable[str]) -> Iterator[Services]:
    """Start both servers for `home` and stop them at the end of the block.

    Zones are `<home>/zones/<slug>`, mail is `<home>/mail`. Keys (mode 0600) and the ports last used are kept in
    `<home>/demo`, so that connections stay valid from one start to the next while the ports are free.
    """
    keys, zones, mail = home / "demo" / "keys", home / "zones", home / "mail"
    accounts = [account for slug in slugs for account in (slug, COLLECTOR + slug)]
    public = {account: _key_pair(keys / account) for account in accounts}
    _key_pair(keys / "host")
    sftp_port, smtp_port = _ports(home / "demo" / "ports.json")
    with ExitStack() as stack:
        server = stack.enter_context(ZoneServer(zones, public, (keys / "host").read_text("ascii"), port=sftp_port))
        sink = stack.enter_context(mail_sink.MailSink(mail, port=smtp_port))
        _remember(home / "demo" / "ports.json", server.port, sink.port)
        running = Services({}, zones, mail, server.port, sink.port, server.host_key, keys)
        running.environment["AIRFLOW_CONN_SMTP_DEFAULT"] = json.dumps(mail_sink.connection(sink.port, SENDER))
        for account in accounts:
            if account.startswith(COLLECTOR):
                slug = account.removeprefix(COLLECTOR)
                variable = f"AIRFLOW_CONN_SFTP_{slug.upper()}"
                running.environment[variable] = json.dumps(connection(running.collector(slug)))
        yield running


@contextmanager
def stand_ins(home: Path, isps: Iterable[Isp], given: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Servers for the connections a simulated home lacks; yields them as `AIRFLOW_CONN_*` variables.

    `given` are the connections of the environment: none of these is replaced. Mail that has no relay goes to
    `<home>/mail`, and a zone `sftp_<slug>` without a connection is served from `<home>/zones`: in a simulated home
    nothing reaches anybody by mistake.
    """
    slugs = [isp.slug for isp in isps if isp.sftp == f"sftp_{isp.slug}"]
    wanted = ["AIRFLOW_CONN_SMTP_DEFAULT", *(f"AIRFLOW_CONN_SFTP_{slug.upper()}" for slug in slugs)]
    if all(name in given for name in wanted):
        yield {}
        return
    with services(home, slugs) as running:
        yield {name: value for name, value in running.environment.items() if name not in given}


def connection(account: Account) -> dict[str, object]:
    """The Airflow connection of a zone's account, to be given as JSON: key log-in, pinned host key, one attempt."""
    return {
        "conn_type": "sftp",
        "host": account.host,
        "port": account.port,
        "login": account.user,
        "extra": {
            "key_file": str(account.key_file),
            "host_key": account.host_key,
            "no_host_key_check": False,
            "look_for_keys": False,
            "allow_agent": False,
            "conn_timeout": 10,
        },
    }


def _key_pair(path: Path) -> str:
    """The public half of the ed25519 key in `path`, which is made when it isn't there yet."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = asyncssh.generate_private_key("ssh-ed25519")
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(key.export_private_key("openssh"))
        aside.replace(path)
    return asyncssh.read_private_key(path).export_public_key("openssh").decode("ascii")


def _ports(path: Path) -> tuple[int, int]:
    """The ports used last as far as they are free, else 0 (any free one)."""
    try:
        used = json.loads(path.read_text("ascii"))
        ports = (int(used["sftp"]), int(used["smtp"]))
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0
    return (ports[0] if _is_free(ports[0]) else 0), (ports[1] if _is_free(ports[1]) else 0)


def _remember(path: Path, sftp_port: int, smtp_port: int) -> None:
    path.write_text(json.dumps({"sftp": sftp_port, "smtp": smtp_port}) + "\n", "ascii")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True
