"""What a cell of a worksheet may be instead of plain text."""

from __future__ import annotations

from typing import Final

ODD_CELLS: Final = ("number", "formula", "merged", "date", "boolean", "error")
"""What a cell may be instead of plain text; bit n of a cell's odd marks stands for the n-th."""
NUMBER, FORMULA, MERGED, DATE, BOOLEAN, ERROR = (1 << bit for bit in range(len(ODD_CELLS)))
