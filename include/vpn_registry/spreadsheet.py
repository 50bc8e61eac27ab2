"""Cells of the CSV files we hand out: text that no spreadsheet takes for a formula."""

from __future__ import annotations

import unicodedata
from typing import Final

_STARTS: Final = frozenset("=+-@＝＋－＠")
"""What begins a formula, also in the full-width forms some programs read the same way (OWASP, CSV injection)."""


def safe_cell(value: object) -> str:
    """The value as text, '' for None: control characters become blanks, and ' goes before what would be a formula."""
    text = "" if value is None else str(value)
    shown = text
    if not text.isprintable():  # nearly every cell is: looking at each character costs far more
        shown = "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)
    starts_formula = shown.lstrip()[:1] in _STARTS if shown.strip() else False
    return f"'{shown}" if starts_formula or text[:1] in {"\t", "\r", "\n"} else shown
