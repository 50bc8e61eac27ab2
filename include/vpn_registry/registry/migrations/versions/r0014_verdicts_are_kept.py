"""Verdicts, rows and findings get guards like those of the rest of history: guards.py, which each upgrade installs."""

from __future__ import annotations

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No table changes; a new number makes every installation upgrade, and so get the triggers."""
