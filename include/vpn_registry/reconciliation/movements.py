"""What differs between two runs, and which subscriber only changed his id (contract section 7)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vpn_registry.model import TO_REGISTER

_SAME_CLIENT = ("ntn", "cnic_fp", "other_id_fp")


def changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Who differs between two runs (frames with subscriber_id and status): subscriber_id, before, after, change.

    `new`: to register now and not before; `resolved`: the reverse, and still on the list; `gone`: not on the list
    any more; `changed`: every other difference, first appearances included ('' as the status before).
    """
    left = before[["subscriber_id", "status"]].rename(columns={"status": "before"})
    right = after[["subscriber_id", "status"]].rename(columns={"status": "after"})
    both = left.merge(right, on="subscriber_id", how="outer").fillna("")
    both = both[both["before"] != both["after"]].sort_values("subscriber_id", ignore_index=True)
    was, is_now = both["before"].isin(list(TO_REGISTER)), both["after"].isin(list(TO_REGISTER))
    is_gone = both["after"] == ""
    both["change"] = np.select([is_gone, is_now & ~was, was & ~is_now], ["gone", "new", "resolved"], "changed")
    return both


def successors(vanished: pd.DataFrame, arrived: pd.DataFrame) -> dict[str, str]:
    """Old subscriber id -> new one, where one left a list and exactly one new one on it is the same client.

    Both have subscriber_id, ntn, cnic_fp, other_id_fp, and `list_seq`: the number of the list on which the one was
    missing for the first time, and the other stood for the first time. The same client: ntn, cnic or other document
    are equal. Of two that could be meant, neither is.
    """
    wanted = ["subscriber_id", "subscriber_id_new"]
    pairs = [
        vanished[vanished[key] != ""].merge(arrived, on=[key, "list_seq"], suffixes=("", "_new"))[wanted]
        for key in _SAME_CLIENT
    ]
    found = pd.concat(pairs).drop_duplicates()
    single = ~found["subscriber_id"].duplicated(keep=False) & ~found["subscriber_id_new"].duplicated(keep=False)
    return dict(found[single].sort_values("subscriber_id").itertuples(index=False, name=None))
