"""The demo: sample ISPs drop files over SFTP, the DAGs run, a person approves, letters arrive in the mail sink.

Everything is real but the ISPs: an SFTP server and a mail sink on loopback, the production DAGs, the registry in
SQLite. The clock stands at the fixed instant of the sample data. A second run finds nothing new and sends nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from vpn_registry import airflow_services, one_pass, settings
from vpn_registry.campaign import deadline_in_force
from vpn_registry.demo import samples
from vpn_registry.demo.deliver import deliver
from vpn_registry.demo.services import Services, services
from vpn_registry.model import TO_REGISTER, ConfigurationError, Severity, ZoneFolder, iso_utc, pakistani_day, percentage
from vpn_registry.one_pass import DagResult, no_sftp
from vpn_registry.pipeline import notify
from vpn_registry.pipeline.exchange import Exchange, open_exchange
from vpn_registry.pipeline.overview import Overview, overview
from vpn_registry.registry import audit, home, queries
from vpn_registry.rulebook import rule
from vpn_registry.settings import Settings
from vpn_registry.terminal import show_overview

SETTLE_SECONDS = "1"
"""The demo's ISPs don't upload over slow lines: waiting half a minute would show nothing."""
OPERATOR = "demo-operator"
REASON = "Demo: figures compared with include/samples/README.md"
TOP_REASONS = 3


class _Delivery(NamedTuple):
    """The columns of the deliveries view that the report shows."""

    delivery_id: int
    isp: str
    folder: str
    file_name: str
    outcome: str
    rows_accepted: int
    rows_rejected: int


def tell(here: Settings, console: Console, *, with_ui: bool = False) -> int:
    """Run the demo in `here.home` and print what happened; with `with_ui` Airflow stays up until Ctrl-C.

    Returns the exit code: 0, or 1 when a DAG failed. Raises ConfigurationError when the home holds a real registry.
    """
    settings.provide(
        {
            "VPN_REGISTRY_HOME": str(here.home),
            "VPN_REGISTRY_ISPS": str(settings.INCLUDE / "isps"),
            "VPN_REGISTRY_SETTLE_SECONDS": SETTLE_SECONDS,
        }
    )
    here = settings.load()
    registry = _simulated(here)
    with services(here.home, samples.SLUGS) as servers:
        _say(console, f"Home {here.home}, time {iso_utc(registry.now())} (simulated)")
        console.print("Preparing Airflow's own database (half a minute the first time) ...", style="dim")
        log = one_pass.prepare(here, servers.environment)
        run = _runner(console, log)
        has_run_before = _has_deliveries(registry)
        results = _filing(console, servers, run) if not has_run_before else [run("collect_deliveries")]
        results += _notices(console, here, run)
        _say(console, "Who is silent is reminded, and the data team gets its report of the day")
        results.append(run("chase_filers"))
        _report(console, here, servers)
        if with_ui:
            _serve(console, here, servers)
    return 0 if all(result.is_success for result in results) else 1


def _simulated(here: Settings) -> home.Registry:
    try:
        return home.open_home(here, as_of=samples.INSTANT)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{here.home} can't hold the demo: {error} For a new one name an empty folder in VPN_REGISTRY_HOME."
        ) from None


def _has_deliveries(registry: home.Registry) -> bool:
    with registry.reading() as db:
        return len(queries.export(db, "deliveries")) > 0


def _runner(console: Console, log: Path) -> Callable[[str], DagResult]:
    def run(dag: str) -> DagResult:
        started = time.monotonic()
        with console.status(f"{dag} ..."):
            result = one_pass.run_dag(dag, log)
        told = f"  {dag:<20} {result.state} in {time.monotonic() - started:.0f} s"
        console.print(told + (f": {', '.join(result.failed)} failed" if result.failed else ""), highlight=False)
        return result

    return run


def _filing(console: Console, servers: Services, run: Callable[[str], DagResult]) -> list[DagResult]:
    """Both rounds of the sample story: what the ISPs drop first, and what they drop after the answers."""
    told = samples.sample()
    results = []
    for again in (False, True):
        _say(console, "They read the answers, and file again" if again else "The ISPs drop their files over SFTP")
        for slug in samples.SLUGS:
            for folder in ZoneFolder:
                files = told.files(slug, again=again, folder=folder)
                if files:
                    deliver(servers.account(slug), files, folder)
                    console.print(f"  {slug:<9} {folder}/  {', '.join(files)}", highlight=False)
        results += [run("collect_deliveries"), run("reconcile_clients")]
    return results


def _notices(console: Console, here: Settings, run: Callable[[str], DagResult]) -> list[DagResult]:
    """Plan and brake; approve what is held as the demo's operator; send."""
    _say(console, "Notices are planned; the brake holds what a person has to see first")
    results = [run("send_notices")]
    told = overview(_exchange(here))
    for isp in told.isps:
        for number, reason in isp.held.items():
            console.print(f"  held      {number} to {isp.isp}: {reason}", highlight=False)
    approved = notify.approve(home.open_home(here), actor=OPERATOR, reason=REASON)
    if approved:
        console.print(f"  approved  {', '.join(approved)} by {OPERATOR}, as the approval form would", highlight=False)
        results.append(run("send_notices"))
    else:
        console.print("  nothing is held, nothing is due: nothing is sent", highlight=False)
    return results


