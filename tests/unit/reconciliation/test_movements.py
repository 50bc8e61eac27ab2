"""What differs between two runs, and which subscriber only changed his id."""

from __future__ import annotations

import pandas as pd

from vpn_registry.reconciliation import movements


def test_changes_between_runs_are_new_resolved_changed_and_gone() -> None:
    before = pd.DataFrame(
        {
            "subscriber_id": ["A", "B", "C", "D", "E"],
            "status": ["unregistered", "registered", "review", "expired", "exempt"],
        }
    )
    after = pd.DataFrame(
        {
            "subscriber_id": ["F", "A", "B", "C", "E", "G"],
            "status": ["unregistered", "registered", "expired", "undeclared", "exempt", "registered"],
        }
    )
    found = movements.changes(before, after).set_index("subscriber_id")["change"].to_dict()
    assert found == {"A": "resolved", "B": "new", "C": "changed", "D": "gone", "F": "new", "G": "changed"}
    assert movements.changes(before, before).empty


def listed(seq: int, **ids: str) -> pd.DataFrame:
    """Clients with a tax number, on the list of that number for the first time (or no more)."""
    columns = {"subscriber_id": list(ids), "ntn": list(ids.values()), "cnic_fp": "", "other_id_fp": ""}
    return pd.DataFrame(columns, dtype="str").assign(list_seq=seq)


def test_a_subscriber_with_a_new_id_is_followed_when_a_key_tells_so() -> None:
    assert movements.successors(listed(7, A="1", B="2"), listed(7, A2="1", N="9")) == {"A": "A2"}


def test_a_subscriber_is_not_followed_from_one_list_to_a_later_one() -> None:
    assert movements.successors(listed(7, A="1"), listed(8, A2="1")) == {}


def test_of_two_successors_or_two_predecessors_none_is_taken() -> None:
    assert movements.successors(listed(7, A="1"), listed(7, A2="1", A3="1")) == {}
    assert movements.successors(listed(7, A="1", B="1"), listed(7, A2="1")) == {}


def test_an_empty_key_tells_nothing() -> None:
    assert movements.successors(listed(7, A=""), listed(7, A2="")) == {}
