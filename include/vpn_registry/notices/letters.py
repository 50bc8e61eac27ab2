"""The letters as the office writes them: one file a stage in include/notices, with its Urdu sibling.

A letter file is a front matter in TOML between two lines of `+++` (when it goes, to whom, its subject) and a body in
paragraphs. Frame and common sentences are shared: letter.html, letter.txt, words.toml. Adding a stage is adding a file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vpn_registry.campaign import SILENT
from vpn_registry.model import ConfigurationError, ContactRole
from vpn_registry.settings import INCLUDE
from vpn_registry.toml_table import TomlTable, read_text

FOLDER: Final = INCLUDE / "notices"
NOTHING_OUTSTANDING: Final = "nothing-outstanding"

__all__ = ["FOLDER", "NOTHING_OUTSTANDING", "SILENT", "Form", "Letters", "load_letters"]

_FENCE: Final = "+++"


@dataclass(frozen=True, slots=True)
class Form:
    """One letter before it is filled in. `subject` and `body` are Jinja per language; "en" is always there.

    `offset` is in calendar days from the deadline; None for letters that something else than the calendar sends.
    """

    stage: str
    offset: int | None
    roles: frozenset[ContactRole]
    subject: Mapping[str, str]
    body: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Letters:
    """Every form by stage, and what they share per language: sentences and the two frames."""

    forms: Mapping[str, Form]
    words: Mapping[str, Mapping[str, Any]]
    frame_html: str
    frame_text: str

    @property
    def offsets(self) -> dict[str, int]:
        """Stage -> calendar days from the deadline, for campaign.plan_stages."""
        dated = [(form.offset, form.stage) for form in self.forms.values() if form.offset is not None]
        return {stage: offset for offset, stage in sorted(dated)}

    def roles(self, stage: str) -> frozenset[ContactRole]:
        """To whom the letter of a stage goes."""
        return self.forms[stage].roles


def load_letters(folder: Path = FOLDER) -> Letters:
    """Read every letter of the folder. Raises ConfigurationError naming file and key."""
    forms: dict[str, Form] = {}
    for path in sorted(folder.glob("*.md")):
        if not path.name.endswith(".ur.md"):
            form = _read_form(path)
            if form.stage in forms:
                raise ConfigurationError(f"{path}: stage {form.stage} has a letter already.")
            forms[form.stage] = form
    return Letters(
        forms=forms,
        words={"en": _read_words(folder / "words.toml"), "ur": _read_words(folder / "words.ur.toml")},
        frame_html=read_text(folder / "letter.html"),
        frame_text=read_text(folder / "letter.txt"),
    )


def _read_form(path: Path) -> Form:
    table, body = _split(path)
    stage = table.text("stage")
    has_offset = table.has("offset")
    offset = table.whole("offset", 0, -366) if has_offset else None
    roles = table.texts("roles")
    if not roles or not set(roles) <= set(ContactRole):
        table.refuse("roles", f"takes a list of {', '.join(ContactRole)}")
    subject, bodies = {"en": table.text("subject")}, {"en": body}
    table.finish()
    sibling = path.with_name(path.name.removesuffix(".md") + ".ur.md")
    if sibling.exists():
        translated, bodies["ur"] = _split(sibling)
        subject["ur"] = translated.text("subject")
        translated.finish()
    return Form(stage, offset, frozenset(ContactRole(role) for role in roles), subject, bodies)


def _split(path: Path) -> tuple[TomlTable, str]:
    parts = read_text(path).split(f"{_FENCE}\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise ConfigurationError(
            f"{path}: the letter does not begin with a front matter between two lines of {_FENCE}."
        )
    return TomlTable.parse(path, parts[1]), parts[2].strip()


def _read_words(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: the file is not TOML: {error}.") from error
