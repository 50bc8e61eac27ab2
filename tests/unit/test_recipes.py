"""The recipes of include/README.md, carried out with the examples that stand there."""

from __future__ import annotations

import bz2
import importlib
import inspect
import re
import runpy
import shutil
import textwrap
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from vpn_registry import formats, notices, roster, rulebook, settings, validation
from vpn_registry.campaign import plan_stages
from vpn_registry.cli.onboarding import problems
from vpn_registry.demo.sample_files import to_csv
from vpn_registry.demo.samples import sample
from vpn_registry.model import PAKISTAN, Feed, Mode, Outcome
from vpn_registry.notices.letters import FOLDER
from vpn_registry.one_pass import no_sftp
from vpn_registry.pipeline import collect
from vpn_registry.pipeline.exchange import open_exchange
from vpn_registry.rulebook.rule import Context, Rule
from vpn_registry.validation import expectations

README = (settings.INCLUDE / "README.md").read_text(encoding="utf-8")
MORNING = datetime(2026, 6, 16, 9, tzinfo=PAKISTAN)


def example(heading: str) -> str:
    """The code block below a heading."""
    chapter = README.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"^( *)```\w+\n(.+?)^ *```$", chapter, flags=re.DOTALL | re.MULTILINE)
    assert block is not None, heading
    return textwrap.dedent(block[2])


def run(folder: Path, module: str, code: str) -> dict[str, Any]:
    """What a module of ours holds with `code` added to it."""
    source = inspect.getsource(importlib.import_module(module))
    path = folder / "added.py"
    path.write_text(f"{source}\n{code}\n", encoding="utf-8")
    return runpy.run_path(str(path))


def test_an_isp_is_one_file_and_a_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isps = tmp_path / "isps"
    isps.mkdir()
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(tmp_path))
    monkeypatch.setenv("VPN_REGISTRY_ISPS", str(isps))
    monkeypatch.setenv("VPN_REGISTRY_SETTLE_SECONDS", "0")
    (isps / "multan.toml").write_text(example("Add an ISP").replace('sftp = "sftp_multan"', 'folder = "zones/multan"'))
    assert lacking() == [f"{tmp_path / 'zones/multan'} lacks incoming, check, outgoing."]
    zone = tmp_path / "zones/multan"
    for name in ("incoming", "check", "outgoing"):
        (zone / name).mkdir(parents=True)
    assert lacking() == []

    (zone / "incoming/multan_clients_full_20260615_0001.csv").write_text(to_csv(Feed.CLIENTS, []))
    exchange = open_exchange(settings.load(), open_sftp=no_sftp, as_of=MORNING)
    assert collect.zones_with_mail(exchange, sleep=lambda _: None) == ["multan"]
    assert len(collect.take(exchange, "multan", holder="test")) == 1
    assert (zone / "outgoing/multan_clients_full_20260615_0001.csv.receipt.json").exists()


def lacking() -> list[str]:
    """What `vpnreg isp check` says."""
    return [problem.sentence for problem in problems(settings.load())[1]]


def test_the_example_of_an_isp_with_an_account_loads_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "multan.toml"
    path.write_text(example("Add an ISP"), encoding="utf-8")
    assert roster.load_isp(path, tmp_path).sftp == "sftp_multan"


def test_a_rule_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = run(tmp_path, "vpn_registry.rulebook.agreement", f"ADDED = {example('Add a rule')}")["ADDED"]
    assert isinstance(rule, Rule)
    rules = (*rulebook.rules_of(Feed.REGISTRATIONS), rule)
    monkeypatch.setitem(rulebook._BY_FEED, Feed.REGISTRATIONS, rules)
    monkeypatch.setitem(rulebook._BY_CODE, rule.code, rule)
    monkeypatch.setattr(expectations, "_suite", expectations._suite.__wrapped__)  # the suite is kept once made
    content = sample().files("indus")["indus_registrations_full_20260610_0001.csv"].decode()
    header, first, *_ = content.splitlines()
    cells = dict(zip(header.split(","), first.split(","), strict=True)) | {"undertaking_on": rule.example}
    data = to_csv(Feed.REGISTRATIONS, [cells]).encode()

    decoded, found = validation.read(data, "csv", Feed.REGISTRATIONS)
    context = Context(isp="indus", today=date(2026, 6, 16), mode=Mode.DELTA, sample=True)
    verdict = validation.judge(decoded, found, feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=context)
    assert (verdict.outcome, verdict.counts_by_code[rule.code]) == (Outcome.ACCEPTED, 1)
    (line,) = [line for line in validation.row_findings(verdict).itertuples() if line.code == rule.code]
    assert line.message == "undertaking_on lies before 1 January 2010."


def test_a_stage_is_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "notices"
    shutil.copytree(FOLDER, folder)
    (folder / "t-21.md").write_text(example("Add a stage"), encoding="utf-8")
    letters = notices.load_letters(folder)
    campaign = roster.load_campaign()
    days = plan_stages(campaign.deadlines[0], letters.offsets, roster.load_holidays())
    assert date(2026, 6, 9) in [day.on for day in days if day.stage == "T-21" and day.merged_into is None]
    letter = notices.render(
        letters,
        notices.NoticeData(
            notice_no="N-2026-000001",
            form="T-21",
            dated_on=date(2026, 6, 9),
            deadline_on=campaign.deadlines[0].ends_on,
            isp=roster.load_isps(settings.INCLUDE / "isps", tmp_path)["indus"],
            campaign=campaign,
            tally=notices.Tally(0, 0, 0),
            parts=notices.contents.no_parts(),
        ),
    )
    assert letter.subject == "VPN registration: three weeks left (notice N-2026-000001)"
    assert "closes on 30 June 2026." in letter.text


def test_a_format_is_one_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = run(
        tmp_path, "vpn_registry.formats", f"import bz2\nfrom dataclasses import replace\n{example('Add a format')}"
    )
    monkeypatch.setitem(formats.DECODERS, "csv.bz2", added["decode_bzip2"])
    ((_, plain),) = sample().files("chenab").items()
    zipped, _ = validation.read(bz2.compress(plain), "csv.bz2", Feed.REGISTRATIONS)
    unzipped, _ = validation.read(plain, "csv", Feed.REGISTRATIONS)
    assert zipped is not None
    assert unzipped is not None
    assert zipped.frame.equals(unzipped.frame)
