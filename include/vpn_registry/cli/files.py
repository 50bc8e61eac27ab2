"""Commands about files before they are sent: check and template. They need no registry and write nothing.

Neither loads Airflow, a database driver or Great Expectations: ISPs run them on machines of their own.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vpn_registry import roster, settings, terminal
from vpn_registry.cli.options import AsJson, instant
from vpn_registry.dropzone import declared_in
from vpn_registry.model import (
    ENGLISH,
    LANGUAGES,
    PAKISTAN,
    USUAL_LIMITS,
    ConfigurationError,
    Feed,
    Mode,
    pakistani_day,
)

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
    language: Annotated[
        str | None, typer.Option("--lang", metavar="en|ur", help="The ISP's own language, else English.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Judge files offline by the production rules, each for itself; exit 1 when one has an error. Nothing is stored."""
    from vpn_registry.cli import checking

    if language not in (None, *LANGUAGES):
        raise typer.BadParameter(f"{language!r} is none of {', '.join(LANGUAGES)}", param_hint="--lang")
    for file in files:
        if not file.is_file() or not os.access(file, os.R_OK):
            raise typer.BadParameter(f"{file} is not a file that can be read")
    today = pakistani_day(as_of or datetime.now(PAKISTAN))
    known = _roster()
    told = []
    for file in files:
        slug = isp or file.name.partition("_")[0]
        judged = _judged(file, isp, known.get(slug), today)
        own = known[slug].language if slug in known else ENGLISH
        told.append(checking.report(file.name, judged, language or own))
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in told], indent=2, ensure_ascii=False))
    else:
        checking.show(terminal.console(), told)
    if any(one.has_error for one in told):
        raise typer.Exit(1)


@commands.command()
def template(feed: Feed) -> None:
    """An empty file of a feed: the header, and one example row; the name to save it under goes to stderr."""
    from vpn_registry.rulebook import columns_of

    mode = Mode.FULL if feed is Feed.CLIENTS else Mode.DELTA
    today = pakistani_day(datetime.now(PAKISTAN))
    typer.echo(f"Save it as <isp>_{feed}_{mode}_{today:%Y%m%d}_<seq>.csv, for example with 0001 as seq.", err=True)

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in columns_of(feed)])
    writer.writerow([column.example for column in columns_of(feed)])
    typer.echo(text.getvalue(), nl=False)


def _judged(file: Path, slug: str | None, known: roster.Isp | None, today: date) -> Verdict:
    """The verdict that the pipeline would give, as far as the file alone decides it."""
    from vpn_registry import validation
    from vpn_registry.rulebook import Context
    from vpn_registry.rulebook.file_names import name_findings, parse_name
    from vpn_registry.rulebook.files import UNOPENED, UNREADABLE_NAME, file_finding

    name = parse_name(file.name)
    zone = slug or (name.isp if name else "")
    findings = list(name_findings(name, zone=zone, received_on=today))
    feed, mode = (name.feed, name.mode) if name else UNREADABLE_NAME
    context = Context(
        isp=zone,
        today=today,
        mode=mode,
        seq=name.seq if name else None,
        sample=known.sample if known else False,
        prefixes=known.prefixes if known else (),
    )
    limits = known.limits if known else USUAL_LIMITS
    if file.stat().st_size > limits.delivered_bytes:
        findings.append(file_finding("F211", limit=limits.delivered_bytes))
        data = b""
    else:
        data = file.read_bytes()
        if _declared(file) not in (None, hashlib.sha256(data).hexdigest()):
            findings.append(file_finding("F212"))
    decoded = None
    if name and not UNOPENED.intersection(finding.code for finding in findings):
        decoded, found = validation.read(data, name.ext, feed, stem=name.stem, limits=limits)
        findings += found
    tolerance = (known.reject_ratio, known.reject_rows) if known else (0.10, 20)
    return validation.judge(
        decoded, findings, feed=feed, mode=mode, context=context, tolerance=tolerance, with_suite=False
    )


def _declared(file: Path) -> str | None:
    """The checksum in the file's sidecar, None when there is none."""
    sidecar = file.with_name(f"{file.name}.sha256")
    return declared_in(sidecar.read_bytes()) if sidecar.is_file() else None


def _roster() -> dict[str, roster.Isp]:
    """The ISPs this installation knows, for their prefixes; none where there is no roster."""
    try:
        here = settings.load()
        return roster.load_isps(here.isps, here.home)
    except ConfigurationError:
        return {}
