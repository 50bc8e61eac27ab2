"""What a cell's number means by its style, and how numbers and days are written as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_DAY_FORMATS: Final = frozenset(map(str, (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))))
"""The built-in formats of days and times (ECMA-376 part 1, 18.8.30; 27 to 36 and 50 to 58 in East Asian settings)."""
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|general', re.IGNORECASE)
_EPOCH_1900: Final = date(1899, 12, 30)
_EPOCH_1904: Final = date(1904, 1, 1)
_LAST_SERIAL: Final = 2_958_465
_NOT_A_DAY: Final = 60
"""29 February 1900, which there never was, but which the 1900 system counts."""


@dataclass(frozen=True, slots=True)
class Style:
    """One entry of `cellXfs`: a format of days, or a number of digits that zeros are put before."""

    is_day: bool = False
    digits: int = 0


def styles_of(elements: Sequence[tuple[str, Mapping[str, str]]]) -> list[Style]:
    """The styles that cells point to by position, from the elements of styles.xml."""
    codes = {values.get("numFmtId", ""): values.get("formatCode", "") for name, values in elements if name == "numFmt"}
    styles: list[Style] = []
    is_inside = False
    for name, values in elements:
        if name in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
            is_inside = name == "cellXfs"
        elif name == "xf" and is_inside:
            styles.append(_style(values.get("numFmtId", "0"), codes))
    return styles


def _style(number: str, codes: Mapping[str, str]) -> Style:
    code = codes.get(number)
    if code is None:
        return Style(number in _DAY_FORMATS)
    if re.fullmatch("0{2,20}", code):
        return Style(digits=len(code))
    return Style(bool(re.search("[ymdhs]", _LITERAL.sub("", code.split(";")[0]).lower())))


def number_text(text: str, digits: int) -> str:
    """A number as a person reads it: whole numbers without a point, others in the fewest digits that say the same."""
    try:
        value = float(text)
    except ValueError:
        return text
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value):0{digits}d}"
    return repr(value).upper()


def day_text(text: str, *, is_1904: bool) -> str:
    """The ISO day of a serial number, whatever its time of day; a number that is no day stays one."""
    try:
        # Halves of a second are rounding: a time just before midnight is the next day's beginning.
        serial = int(float(text) + 0.5 / 86_400)
    except (ValueError, OverflowError):
        return text
    first = 0 if is_1904 else 1
    if not first <= serial <= _LAST_SERIAL or (not is_1904 and serial == _NOT_A_DAY):
        return number_text(text, 0)
    if is_1904:
        return (_EPOCH_1904 + timedelta(days=serial)).isoformat()
    return (_EPOCH_1900 + timedelta(days=serial + (serial < _NOT_A_DAY))).isoformat()
