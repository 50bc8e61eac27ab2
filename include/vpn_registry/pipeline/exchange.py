"""The installation as one object: registry, roster, campaign, landing store, and the way into each zone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from vpn_registry import roster
from vpn_registry.campaign import Campaign
from vpn_registry.dropzone import FolderZone, SftpZone, Zone
from vpn_registry.journal import Journal
from vpn_registry.landing import LandingStore
from vpn_registry.registry import deadlines, home, ledger
from vpn_registry.registry.home import Registry
from vpn_registry.roster import CAMPAIGN_FILE, Isp
from vpn_registry.settings import INCLUDE, Settings

log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 20 * 60
"""As long as a task may run (`execution_timeout` of the DAGs): the lease of a worker that died where nobody can see it
frees itself after that."""

OpenSftp = Callable[[str], AbstractContextManager[Any]]
"""An Airflow connection id -> a context manager that yields paramiko's SFTPClient."""


class Post(Protocol):
    """An open connection to the relay: sends frozen bytes to one recipient, or raises what the server did."""

    @property
    def from_email(self) -> str | None: ...

    def post(self, recipient: str, frozen: bytes) -> None: ...


MailRelay = Callable[[], AbstractContextManager[Post]]
"""Connects to the mail relay; an error on entry means that nothing was sent."""


@dataclass(frozen=True)
class Exchange:
    registry: Registry
    isps: Mapping[str, Isp]
    campaign: Campaign
    holidays: frozenset[date]
    landing: LandingStore
    journal: Journal
    open_sftp: OpenSftp

    def now(self) -> datetime:
        """The installation's clock: real time, or the instant at which a simulated home stands."""
        return self.registry.now()

    def open_zone(self, isp: Isp) -> AbstractContextManager[Zone]:
        """The way into one ISP's zone; the connection is looked up now and dialled on entry."""
        if isp.folder is not None:
            return nullcontext(FolderZone(isp.folder))
        return _sftp_zone(self.open_sftp(str(isp.sftp)))

    @contextmanager
    def leased(self, isp: Isp, holder: str) -> Iterator[bool]:
        """Whether this holder may work on the ISP now; nobody else does until the end of the block."""
        with self.registry.writing() as db:
            # A lease guards against processes, so it runs on the real clock also in a simulated home.
            is_ours = ledger.lease(db, isp.slug, holder, at=self.registry.real_now(), seconds=LEASE_SECONDS)
        if not is_ours:
            log.warning("%s: another run is at work on this zone; left to it.", isp.slug)
            yield False
            return
        try:
            yield True
        finally:
            with self.registry.writing() as db:
                ledger.release(db, isp.slug, holder)


@contextmanager
def _sftp_zone(dialled: AbstractContextManager[Any]) -> Iterator[Zone]:
    with dialled as client:
        yield SftpZone(client)


def _campaign(registry: Registry) -> Campaign:
    written = roster.load_campaign(CAMPAIGN_FILE)
    with registry.reading() as db:
        return deadlines.continued(db, written, CAMPAIGN_FILE)


def open_exchange(settings: Settings, *, open_sftp: OpenSftp, as_of: datetime | None = None, run: str = "") -> Exchange:
    """Open this installation, for the DAG run `run` if one asks; `as_of` only for a simulated home (contract section
    9).

    The campaign is that of campaign.toml with the deadlines recorded in the registry. Raises ConfigurationError for a
    wrong setting or file, another schema, a missing key file, or sample ISPs on a home that is not simulated.
    """
    registry = home.open_home(settings, as_of=as_of, run=run)
    isps = roster.load_isps(settings.isps, settings.home)
    roster.refuse_samples(isps, is_simulated=registry.is_simulated)
    return Exchange(
        registry=registry,
        isps=isps,
        campaign=_campaign(registry),
        holidays=roster.load_holidays(INCLUDE / "holidays.toml"),
        landing=LandingStore(settings.landing, registry.keys.encrypt, registry.keys.decrypt),
        journal=Journal(settings.journal),
        open_sftp=open_sftp,
    )
