"""Who claims what others claim: row by row in plain Python, and as the sorted searches say."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from vpn_registry.reconciliation import contests
from vpn_registry.reconciliation.parties import parties
from vpn_registry.reconciliation.spans import address_ends

Filed = dict[str, Any]


def filed(number: int, places: str, **more: str) -> Filed:
    row = {"registration_id": number, "isp": "indus", "subscriber_id": f"S{number}", "places": places}
    return row | dict.fromkeys(("ntn", "cnic_fp", "other_id_fp"), "") | more


def swept(*rows: Filed) -> dict[int, int]:
    frame = pd.DataFrame(rows)
    claims = address_ends(frame["places"].astype("str"))
    claims["registration_id"] = frame["registration_id"].to_numpy()[claims.pop("place")]
    shared = contests.crowded(claims)
    near = claims[claims["registration_id"].isin(shared)]
    return contests.contested(near, frame.drop(columns="places"))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("192.0.2.77", "192.0.2.77"),
        ("192.0.2.64/26", "192.0.2.77"),
        ("192.0.2.70-192.0.2.80", "198.51.100.9;192.0.2.80/31"),
        ("2001:db8:0:1::/64", "2001:db8:0:1::ffff"),
        ("2001:db8::10-2001:db8::20", "2001:db8::20-2001:db8::30"),
        ("192.0.2.77", "::ffff:192.0.2.77"),
        ("2001:db8::100", "2001:db8::100/120"),
    ],
)
def test_whatever_overlaps_is_contested_on_both_sides(ours: str, theirs: str) -> None:
    assert set(swept(filed(1, ours), filed(2, theirs))) == {1, 2}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("192.0.2.77", "192.0.2.78"), ("192.0.2.0/26", "192.0.2.64"), ("2001:db8::/64", "2001:db8:0:1::"), ("", "")],
)
def test_neighbours_and_nothing_are_not(ours: str, theirs: str) -> None:
    assert swept(filed(1, ours), filed(2, theirs), filed(3, "203.0.113.1")) == {}


def test_one_client_under_several_keys_and_isps_is_no_rival_of_himself() -> None:
    place = "192.0.2.1"
    rows = [
        filed(1, place, ntn="1", cnic_fp="a"),
        filed(2, place, isp="kirana", cnic_fp="a", other_id_fp="x"),
        filed(3, place, isp="sahil", other_id_fp="x"),
        filed(4, place, isp="sahil", subscriber_id="S3"),
    ]
    assert swept(*rows) == {}
    # The same subscriber id with another ISP is somebody else.
    assert set(swept(*rows, filed(5, place, isp="kirana", subscriber_id="S3"))) == {1, 2, 3, 4, 5}


def test_claims_that_hang_together_are_one_group_and_apart_are_two() -> None:
    found = swept(
        filed(1, "192.0.2.0/24"),
        filed(2, "192.0.2.9;2001:db8::1"),
        filed(3, "2001:db8::1"),
        filed(4, "198.51.100.7"),
        filed(5, "198.51.100.0/29"),
        filed(6, "203.0.113.7"),
    )
    assert found[1] == found[2] == found[3]
    assert found[4] == found[5] != found[1]
    assert 6 not in found


def test_a_gateway_that_everybody_names_is_swept_like_any_other_column() -> None:
    rows = [filed(number, "192.0.2.1") for number in range(20_000)]
    assert len(set(swept(*rows).values())) == 1


def test_random_claims_agree_with_a_comparison_of_every_pair() -> None:
    chance = random.Random(5)  # noqa: S311 - a repeatable choice, not a secret
    for _ in range(40):
        rows = [
            filed(
                number,
                ";".join(_place(chance) for _ in range(chance.randrange(1, 3))),
                isp=chance.choice(["indus", "kirana"]),
                subscriber_id=chance.choice("ABCD"),
                ntn=chance.choice(["", "", "1", "2"]),
            )
            for number in range(8)
        ]
        assert set(swept(*rows)) == _by_pairs(rows), rows


def _place(chance: random.Random) -> str:
    first = chance.randrange(0, 40)
    return f"192.0.2.{first}-192.0.2.{first + chance.choice([0, 0, 1, 9])}"


def _by_pairs(rows: list[Filed]) -> set[int]:
    party = parties(pd.DataFrame(rows))
    return {
        one["registration_id"]
        for place, one in enumerate(rows)
        for rival, other in enumerate(rows)
        if party[place] != party[rival] and _held(one) & _held(other)
    }


def _held(row: Filed) -> set[int]:
    ends = ([int(end.rpartition(".")[2]) for end in part.split("-")] for part in row["places"].split(";"))
    return {address for low, high in ends for address in range(low, high + 1)}
