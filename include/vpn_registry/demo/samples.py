"""The sample deliveries: six invented ISPs fourteen days before the deadline, and the figures that must come out.

`python -m vpn_registry.demo.samples` writes include/samples anew; a test keeps the committed files equal to this module
and this module equal to what the pipeline says of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from vpn_registry.demo import sample_stories
from vpn_registry.demo.sample_files import Drop
from vpn_registry.model import COMPARABLE, COVERED, PAKISTAN, TO_REGISTER, Status, ZoneFolder, percentage
from vpn_registry.settings import INCLUDE

INSTANT: Final = datetime(2026, 6, 16, 9, 0, tzinfo=PAKISTAN)
"""When the story takes place; `vpnreg demo` sets the clock of its home to it."""

DAY: Final = INSTANT.date()
FOLDER: Final = INCLUDE / "samples"
SLUGS: Final = ("chenab", "indus", "kirana", "margalla", "ravi", "sahil")


@dataclass(frozen=True, slots=True)
class Sample:
    """All drops in the order in which they are made, and each client's status after the first and the second round."""

    drops: tuple[Drop, ...]
    first: dict[str, dict[str, Status]] = field(default_factory=dict)
    second: dict[str, dict[str, Status]] = field(default_factory=dict)

    def files(self, isp: str, *, again: bool = False, folder: ZoneFolder = ZoneFolder.INCOMING) -> dict[str, bytes]:
        """What this ISP drops into one folder, first or `again`: name -> bytes, in order."""
        return {
            drop.name: drop.content
            for drop in self.drops
            if (drop.isp, drop.again, drop.folder) == (isp, again, folder)
        }


def sample(day: date = DAY) -> Sample:
    """The whole story, told relative to `day` (Pakistani): file names, validities and expected statuses follow it."""
    stories = [sample_stories.indus(day), sample_stories.kirana(day), sample_stories.margalla(day)]
    stories += [sample_stories.sahil(day), sample_stories.chenab(day)]
    return Sample(
        drops=tuple(drop for story in stories for drop in story.drops),
        first={story.slug: dict(story.first) for story in stories},
        second={story.slug: {**story.first, **story.second} for story in stories},
    )


def committed() -> Sample:
    """The story as it lies in include/samples: its files' bytes are read from there."""
    told = sample()
    drops = tuple(replace(drop, content=(FOLDER / path_of(drop)).read_bytes()) for drop in told.drops)
    return replace(told, drops=drops)


def path_of(drop: Drop) -> str:
    """Where a drop lies below include/samples: `<isp>/[again/][check/]<name>`."""
    parts = [drop.isp, "again" if drop.again else "", drop.folder if drop.folder is ZoneFolder.CHECK else "", drop.name]
    return "/".join(part for part in parts if part)


def files(told: Sample) -> dict[str, bytes]:
    """Everything include/samples holds: path -> bytes."""
    kept = {path_of(drop): drop.content for drop in told.drops}
    # Line ends and encodings are part of the story: git must not mend them.
    return kept | {"README.md": readme(told).encode("utf-8"), ".gitattributes": b"*.csv -text\n"}


def write(folder: Path = FOLDER) -> None:
    """Write the samples anew; files that are no part of the story any more are removed."""
    wanted = files(sample())
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def readme(told: Sample) -> str:
    """What is in each file and which figures must come out, as Markdown."""
    lines = [
        "# Sample deliveries",
        "",
        "Six invented ISPs on 16 June 2026, 09:00 in Pakistan, fourteen days before the deadline. Names, numbers and",
        "addresses are made up: documentation blocks, `.example` domains, running numbers. The demo drops `<isp>/*`",
        "first, `<isp>/check/*` into the test zone, and `<isp>/again/*` after the first pass. Written by",
        "`python -m vpn_registry.demo.samples`; a test compares files and figures with it.",
        "",
    ]
    for slug in SLUGS:
        lines += _chapter(told, slug)
    return "\n".join(lines)


def _chapter(told: Sample, slug: str) -> list[str]:
    drops = [drop for drop in told.drops if drop.isp == slug]
    lines = [f"## {slug}", "", sample_stories.ABOUT[slug], ""]
    if drops:
        lines += [
            "| file | what it is | outcome | rows | accepted | rejected | duplicate |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_file_line(drop) for drop in drops]
        lines.append("")
    for drop in drops:
        if drop.bad and not drop.again and drop.folder is ZoneFolder.INCOMING:
            lines += [f"Rows of `{drop.name}` with a finding:", "", "| row | code | what |", "|---|---|---|"]
            lines += [f"| {bad.row} | {bad.code} | {bad.what} |" for bad in drop.bad]
            lines.append("")
    if told.first.get(slug):
        lines += _figures(told, slug)
    return lines


def _file_line(drop: Drop) -> str:
    rows = ("", "", "", "") if drop.rows is None else drop.rows
    cells = [
        f"`{path_of(drop).removeprefix(drop.isp + '/')}`",
        drop.about,
        drop.outcome or "no answer of its own",
        *rows,
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _figures(told: Sample, slug: str) -> list[str]:
    first, second = Counter(told.first[slug].values()), Counter(told.second[slug].values())
    lines = ["| status | clients | after `again/` |", "|---|---|---|"]
    lines += [
        f"| {status} | {first[status]} | {second[status]} |" for status in Status if first[status] or second[status]
    ]
    for name, members in (("to register", TO_REGISTER), ("comparable", COMPARABLE)):
        lines.append(f"| **{name}** | {_sum(first, members)} | {_sum(second, members)} |")
    lines.append(f"| **coverage** | {_share(first)} | {_share(second)} |")
    return [*lines, ""]


def _sum(counts: Counter[Status], members: frozenset[Status]) -> int:
    return sum(counts[status] for status in members)


def _share(counts: Counter[Status]) -> str:
    covered, comparable = _sum(counts, COVERED), _sum(counts, COMPARABLE)
    return f"{covered} / {comparable} = {percentage(covered, comparable)}"


if __name__ == "__main__":
    write()
