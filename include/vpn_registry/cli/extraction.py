"""The command that gives an ISP its own registry: extract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from vpn_registry import one_pass, settings
from vpn_registry.cli.options import AsJson, known_isp
from vpn_registry.cli.work import stand_ins_for

if TYPE_CHECKING:
    from vpn_registry.pipeline.exchange import Exchange

commands = typer.Typer()


@commands.command()
def extract(isp: Annotated[str, typer.Argument(metavar="ISP")], as_json: AsJson = False) -> None:
    """An ISP's own registry into its `outgoing/extract/`: CSV with a summary, identity numbers masked; audited."""
    from vpn_registry.pipeline import outgoing
    from vpn_registry.pipeline.exchange import open_exchange

    known_isp(isp)
    here = settings.load()
    exchange = open_exchange(here, open_sftp=one_pass.no_sftp)
    path = outgoing.extract(exchange, isp, actor="vpnreg")
    is_written = _write(exchange, isp)
    if as_json:
        typer.echo(json.dumps({"isp": isp, "path": f"outgoing/{path}", "is_written": is_written}, indent=2))
    else:
        where = "lies in the zone" if is_written else "is queued; the next run of collect_deliveries writes it"
        typer.echo(f"{isp}: outgoing/{path} {where}.")


def _write(exchange: Exchange, isp: str) -> bool:
    """Write what is queued, where this process has a way into the zone; whether it did.

    Connections of a real home live in Airflow: there the pipeline's next pass writes.
    """
    from vpn_registry.pipeline.collect import answer
    from vpn_registry.pipeline.exchange import open_exchange

    if exchange.isps[isp].folder is not None:
        return answer(exchange, isp, holder="vpnreg extract") > 0
    if not exchange.registry.is_simulated:
        return False
    here = exchange.registry.settings
    with stand_ins_for(exchange.registry) as connections:
        one_pass.prepare(here, connections)
        return answer(open_exchange(here, open_sftp=one_pass.sftp_client), isp, holder="vpnreg extract") > 0
