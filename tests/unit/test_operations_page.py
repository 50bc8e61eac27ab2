"""docs/operations.md: each command it names is one that the program understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from vpn_registry import settings
from vpn_registry.cli.app import app

PAGE = (settings.PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def in_blocks() -> Iterator[str]:
    """The commands of the blocks that are there to be copied, without the remark behind them.

    With `--entrypoint` another program runs in the container of that name.
    """
    for line in "".join(FENCE.findall(PAGE)).splitlines():
        if "--entrypoint" not in line and (found := re.search(r"\bvpnreg (.*)", line)):
            yield found[1].split(" #")[0].strip()


def in_sentences() -> Iterator[str]:
    """The commands that sentences name, often without all that they need."""
    for span in re.findall(r"`([^`]+)`", re.sub(r"\n\s*", " ", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))):
        if found := re.search(r"\bvpnreg ([a-z].*)", span):
            yield found[1].strip()


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that the words name, and what follows it."""
    command: Any = get_command(app)
    while isinstance(command, TyperGroup) and words:
        assert words[0] in command.commands, f"there is no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("text", sorted(set(in_blocks())))
def test_a_command_to_copy_is_complete(text: str) -> None:
    command, words = command_of(shlex.split(text))
    assert command.make_context(command.name, words).params is not None


@pytest.mark.parametrize("text", sorted(set(in_sentences())))
def test_a_command_named_in_a_sentence_exists_with_its_options(text: str) -> None:
    command, words = command_of(shlex.split(text))
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options


def test_the_page_is_read() -> None:
    assert len(set(in_blocks())) > 5
    assert len(set(in_sentences())) > 10
