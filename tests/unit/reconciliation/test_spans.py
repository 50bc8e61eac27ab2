"""Addresses and numbers as spans: containment is exact for nested and overlapping ones."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vpn_registry.reconciliation.spans import find_overlap, spans_of


def test_find_overlap_is_exact_for_nested_spans() -> None:
    chance = np.random.default_rng(5)
    for _ in range(200):
        sides = []
        for _side in range(2):
            first = chance.integers(0, 40, 6)
            last = first + chance.integers(0, 9, 6)
            sides.append([f"0.0.0.{low}-0.0.0.{high}" for low, high in zip(first, last, strict=True)])
        empty = pd.Series([""] * 6, dtype="str")
        left, right = spans_of(*[(pd.Series(side, dtype="str"), empty) for side in sides])
        groups = chance.integers(-1, 2, 6), chance.integers(-1, 2, 6)
        found = find_overlap(left, groups[0], right, groups[1])
        for row, span in enumerate(found.tolist()):
            overlapping = {
                other
                for other in range(6)
                if groups[0][row] == groups[1][other] >= 0
                and left.first[row] <= right.last[other]
                and right.first[other] <= left.last[row]
            }
            assert span in overlapping if overlapping else span == -1
