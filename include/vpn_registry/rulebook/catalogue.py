"""`python -m vpn_registry.rulebook.catalogue` writes docs/rule-catalogue.md and its Urdu sibling from the rulebook."""

from __future__ import annotations

from typing import Final

from vpn_registry.model import URDU, Feed
from vpn_registry.rulebook import FILE_RULES, ROW_RULES, RULEBOOK_VERSION, columns_of
from vpn_registry.rulebook.languages import texts
from vpn_registry.rulebook.rule import Consequence, FileRule, Rule
from vpn_registry.settings import PROJECT

PATH: Final = PROJECT / "docs" / "rule-catalogue.md"
PATH_URDU: Final = PATH.with_suffix(".ur.md")

_FAMILIES: Final = {
    "F1": "File name and sequence",
    "F2": "Reading the file",
    "F3": "The file as a whole",
    "H1": "Missing or malformed values",
    "H2": "Across columns",
    "H3": "Duplicates in the file",
    "H4": "Action against the registry's state",
    "W1": "Identifier oddities",
    "W2": "Addresses",
    "W3": "Dates",
    "W4": "Order of files",
}
_EFFECTS: Final = {
    Consequence.REJECT: "the row is rejected",
    Consequence.DUPLICATE: "the row counts as duplicate",
    Consequence.WARN: "the row is taken",
}


def text() -> str:
    """The whole page as Markdown."""
    rules: list[Rule | FileRule] = [*FILE_RULES.values(), *ROW_RULES]
    parts = [
        "# Rule catalogue",
        f"Rulebook {RULEBOOK_VERSION}. Written by `python -m vpn_registry.rulebook.catalogue`; do not edit.",
        "A code is never renamed or reused. Each one can be seen at work under `tests/cases/<code>/`.",
    ]
    parts += [_columns(feed) for feed in Feed]
    for family, title in _FAMILIES.items():
        parts.append(f"## {family}xx {title}")
        parts += [_entry(rule) for rule in sorted(rules, key=lambda rule: rule.code) if rule.code.startswith(family)]
    return "\n\n".join(parts) + "\n"


def urdu_text() -> str:
    """The page in Urdu: every code with what answers say of it."""
    rules: list[Rule | FileRule] = [*FILE_RULES.values(), *ROW_RULES]
    parts = [
        '<div dir="rtl" lang="ur">',
        "# قواعد کی فہرست",
        f"قواعد کا نسخہ {RULEBOOK_VERSION}۔ اسے `python -m vpn_registry.rulebook.catalogue` لکھتا ہے۔",
        "F اور H سے شروع ہونے والے کوڈ غلطیاں ہیں، W سے شروع ہونے والے تنبیہ: ایسی قطار لے لی جاتی ہے۔",
    ]
    for rule in sorted(rules, key=lambda rule: rule.code):
        told = texts(rule, URDU)
        says = f"- {told.message}" + (f" / {told.missing}" if told.missing else "")
        parts.append(f"### {rule.code} {told.title}\n\n{says}\n- {told.remedy}")
    return "\n\n".join([*parts, "</div>"]) + "\n"


def _columns(feed: Feed) -> str:
    lines = [f"## Columns of `{feed}`", "", "| column | required | form | for |", "|---|---|---|---|"]
    for column in columns_of(feed):
        required = "yes" if column.required else column.when or "no"
        lines.append(f"| `{column.name}` | {required} | {column.form} | {column.why} |")
    return "\n".join(lines)


def _entry(rule: Rule | FileRule) -> str:
    if isinstance(rule, Rule):
        effect = _EFFECTS[rule.effect]
        columns = ", ".join(rule.columns) or "the row"
    else:
        effect = "the file is refused" if rule.severity == "error" else "the file is taken"
        columns = "the file"
    if rule.code == "F108":
        effect = "the file is ignored"
    if rule.code in ("F302", "F305", "F306"):
        effect = "the file waits for a person"
    until = f", until {rule.until}: no longer given" if rule.until else ""
    return "\n".join(
        [
            f"### {rule.code} {rule.title}",
            "",
            f"{rule.why}",
            "",
            f"- feeds: {', '.join(sorted(rule.feeds))}; about: {columns}",
            f"- {rule.severity}: {effect}",
            f"- says: {rule.message}" + (f" / {rule.missing}" if isinstance(rule, Rule) and rule.missing else ""),
            f"- remedy: {rule.remedy}",
            f"- for example: {rule.example}",
            f"- since: {rule.since}{until}",
        ]
    )


def main() -> None:
    """Write both pages."""
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(text(), encoding="utf-8")
    PATH_URDU.write_text(urdu_text(), encoding="utf-8")


if __name__ == "__main__":
    main()
