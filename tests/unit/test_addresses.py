"""Addresses: strict syntax, a special-purpose table of our own, declared prefixes."""

from __future__ import annotations

from ipaddress import IPv6Address

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpn_registry.rulebook import addresses
from vpn_registry.rulebook.address_forms import Range, ranges
from vpn_registry.rulebook.addresses import judge, suggest


def verdict(cell: str, *, sample: bool = False, prefixes: tuple[str, ...] = ()) -> tuple[bool, bool, bool]:
    found = judge(pa.array([cell], pa.large_string()), sample=sample, prefixes=prefixes)
    return bool(found.malformed[0]), bool(found.special[0]), bool(found.outside[0])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("39.32.0.8", (Range(4, 0x27200008, 0x27200008),)),
        ("39.32.0.8/29", (Range(4, 0x27200008, 0x2720000F),)),
        ("39.32.0.8-39.32.0.9", (Range(4, 0x27200008, 0x27200009),)),
        ("39.32.0.8 ; ::1", (Range(4, 0x27200008, 0x27200008), Range(6, 1, 1))),
        ("2400:ADC1::/64", (Range(6, 0x2400ADC1 << 96, (0x2400ADC1 << 96) + 2**64 - 1),)),
    ],
)
def test_ranges_of_a_cell(cell: str, expected: tuple[Range, ...]) -> None:
    assert ranges(cell) == expected


MALFORMED = [
    "39.32.1",
    "39.32.0.256",
    "39.32.0.08",
    "039.32.0.8",
    "0x27.32.0.8",
    "39.32.0.9/29",
    "39.32.0.8/33",
    "39.32.0.8/029",
    "39.32.0.8/255.255.255.0",
    "39.32.0.9-39.32.0.8",
    "39.32.0.8-::1",
    ";",
    "fe80::1%eth0",
    "۳۹.۳۲.۰.۸",
    "2400::1::2",
    "3.52E+12",
    "vpn.example",
]


@pytest.mark.parametrize("cell", MALFORMED)
def test_malformed_cells(cell: str) -> None:
    assert ranges(cell) is None
    assert verdict(cell, prefixes=("39.32.0.0/16",)) == (True, False, False)


@pytest.mark.parametrize(
    "cell",
    [
        "0.0.0.1",
        "0.0.0.0/0",
        "::/0",
        "::",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.31.255.255",
        "192.168.0.0/16",
        "198.18.0.1",
        "203.0.113.8",
        "224.0.0.1",
        "255.255.255.255",
        "9.0.0.0-11.0.0.0",
        "8.0.0.0/5",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:8.8.8.8",
        "64:ff9b::a00:1",
        "2001:db8::1",
        "2002:a00:1::",
        "39.32.0.8;10.0.0.1",
    ],
)
def test_special_addresses(cell: str) -> None:
    assert verdict(cell) == (False, True, False)


@pytest.mark.parametrize("cell", ["", "8.8.8.8", "39.32.0.0/16", "100.63.255.255", "172.32.0.1", "2400:adc1::/48"])
def test_public_addresses(cell: str) -> None:
    assert verdict(cell) == (False, False, False)


@pytest.mark.parametrize("cell", ["203.0.113.8", "198.51.100.0/24", "2001:db8::1"])
def test_samples_may_use_documentation_addresses(cell: str) -> None:
    assert verdict(cell, sample=True) == (False, False, False)
    assert verdict("10.0.0.1", sample=True) == (False, True, False)


@pytest.mark.parametrize(
    ("cell", "outside"),
    [
        ("39.32.0.8", False),
        ("39.33.255.255", False),
        ("39.32.0.0/15", False),
        ("39.34.0.0", True),
        ("39.31.255.255-39.32.0.1", True),
        ("2400:adc1::1", False),
        ("2400:adc2::1", True),
        ("39.32.0.8;8.8.8.8", True),
        ("", False),
    ],
)
def test_an_address_is_outside_unless_the_declared_prefixes_hold_it_whole(cell: str, outside: bool) -> None:
    assert verdict(cell, prefixes=("39.32.0.0/16", "39.33.0.0/16", "2400:adc1::/32"))[2] is outside


def test_an_isp_with_other_prefixes_only_has_every_ipv4_address_outside() -> None:
    assert verdict("39.32.0.8", prefixes=("2400:adc1::/32",))[2] is True


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**32 - 1), st.integers(0, 33))
def test_whole_columns_and_single_cells_are_judged_alike(value: int, bits: int) -> None:
    cell = ".".join(str(octet) for octet in value.to_bytes(4, "big")) + (f"/{bits}" if bits < 33 else "")
    prefixes = ("39.32.0.0/16", "128.0.0.0/1")
    table = addresses._Table(sample=False, prefixes=prefixes)
    assert verdict(cell, prefixes=prefixes) == table.cell(cell)


@pytest.mark.parametrize(
    ("cell", "suggestion"),
    [
        ("39.32.0.9/29", "39.32.0.8/29"),
        ("39.32.000.9", "39.32.0.9"),
        ("39.32.0.9-39.32.0.8", "39.32.0.8-39.32.0.9"),
        ("2400:adc1::1/32", "2400:adc1::/32"),
        ("vpn.example", ""),
        ("39.32.0.8", ""),
    ],
)
def test_a_suggestion_only_where_the_right_value_is_likely(cell: str, suggestion: str) -> None:
    assert suggest(cell) == suggestion


EDGES = [int(IPv6Address(text)) for text in ("::", "1::", "2000::", "2001:200::", "2002::", "2400:adc1::", "4000::")]


@given(
    st.integers(0, 2**128 - 1)
    | st.builds(lambda edge, step: (edge + step) % 2**128, st.sampled_from(EDGES), st.integers(-2, 2))
)
@settings(deadline=None)
def test_a_plain_ipv6_address_is_judged_in_a_column_as_it_is_alone(value: int) -> None:
    table = addresses._Table(sample=False, prefixes=("2400:adc1::/32", "39.32.0.0/16"))
    cell = str(IPv6Address(value))
    assert tuple(table.cells([cell])[0]) == table.cell(cell)
