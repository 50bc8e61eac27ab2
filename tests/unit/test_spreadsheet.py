"""No cell of a file we hand out is a formula, and nothing else about it changes."""

from __future__ import annotations

import pytest

from vpn_registry.spreadsheet import safe_cell


@pytest.mark.parametrize("cell", ["=1+1", "+92", "-1", "@x", "\t=1", "\r=1", "\tx", " =1", "＝1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert safe_cell(cell).startswith("'")
    assert safe_cell(cell).isprintable()


def test_other_cells_stay_as_they_are() -> None:
    assert [safe_cell(value) for value in ("a=b", "", None, 12, "بینک", " ")] == ["a=b", "", "", "12", "بینک", " "]
