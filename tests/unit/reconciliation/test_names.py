"""Names that probably mean one and the same client."""

from __future__ import annotations

import pytest

from vpn_registry.reconciliation import names

FIRMS = [
    "Indus Textile Mills (Pvt.) Ltd.",
    "Habib Bank Limited",
    "محمد احمد",
    "Zubair & Sons",
    "Karachi Software House",
]


def found(name: str, registered: list[str]) -> str | None:
    place = names.nearest([name], registered).place[0]
    return registered[place] if place >= 0 else None


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("M/s Indus Textile Mills", "Indus Textile Mills (Pvt.) Ltd."),
        ("INDUS  TEXTILE MILL", "Indus Textile Mills (Pvt.) Ltd."),
        ("Mills Indus Textile", "Indus Textile Mills (Pvt.) Ltd."),
        ("Indus Textyle Mills", "Indus Textile Mills (Pvt.) Ltd."),
        ("Zubair and Sons", "Zubair & Sons"),
        ("Muhammad Ahmed", "محمد احمد"),
        ("Mohd. Ahmad", "محمد احمد"),
        ("محمّد  احمد", "محمد احمد"),
        ("حبيب بنك", "Habib Bank Limited"),
        ("کراچی سافٹ ویئر ہاؤس", "Karachi Software House"),
    ],
)
def test_a_name_finds_its_other_spelling(name: str, registered: str) -> None:
    assert found(name, FIRMS) == registered


@pytest.mark.parametrize("name", ["Indus Steel Mills", "Habib Metropolitan Bank", "Muhammad Asad", "", "---", "&"])
def test_another_name_finds_nobody(name: str) -> None:
    assert found(name, FIRMS) is None


def test_of_equally_similar_names_the_first_is_found() -> None:
    assert names.nearest(["Habib Bank"], ["Other", "Habib Bank Ltd", "Habib Bank"]).place.tolist() == [1]


def test_no_registered_name_and_no_name_at_all_are_no_error() -> None:
    assert names.nearest(["Habib Bank"], []).place.tolist() == [-1]
    assert names.nearest([], ["Habib Bank"]).place.tolist() == []


def test_a_name_made_of_legal_words_keeps_them() -> None:
    assert names.words("The Company (Private) Limited") == ["the", "company", "private", "limited"]


def test_the_order_of_the_names_changes_nothing() -> None:
    clients = ["Indus Textile Mill", "Zubair Sons", "Muhammad Ahmed", "Nobody"]
    expected = {name: found(name, FIRMS) for name in clients}
    shuffled = list(reversed(clients))
    places = names.nearest(shuffled, FIRMS).place
    assert {name: FIRMS[at] if at >= 0 else None for name, at in zip(shuffled, places, strict=True)} == expected
