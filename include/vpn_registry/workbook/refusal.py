"""Why a workbook is refused as a whole: the rule's code and its facts, handed from the child to the parent."""

from __future__ import annotations


class RefusedError(Exception):
    """`code` is the rule, `facts` fill its texts (never a cell's value)."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


def damaged(reason: str) -> RefusedError:
    return RefusedError("F224", reason=reason)
