"""The installation as the page sees it: roster, campaign, and a registry that can only be looked at."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign, roster, settings
from vpn_registry.campaign import Campaign, Deadline
from vpn_registry.model import pakistani_day
from vpn_registry.registry import deadlines
from vpn_registry.registry.reader import Reader
from vpn_registry.roster import CAMPAIGN_FILE, Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_FRESH_SECONDS: Final = 15
"""How long the files of ISPs, campaign and holidays are remembered between two reads."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What does not change while one page is made."""

    reader: Reader
    isps: Mapping[str, Isp]
    campaign: Campaign
    holidays: frozenset[date]
    dags: frozenset[str]  # those there are: an action is offered only where its DAG exists

    def record(self, actor: str, action: str, object_type: str, object_id: str, **detail: str | int) -> None:
        """Write who looked at which client data, before it is shown. Raises NotAuditedError."""
        self.reader.record(actor, action, object_type, object_id, detail)

    @contextmanager
    def sitting(self) -> Iterator[Sitting]:
        """One snapshot of the registry with the day it is there. Raises ConfigurationError."""
        with self.reader.look() as look:
            today = pakistani_day(look.now)
            known = deadlines.continued(look.db, self.campaign, CAMPAIGN_FILE)
            yield Sitting(look.db, look.now, today, look.is_simulated, known)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One look at the registry: its session, its clock, and the campaign with every deadline recorded."""

    db: Session
    now: datetime
    today: date
    is_simulated: bool
    campaign: Campaign

    @property
    def deadline(self) -> Deadline:
        """The one in force for everybody."""
        return self.deadline_of("")

    def deadline_of(self, isp: str) -> Deadline:
        """The one in force for an ISP, which may have been given a later one."""
        return campaign.deadline_in_force(self.campaign, self.today, isp)

    @property
    def days_left(self) -> int:
        return campaign.days_left(self.deadline, self.today)


def open_desk() -> Desk:
    """The desk of this process's installation. Raises ConfigurationError for a wrong setting or file."""
    return _desk(int(time.monotonic()) // _FRESH_SECONDS)


@lru_cache(maxsize=1)
def _desk(_period: int) -> Desk:
    here = settings.load()
    return Desk(
        reader=Reader(here.database_url),
        isps=roster.load_isps(here.isps, here.home),
        campaign=roster.load_campaign(),
        holidays=roster.load_holidays(),
        dags=frozenset(path.stem for path in (settings.PROJECT / "dags").glob("*.py")),
    )
