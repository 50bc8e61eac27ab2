"""What `vpnreg check` says of a file: the findings an ISP would get in its zone, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import pandas as pd
from rich.console import Console

from vpn_registry import validation
from vpn_registry.model import ENGLISH, URDU, Finding, Outcome, Severity
from vpn_registry.rulebook import rule
from vpn_registry.rulebook.languages import retell, texts
from vpn_registry.validation import Verdict

SHOWN_OF_A_CODE: Final = 10
"""So many rows of one code are shown to people; --json has them all, up to the limits of findings.csv."""

_COLOURS: Final = {Outcome.ACCEPTED: "bold green", Outcome.PARTIAL: "bold yellow", Outcome.REJECTED: "bold red"}
_WORDS: Final = {
    ENGLISH: {
        "counts": "{total}, {accepted} accepted, {rejected} rejected, {duplicate} duplicate, {warned} with a warning",
        "rows": "{count} rows",
        "row": "1 row",
        "comma": ",",
        "error": "error",
        "warning": "warning",
        "line": "line {line}",
        "found": "Found: {value}.",
        "likely": "Likely: {value}.",
        "more": "... and {count} more; --json lists them.",
        "offline": "Not known offline: whether the number is free and follows the last one, what the registry holds of"
        " these keys, and whether the file would be held for a person.",
    },
    URDU: {
        "counts": "{total}: {accepted} منظور، {rejected} نامنظور، {duplicate} دہرائی گئی، {warned} تنبیہ کے ساتھ",
        "rows": "{count} قطاریں",
        "row": "1 قطار",
        "comma": "،",
        "error": "غلطی",
        "warning": "تنبیہ",
        "line": "سطر {line}",
        "found": "لکھا ہے: {value}۔",
        "likely": "غالباً: {value}۔",
        "more": "... اور {count} مزید؛ --json سب دکھاتا ہے۔",
        "offline": "یہاں معلوم نہیں ہو سکتا: نمبر خالی ہے اور پچھلے کے بعد آتا ہے یا نہیں، رجسٹری میں ان کے بارے میں"
        " کیا ہے، اور فائل کسی اہلکار کے لیے روکی جائے گی یا نہیں۔",
    },
}


@dataclass(frozen=True, slots=True)
class Report:
    """One file's verdict in a language; `lines` are the row findings with the columns of findings.csv."""

    file: str
    verdict: Verdict
    language: str
    findings: tuple[Finding, ...]
    lines: pd.DataFrame

    @property
    def has_error(self) -> bool:
        """Whether something would be refused; counted over all rows, also those beyond the limits of the lines."""
        codes = [*self.verdict.counts_by_code, *(finding.code for finding in self.findings)]
        return any(rule(code).severity is Severity.ERROR for code in codes)

    @property
    def counts(self) -> Counter[str]:
        """Findings by code, on rows and on the file."""
        return Counter(self.verdict.counts_by_code) + Counter(finding.code for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        rows = self.verdict.rows
        return {
            "file": self.file,
            "outcome": str(self.verdict.outcome),
            "rows": {name: getattr(rows, name) for name in ("total", "accepted", "rejected", "duplicate", "warned")},
            "findings": [
                {"code": f.code, "severity": str(f.severity), "message": f.message, "remedy": f.remedy}
                for f in self.findings
            ],
            "counts_by_code": dict(sorted(self.counts.items())),
            "rows_with_findings": json.loads(self.lines.to_json(orient="records")),
            "rulebook_version": self.verdict.rulebook_version,
            "not_checked": _WORDS[self.language]["offline"],
        }


def report(file: str, verdict: Verdict, language: str) -> Report:
    """What is told of one judged file."""
    lines = validation.row_findings(verdict, language)
    return Report(file, verdict, language, retell(verdict.findings, language), lines)


def show(console: Console, reports: Sequence[Report]) -> None:
    """Every file for people: what becomes of it, then each code with its rows, and once what is not known offline."""
    for told in reports:
        words, rows = _WORDS[told.language], told.verdict.rows
        counts = words["counts"].format(
            total=_rows(words, rows.total),
            accepted=rows.accepted,
            rejected=rows.rejected,
            duplicate=rows.duplicate,
            warned=rows.warned,
        )
        head = f"{told.file}: {told.verdict.outcome}, {counts}"
        _print(console, head, _COLOURS.get(told.verdict.outcome, "bold"))
        for finding in told.findings:
            _print(console, f"  {finding.code} {words[finding.severity]}: {finding.message} {finding.remedy}")
        by_code = sorted(told.lines.to_dict("records"), key=lambda line: str(line["code"]))
        for code, lines in groupby(by_code, key=lambda line: str(line["code"])):
            _show_code(console, told, code, list(lines))
    for language in dict.fromkeys(told.language for told in reports):
        _print(console, _WORDS[language]["offline"], "dim")


def _show_code(console: Console, told: Report, code: str, lines: Sequence[dict[Any, Any]]) -> None:
    """One code: its title and how often, the rows it is about, and the remedy, once where it is the same for all."""
    words, declared = _WORDS[told.language], rule(code)
    count = told.verdict.counts_by_code[code]
    title = texts(declared, told.language).title
    _print(console, f"  {code} {words[declared.severity]}{words['comma']} {_rows(words, count)}: {title}")
    remedies = list(dict.fromkeys(str(line["remedy"]) for line in lines))
    for line in lines[:SHOWN_OF_A_CODE]:
        parts = [f"{words['line'].format(line=line['line'])}:", str(line["message"])]
        parts += [words["found"].format(value=line["value"])] if line["value"] else []
        parts += [words["likely"].format(value=line["suggestion"])] if line["suggestion"] else []
        parts += [str(line["remedy"])] if len(remedies) > 1 else []
        _print(console, "    " + " ".join(parts))
    if count > SHOWN_OF_A_CODE:
        _print(console, "    " + words["more"].format(count=f"{count - SHOWN_OF_A_CODE:,}"))
    if len(remedies) == 1:
        _print(console, f"    {remedies[0]}", "cyan")


def _rows(words: dict[str, str], count: int) -> str:
    return words["row"] if count == 1 else words["rows"].format(count=f"{count:,}")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False)
