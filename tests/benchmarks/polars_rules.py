"""The rules on registrations that polars can express, as one who knows polars would write them.

Left out is what its expressions can't say: widths of rows, addresses beside tables of blocks, cells of workbooks, and
the registry's state. `tests.benchmarks.judge` holds the number of rows that each finds against ours.
"""

from __future__ import annotations

import io
import re
from datetime import timedelta
from functools import reduce
from typing import Final

import polars as pl

from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of, identifiers, rules_of
from vpn_registry.rulebook.agreement import STALE_DAYS
from vpn_registry.rulebook.rule import Context, Stock

FEED: Final = Feed.REGISTRATIONS
_COLUMNS: Final = {column.name: column for column in columns_of(FEED)}
_REFUSED: Final = (
    r"[\x01-\x1f\x7f\x{80}-\x{9f}\x{ad}\x{180e}\x{200b}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}\x{e0000}-\x{e007f}]"
)
_BY_KEY: Final = {"H102", "H103", "H104", "H137", "H301"}
"""What is judged of withdrawals too."""


def count_bad(data: bytes, context: Context) -> dict[str, int]:
    """Code -> rows of the file on which the rule fires; the file is read as text by all cores."""
    frame = pl.read_csv(io.BytesIO(data), infer_schema=False)
    counts = frame.select(bad.sum().alias(code) for code, bad in _bad(context).items())
    return {code: int(count) for code, count in counts.row(0, named=True).items()}


def _bad(context: Context) -> dict[str, pl.Expr]:
    is_judged = pl.col("action") != "withdraw"
    forms = {
        rule.code: _misses(rule.stock)
        for rule in rules_of(FEED)
        if rule.stock is not None and rule.stock.column in _COLUMNS
    }
    bad = forms | _identifiers() | _conditions() | _dates(forms, context)
    bad["H102"] = pl.any_horizontal(pl.col(name).str.contains(_REFUSED) for name in _COLUMNS)
    bad["H137"] = pl.col("registration_ref") == "registration_ref"
    bad["H301"] = pl.col("registration_ref").is_duplicated() & pl.col("registration_ref").is_not_null()
    return {code: (one if code in _BY_KEY else one & is_judged).fill_null(value=False) for code, one in bad.items()}


def _misses(form: Stock) -> pl.Expr:
    """Cells that don't have their form; empty ones too where a value is needed."""
    text = pl.col(form.column)
    if form.values:
        fits = text.is_in(list(form.values))
    elif length := re.search(r"\{(\d+),(\d+)\}\)$", form.pattern):  # its lookahead only counts what can be seen
        fits = text.str.len_chars().is_between(int(length[1]), int(length[2]))
    else:
        fits = _is(form.column, form.pattern.removeprefix("(?!0000)"))
    return (~fits).fill_null(value=_COLUMNS[form.column].required)


def _identifiers() -> dict[str, pl.Expr]:
    ntn, cnic = (pl.col(name).str.replace_all("-", "", literal=True) for name in ("ntn", "cnic"))
    is_cnic_in_ntn = _is("ntn", identifiers.CNIC)
    told = pl.coalesce(pl.col("cnic"), pl.when(is_cnic_in_ntn).then(pl.col("ntn")))
    return {
        "H201": _is_empty("ntn") & _is_empty("cnic") & _is_empty("other_id"),
        "H202": is_cnic_in_ntn & (ntn != cnic),
        "W101": told.str.contains("^[09]"),
        "W102": is_cnic_in_ntn & ~(ntn != cnic).fill_null(value=False),
        "W103": cnic.is_in([str(digit) * 13 for digit in range(10)]),
        "W104": told.str.ends_with("0"),
        "W105": _is("contact_phone", identifiers.BARE_UAN),
    }


def _conditions() -> dict[str, pl.Expr]:
    return {
        "H203": (pl.col("category") == "call_centre") & _is_empty("pseb_no"),
        "H204": (pl.col("category") == "call_centre") & _is_empty("pseb_expiry"),
        "H205": (pl.col("connection_type") == "static_ip") & _is_empty("local_ip"),
        "H206": (pl.col("connection_type") == "mobile_number") & _is_empty("msisdn"),
    }


def _dates(forms: dict[str, pl.Expr], context: Context) -> dict[str, pl.Expr]:
    """Days in their form are ordered as text is; polars works out once what several rules share."""
    today, year_ago = (str(context.today - timedelta(days=days)) for days in (0, STALE_DAYS))
    is_day = {"valid_from": "H127", "valid_to": "H128", "verified_on": "H131", "pseb_expiry": "H113"}
    is_day["undertaking_on"] = "H130"

    def real(*names: str) -> pl.Expr:
        return reduce(lambda one, other: one & other, (~forms[is_day[name]] for name in names))

    return {
        "H207": (pl.col("valid_to") < pl.col("valid_from")) & real("valid_to", "valid_from"),
        "H209": (pl.col("verified_on") > today) & real("verified_on"),
        "W301": (pl.col("valid_to") < today) & real("valid_to"),
        "W302": (pl.col("pseb_expiry") < today) & real("pseb_expiry"),
        "W303": (pl.col("verified_on") < year_ago) & real("verified_on"),
        "W304": (pl.col("undertaking_on") > today) & real("undertaking_on"),
    }


def _is(column: str, pattern: str) -> pl.Expr:
    return pl.col(column).str.contains(f"^(?:{pattern})$")


def _is_empty(column: str) -> pl.Expr:
    return pl.col(column).is_null()
