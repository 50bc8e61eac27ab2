"""The season on the embedded stack, told as it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path

from rich.console import Console

from vpn_registry import one_pass, roster, settings
from vpn_registry.demo import samples, season, season_report
from vpn_registry.demo.deliver import deliver
from vpn_registry.demo.season import Season
from vpn_registry.demo.season_report import Told
from vpn_registry.demo.services import Services, services
from vpn_registry.demo.story import SETTLE_SECONDS
from vpn_registry.model import PAKISTAN, ConfigurationError, ZoneFolder, counted, pakistani_day
from vpn_registry.one_pass import DagResult, no_sftp
from vpn_registry.pipeline.exchange import Exchange, open_exchange
from vpn_registry.registry import audit, chronicle
from vpn_registry.settings import INCLUDE, Settings


@dataclass(slots=True)
class _DagOffice:
    """The embedded stack: zones over SFTP, the production DAGs in this process, a clock that the season moves."""

    here: Settings
    servers: Services
    log: Path
    results: list[DagResult] = field(default_factory=list)

    def at(self, moment: datetime) -> Exchange:
        return open_exchange(self.here, open_sftp=no_sftp, as_of=moment)

    def deliver(self, isp: str, files: Mapping[str, bytes], folder: ZoneFolder) -> None:
        if files:
            deliver(self.servers.account(isp), files, folder)

    def collect(self) -> None:
        self._run("collect_deliveries")

    def chase(self) -> None:
        self._run("chase_filers")

    def send(self) -> None:
        self._run("send_notices")

    def _run(self, dag: str) -> None:
        self.results.append(one_pass.run_dag(dag, self.log))


def tell(here: Settings, console: Console, *, start: int, end: int) -> Told:
    """Play the season in `here.home`, print each day when it is over, and read back what became of it.

    A home in which a season is over is not played again: its days are printed from what it holds. Raises
    ConfigurationError for a home that holds anything else.
    """
    settings.provide(
        {
            "VPN_REGISTRY_HOME": str(here.home),
            "VPN_REGISTRY_ISPS": str(INCLUDE / "isps"),
            "VPN_REGISTRY_SETTLE_SECONDS": SETTLE_SECONDS,
        }
    )
    here = settings.load()
    first = season.first_day(roster.load_campaign(), start, roster.load_holidays())
    is_over = _is_over(here, first, end)
    with services(here.home, samples.SLUGS) as servers:
        failed = [] if is_over else _play(here, servers, console, Season(start, end, first))
        exchange = open_exchange(here, open_sftp=no_sftp)
        if is_over:
            season_report.show_days(console, exchange, first, pakistani_day(exchange.now()))
        ours = {contact.email for isp in exchange.isps.values() for contact in isp.contacts}
        received = [mail.message_id for mail in servers.mails() if ours.intersection(mail.to)]
        return season_report.read(exchange, first, received=received, failed=failed)


def _is_over(here: Settings, first: date, end: int) -> bool:
    """Whether the home holds a season that was played to its end; False for an empty home, which becomes simulated."""
    start_at = datetime.combine(first, time_of_day(), PAKISTAN)
    try:
        exchange = open_exchange(here, open_sftp=no_sftp, as_of=start_at)
    except ConfigurationError:
        exchange = open_exchange(here, open_sftp=no_sftp)  # its clock stands later, or it is something else
    with exchange.registry.reading() as db:
        is_empty = not chronicle.filed(db)
    today = pakistani_day(exchange.now())
    is_over = not is_empty and today >= season.last_day(exchange, today, end)
    if not exchange.registry.is_simulated or not (is_empty or is_over):
        raise ConfigurationError(
            f"{here.home} holds something else already; a season needs an empty home: VPN_REGISTRY_HOME names one."
        )
    return is_over


def _next(days: Iterator[date], log: Path) -> date | None:
    """The next day, played; what the library logs meanwhile goes where the DAGs' log goes, not among the calendar."""
    with one_pass.output_to(log):
        return next(days, None)


def _play(here: Settings, servers: Services, console: Console, played: Season) -> list[str]:
    """Play it and print each day when it is over; the DAG runs that did not succeed."""
    console.print(f"Home {here.home}; preparing Airflow (half a minute) ...", style="dim", highlight=False)
    office = _DagOffice(here, servers, one_pass.prepare(here, servers.environment))
    started = time.monotonic()
    with console.status("The season begins ...") as status:
        days = played.play(office)
        while (day := _next(days, office.log)) is not None:
            exchange = open_exchange(here, open_sftp=no_sftp)
            season_report.show_days(console, exchange, day, day)
            status.update(f"{day:%d %B} is over; {counted(len(office.results), 'DAG run')} so far ...")
    audit.seal(exchange.registry, exchange.now())
    console.print(
        f"{counted(len(office.results), 'DAG run')} in {time.monotonic() - started:.0f} s; their log is {office.log}",
        style="dim",
        highlight=False,
    )
    return [f"{result.dag}: {', '.join(result.failed)}" for result in office.results if not result.is_success]
