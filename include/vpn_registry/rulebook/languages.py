"""The rules' texts in the language of whoever reads them: English stands with the rules, Urdu in urdu/*.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from vpn_registry.model import ENGLISH, Finding
from vpn_registry.rulebook import rule
from vpn_registry.rulebook.rule import FileRule, Rule, Texts

_FOLDER: Final = Path(__file__).parent / "urdu"
_PHRASES: Final = "phrases.toml"


def texts(declared: Rule | FileRule, language: str) -> Texts:
    """A rule's texts in a language; KeyError for a rule that has none in it."""
    if language != ENGLISH:
        return _urdu()[declared.code]
    missing = declared.missing if isinstance(declared, Rule) else ""
    return Texts(declared.title, declared.message, declared.remedy, missing)


def retell(findings: Iterable[Finding], language: str) -> tuple[Finding, ...]:
    """Findings on a file in another language, from their facts.

    One that was stored before facts were kept stays in the words it was stored with.
    """
    return tuple(finding if language == ENGLISH else _retold(finding, language) for finding in findings)


def phrase(text: str, language: str) -> str:
    """A word or sentence that is filled in for a placeholder, in a language; as it is when it needs no translation."""
    if language == ENGLISH:
        return text
    for pattern, translated in _phrases():
        if match := pattern.fullmatch(text):
            return translated.format(**match.groupdict())
    return text


def _retold(finding: Finding, language: str) -> Finding:
    told = texts(rule(finding.code), language)
    facts = {
        name: phrase(value, language) if isinstance(value, str) else value for name, value in finding.facts.items()
    }
    try:
        message, remedy = told.message.format(**facts), told.remedy.format(**facts)
    except KeyError:
        return finding
    return replace(finding, message=message, remedy=remedy)


@lru_cache(maxsize=1)
def _urdu() -> Mapping[str, Texts]:
    entries: dict[str, Any] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        if path.name != _PHRASES:
            entries |= tomllib.loads(path.read_text(encoding="utf-8"))
    return {code: Texts(**entry) for code, entry in entries.items()}


@lru_cache(maxsize=1)
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each English phrase as a pattern that reads its placeholders back, with its translation."""
    entries = tomllib.loads((_FOLDER / _PHRASES).read_text(encoding="utf-8"))["phrases"]
    return tuple((re.compile(_as_pattern(entry["en"])), entry["ur"]) for entry in entries)


def _as_pattern(template: str) -> str:
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(template))
