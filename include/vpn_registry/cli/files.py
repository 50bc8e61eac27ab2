"""Commands about files before they are sent: check and template. They need no registry and write nothing."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vpn_registry import roster, settings, terminal
from vpn_registry.cli.options import AsJson, instant
from vpn_registry.model import PAKISTAN, ConfigurationError, Feed, Severity, pakistani_day

if TYPE_CHECKING:
    from vpn_registry.validation import Verdict

commands = typer.Typer()


@commands.command()
def check(
    files: list[Path],
    isp: Annotated[
        str | None, typer.Option("--isp", metavar="SLUG", help="Whose zone the files are meant for.")
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", parser=instant, metavar="TIME", help="Judge as if received then.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge files offline by the production rules; exit 1 when one has an error. Nothing is stored or sent."""
    today = pakistani_day(as_of or datetime.now(PAKISTAN))
    told = [_judged(file, isp, today) for file in files]
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        for one in told:
            _show(one)
    found = [finding for one in told for finding in (*one["findings"], *one["rows_with_findings"])]
    if any(finding["severity"] == Severity.ERROR for finding in found):
        raise typer.Exit(1)


@commands.command()
def template(feed: Feed) -> None:
    """An empty file of a feed: the header, and one example row to overwrite."""
    from vpn_registry.rulebook import columns_of

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in columns_of(feed)])
    writer.writerow([column.example for column in columns_of(feed)])
    typer.echo(text.getvalue(), nl=False)


def _judged(file: Path, slug: str | None, today: date) -> dict[str, Any]:
    from vpn_registry import validation
    from vpn_registry.rulebook import Context
    from vpn_registry.rulebook.files import UNOPENED, UNREADABLE_NAME, name_findings, parse_name

    if not file.is_file():
        raise typer.BadParameter(f"{file} is not a file")
    name = parse_name(file.name)
    zone = slug or (name.isp if name else "")
    findings = list(name_findings(name, zone=zone, received_on=today))
    feed, mode = (name.feed, name.mode) if name else UNREADABLE_NAME
    known = _roster().get(zone)
    context = Context(
        isp=zone,
        today=today,
        mode=mode,
        seq=name.seq if name else None,
        sample=known.sample if known else False,
        prefixes=known.prefixes if known else (),
    )
    decoded = None
    if name and not UNOPENED.intersection(finding.code for finding in findings):
        decoded, found = validation.read(file.read_bytes(), name.ext, feed)
        findings += found
    verdict = validation.judge(decoded, findings, feed=feed, mode=mode, context=context, with_suite=False)
    return _told(file, verdict)


def _roster() -> dict[str, roster.Isp]:
    """The ISPs this installation knows, for their prefixes; none where there is no roster."""
    try:
        here = settings.load()
        return roster.load_isps(here.isps, here.home)
    except ConfigurationError:
        return {}


def _told(file: Path, verdict: Verdict) -> dict[str, Any]:
    from vpn_registry import validation

    rows = verdict.rows
    counts = Counter(verdict.counts_by_code) + Counter(finding.code for finding in verdict.findings)
    return {
        "file": file.name,
        "outcome": str(verdict.outcome),
        "rows": {name: getattr(rows, name) for name in ("total", "accepted", "rejected", "duplicate", "warned")},
        "findings": [
            {"code": f.code, "severity": str(f.severity), "message": f.message, "remedy": f.remedy}
            for f in verdict.findings
        ],
        "counts_by_code": dict(sorted(counts.items())),
        "rows_with_findings": json.loads(validation.row_findings(verdict).to_json(orient="records")),
        "rulebook_version": verdict.rulebook_version,
    }


def _show(told: dict[str, Any]) -> None:
    console = terminal.console()
    rows = told["rows"]
    counts = f"{terminal.counted(rows['total'], 'row')}, {rows['accepted']} accepted, {rows['rejected']} rejected"
    console.print(f"{told['file']}: {told['outcome']}, {counts}", style="bold", markup=False, highlight=False)
    for finding in told["findings"]:
        line = f"  {finding['code']} {finding['severity']}: {finding['message']} {finding['remedy']}"
        console.print(line, markup=False, highlight=False)
    for finding in told["rows_with_findings"]:
        where = f"line {finding['line']}, {finding['column'] or 'row'}"
        likely = f" Likely: {finding['suggestion']}." if finding["suggestion"] else ""
        line = f"  {finding['code']} {finding['severity']} {where}: {finding['message']} {finding['remedy']}{likely}"
        console.print(line, markup=False, highlight=False)
