"""README.md tells of commands, folders, figures and pictures that are there, and leaves none out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import pytest
import typer.main

from tests.unit.test_project import table
from vpn_registry import settings
from vpn_registry.cli.app import app
from vpn_registry.demo import samples
from vpn_registry.model import COMPARABLE, COVERED, TO_REGISTER, Status, percentage

README = (settings.PROJECT / "README.md").read_text(encoding="utf-8")
MOST_BYTES = 300_000


def commands(command: Any, path: str = "") -> Iterator[str]:
    """Every command as the table writes it: its arguments, then its options with what they take."""
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from commands(below, f"{path} {name}".strip())
        return
    shown = [path]
    for one in command.params:
        if one.param_type_name == "argument":
            shown.append((one.metavar or one.name).upper())
        elif not one.hidden:
            shown.append(one.opts[0] if one.required else f"[{one.opts[0]}]")
    yield " ".join(shown)


def written(cell: str) -> str:
    """A command of the table without what its options take, which the CLI doesn't always name."""
    return re.sub(r"(--[a-z-]+) [A-Z]+", r"\1", cell.strip("`").removeprefix("vpnreg "))


def test_the_table_of_commands_is_that_of_the_command_line() -> None:
    rows = table(README, "## Commands of vpnreg")
    assert [written(row[0]) for row in rows] == list(commands(typer.main.get_command(app)))
    assert all(row[1] for row in rows)


def test_commands_shown_in_the_text_exist() -> None:
    known = {line.split(" [")[0].split(" --")[0] for line in commands(typer.main.get_command(app))}
    words = {re.sub(r" [A-Z_]+", "", line) for line in known}
    for shown in re.findall(r"vpnreg ([a-z]+(?: [a-z]+)?)", README):
        assert shown in words or shown.split()[0] in words, f"README.md shows `vpnreg {shown}`"


def test_the_layout_names_what_is_there() -> None:
    rows = table(README, "## Layout")
    paths = [path for row in rows for path in re.findall(r"`([^`]+)`", row[0])]
    assert [path for path in paths if not (settings.PROJECT / path).exists()] == []
    (tests,) = [row[1] for row in rows if row[0] == "`tests/`"]
    folders = {
        path.name for path in (settings.PROJECT / "tests").iterdir() if path.is_dir() and path.name[0] not in "._"
    }
    assert set(re.findall(r"`([a-z]+)`", tests)) == folders


@pytest.mark.parametrize("isp", [slug for slug in samples.SLUGS if samples.sample().second.get(slug)])
def test_the_figures_of_the_demo_are_those_of_its_samples(isp: str) -> None:
    counts = Counter(samples.sample().second[isp].values())

    def total(statuses: Collection[Status]) -> int:
        return sum(counts[status] for status in statuses)

    share = percentage(total(COVERED), total(COMPARABLE))
    line = rf"^{isp} .* {total(counts)} +{total(TO_REGISTER)} +{share} of {total(COMPARABLE)} "
    assert re.search(line, README, flags=re.MULTILINE)


def test_the_pictures_are_shown_and_light() -> None:
    pictures = sorted(path.name for path in (settings.PROJECT / "docs/pictures").iterdir())
    assert sorted(set(re.findall(r"docs/pictures/(\w+\.png)", README))) == pictures
    for name in pictures:
        assert (settings.PROJECT / "docs/pictures" / name).stat().st_size < MOST_BYTES
