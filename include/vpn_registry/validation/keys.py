"""What the registry matches and compares rows by; derived only of the rows that it is asked to take."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from vpn_registry.model import Feed
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BoolArray
from vpn_registry.validation.findings import Verdict
from vpn_registry.validation.judging import PIECE


def with_keys(verdict: Verdict, chosen: BoolArray) -> pd.DataFrame:
    """The chosen rows, one bool a row, with ntn_key, cnic_key, other_id_key and row_sha256.

    ntn_key has 7 digits, cnic_key 13, other_id_key is in upper case without spaces; '' where absent. Responses have
    row_sha256 alone. They are made of `PIECE` rows at a time: what a hash is made of is larger than the row.
    """
    at = np.flatnonzero(chosen)
    frame = verdict.frame.iloc[at]
    parts = [_keys(verdict, at[start : start + PIECE]) for start in range(0, max(len(at), 1), PIECE)]
    derived: pd.DataFrame = pa.concat_tables(parts).to_pandas()
    derived.index = frame.index
    keyed: pd.DataFrame = pd.concat([frame, derived], axis=1)
    return keyed


def _keys(verdict: Verdict, at: NDArray[np.int64]) -> pa.Table:
    rows = Rows(verdict.frame.iloc[at], verdict.feed, verdict.width, verdict.context.row_key)
    hashes = rows.row_sha256 if verdict.hashes is None else verdict.hashes[at]
    content = {"row_sha256": pa.array(hashes, pa.large_string())}
    if verdict.feed is Feed.RESPONSES:
        return pa.table(content)
    return pa.table({"ntn_key": rows.ntn_key, "cnic_key": rows.cnic_key, "other_id_key": rows.other_id_key, **content})
