"""Judging a delivery: rules give verdict columns, Great Expectations decides whether and how far it is accepted.

Great Expectations never sees an identifying value: it gets one verdict column a rule, and the columns that are code
lists. From its result we keep success, counts and row positions. The outcome of a delivery is `outcome_of` that
stored result and of nothing else. Importing this package is cheap; the first `judge` of a process is not.
"""

from __future__ import annotations

from vpn_registry.validation.findings import Verdict, row_findings
from vpn_registry.validation.judging import fired, judge, read
from vpn_registry.validation.keys import with_keys
from vpn_registry.validation.outcome import counts_of, outcome_of, row_verdicts

__all__ = [
    "Verdict",
    "counts_of",
    "fired",
    "judge",
    "outcome_of",
    "read",
    "row_findings",
    "row_verdicts",
    "with_keys",
]