def _report(console: Console, here: Settings, servers: Services) -> None:
    exchange = _exchange(here)
    audit.seal(exchange.registry, exchange.now())
    told = overview(exchange)
    _say(console, "Where everything stands")
    show_overview(console, told)
    _show_deliveries(console, exchange)
    _show_unregistered(console, exchange, told)
    _show_mails(console, servers)
    _say(console, "Where to find everything")
    for what, where in (
        ("answers to each ISP", "zones/<isp>/outgoing/"),
        ("mails received", "mail/"),
        ("registry", "registry.sqlite"),
        ("log of the DAGs", "airflow/service-logs/one-pass.log"),
    ):
        console.print(f"  {what:<20} {here.home / where}", highlight=False)
    console.print(
        "  vpnreg status, vpnreg explain kirana KIR-1020, vpnreg export registry, make demo ARGS=--ui", highlight=False
    )


def _show_deliveries(console: Console, exchange: Exchange) -> None:
    with exchange.registry.reading() as db:
        deliveries = queries.export(db, "deliveries")
        findings = queries.export(db, "findings")
    _say(console, "Deliveries, and what was found in them most often")
    for one in map(_Delivery._make, deliveries[list(_Delivery._fields)].itertuples(index=False)):
        name = one.file_name if one.folder == ZoneFolder.INCOMING else f"{one.folder}/{one.file_name}"
        rows = f"{one.rows_accepted} rows accepted, {one.rows_rejected} rejected"
        console.print(f"  {one.isp:<9} {name}: {one.outcome}, {rows}", highlight=False, markup=False)
        codes = Counter(findings.loc[findings["delivery_id"] == one.delivery_id, "code"])
        for code, count in sorted(codes.items(), key=_errors_first)[:TOP_REASONS]:
            console.print(f"{'':<14}{code} {rule(code).title}: {count}", style="dim", highlight=False)


def _errors_first(counted: tuple[str, int]) -> tuple[bool, int, str]:
    code, count = counted
    return rule(code).severity is not Severity.ERROR, -count, code


def _show_unregistered(console: Console, exchange: Exchange, told: Overview) -> None:
    deadline = deadline_in_force(exchange.campaign, pakistani_day(exchange.now()))
    _say(console, f"Clients to register by {deadline.ends_on:%d %B %Y}")
    with exchange.registry.reading() as db:
        clients = queries.export(db, "clients")
    for isp in told.isps:
        if not isp.clients:
            console.print(f"  {isp.isp:<9} no client list: nothing can be said of its clients", highlight=False)
            continue
        named = clients[(clients["isp"] == isp.isp) & clients["status"].isin([status.value for status in TO_REGISTER])]
        console.print(
            f"  {isp.isp:<9} coverage {percentage(isp.covered, isp.comparable or 0)} of {isp.comparable or 0}; "
            f"{isp.to_register} to register: {', '.join(named['subscriber_id'])}",
            highlight=False,
        )


def _show_mails(console: Console, servers: Services) -> None:
    mails = servers.mails()
    _say(console, f"The mail sink received {len(mails)} mails")
    for mail in sorted(mails, key=lambda mail: mail.subject):
        console.print(f"  to {', '.join(mail.to)}: {mail.subject}", highlight=False)


def _serve(console: Console, here: Settings, servers: Services) -> None:
    airflow = airflow_services.prepare(
        here.home, settings.environment(""), port=airflow_services.free_port(), extra=servers.environment
    )
    console.print("\nStarting Airflow's services (half a minute to two) ...", style="dim")
    airflow_services.migrate(airflow)
    with airflow_services.running(airflow) as running:
        _say(console, f"Airflow listens on {airflow.url}")
        console.print(f"  user admin, password {airflow_services.password(airflow)}; Ctrl-C stops everything")
        try:
            running.watch()
        except KeyboardInterrupt:
            console.print("Stopping ...", style="dim")


def _exchange(here: Settings) -> Exchange:
    return open_exchange(here, open_sftp=no_sftp)


def _say(console: Console, what: str) -> None:
    console.print(f"\n{what}", style="bold", highlight=False)
