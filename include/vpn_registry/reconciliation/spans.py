"""Addresses and mobile numbers as spans on one line of integers, so that containment is one sorted search.

IPv4, IPv6 and numbers each have a stretch of that line of their own; IPv6 addresses stand there by rank among those
compared, because 128 bits don't fit. Text that is none of them is left out: judging it is the rulebook's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from socket import AF_INET6, inet_pton
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_NUMBERS: Final = 2**33  # IPv4 ends at 2**32; a national number has up to ten digits, which is below 2**34
_IPV6: Final = 2**35
_GROUP: Final = 2**36
NOWHERE: Final = -1
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins that is written as an IPv6 one."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans `first`..`last` (inclusive) of the rows `owner` of a frame with `rows` rows; a row may have several."""

    rows: int
    owner: Ints
    first: Ints
    last: Ints

    @property
    def given(self) -> Bools:
        """Per row: whether it gives any address or number."""
        given = np.zeros(self.rows, dtype=bool)
        given[self.owner] = True
        return given

    def of_kind(self, *, is_number: bool) -> Spans:
        """Only the mobile numbers, or only the addresses; row numbers stay."""
        keep = ((self.first >= _NUMBERS) & (self.first < _IPV6)) == is_number
        return Spans(self.rows, self.owner[keep], self.first[keep], self.last[keep])

    def within(self, rows: Bools) -> Spans:
        """Only the spans of these rows; row numbers stay."""
        keep = rows[self.owner]
        return Spans(self.rows, self.owner[keep], self.first[keep], self.last[keep])


def spans_of(*sides: tuple[pd.Series[str], pd.Series[str]]) -> tuple[Spans, ...]:
    """Spans of several frames that are to be compared, each given as its columns (addresses, mobile number).

    `addresses` holds single ones, CIDRs and `first-last` ranges, separated by `;`. Each distinct text is parsed once.
    """
    parsed = [(_addresses(addresses), _numbers(numbers)) for addresses, numbers in sides]
    ranks = np.unique(np.concatenate([np.concatenate([wide.first, wide.last]) for (_, wide), _ in parsed]))
    return tuple(
        Spans(
            len(addresses),
            np.concatenate([narrow.owner, number.owner, wide.owner]),
            np.concatenate([narrow.first, number.first, _IPV6 + np.searchsorted(ranks, wide.first)]),
            np.concatenate([narrow.last, number.last, _IPV6 + np.searchsorted(ranks, wide.last)]),
        )
        for ((narrow, wide), number), (addresses, _) in zip(parsed, sides, strict=True)
    )


def address_ends(addresses: pd.Series[str]) -> pd.DataFrame:
    """Every address span of a column as comparable text: `place` (the row's), `first`, `last`, and `bits`.

    The ends are 16 bytes as 32 hexadecimal digits, IPv4 as IPv6 maps it; last - first is below 2 ** `bits`.
    """
    narrow, wide = _addresses(addresses)
    mapped = _MAPPED.hex()
    low = [f"{mapped}{one:08x}" for one in narrow.first.tolist()]
    high = [f"{mapped}{one:08x}" for one in narrow.last.tolist()]
    # numpy drops the zero bytes at the end of a text.
    low += [one.ljust(16, b"\0").hex() for one in wide.first.tolist()]
    high += [one.ljust(16, b"\0").hex() for one in wide.last.tolist()]
    widths = [(int(end, 16) - int(begin, 16)).bit_length() for begin, end in zip(low, high, strict=True)]
    return pd.DataFrame(
        {
            "place": np.concatenate([narrow.owner, wide.owner]),
            "first": pd.Series(low, dtype="str"),
            "last": pd.Series(high, dtype="str"),
            "bits": pd.Series(widths, dtype="int64"),
        }
    )


def find_overlap(left: Spans, left_group: Ints, right: Spans, right_group: Ints) -> Ints:
    """Per row of `left`: the index of a span of `right` that overlaps one of its own in the same group, or NOWHERE.

    Groups are numbers per row (the client's tax number, say); a negative one takes part in nothing. Exact for nested
    and overlapping spans: sorted by first, the span reaching farthest among those that begin early enough decides.
    """
    found = np.full(left.rows, NOWHERE, dtype=np.int64)
    a, a_first, a_last = _in_groups(left, left_group)
    b, b_first, b_last = _in_groups(right, right_group)
    if not len(a) or not len(b):
        return found
    order = np.argsort(b_first, kind="stable")
    reach = np.maximum.accumulate(b_last[order])
    farthest = np.maximum.accumulate(np.where(b_last[order] >= reach, np.arange(len(order)), 0))
    place = np.searchsorted(b_first[order], a_last, side="right") - 1
    hits = np.flatnonzero((place >= 0) & (reach[place] >= a_first))
    # Backwards, so that of several spans of one row the first one given wins.
    found[left.owner[a[hits[::-1]]]] = b[order[farthest[place[hits[::-1]]]]]
    return found


def count_overlaps(left: Spans, left_group: Ints, right: Spans, right_group: Ints) -> Ints:
    """Per span of `left`: how many spans of `right` in the same group it overlaps."""
    counts = np.zeros(len(left.owner), dtype=np.int64)
    a, a_first, a_last = _in_groups(left, left_group)
    _, b_first, b_last = _in_groups(right, right_group)
    begun = np.searchsorted(np.sort(b_first), a_last, side="right")
    ended = np.searchsorted(np.sort(b_last), a_first, side="left")
    counts[a] = begun - ended
    return counts


def _in_groups(spans: Spans, group: Ints) -> tuple[Ints, Ints, Ints]:
    """Indices of the spans that take part, and their ends with the group in front."""
    part = np.flatnonzero(group[spans.owner] >= 0)
    base = group[spans.owner[part]] * _GROUP
    return part, base + spans.first[part], base + spans.last[part]


@dataclass(frozen=True, slots=True)
class _Ends:
    """Parsed spans before ranking; `first` and `last` are int64, or 16 bytes each for IPv6."""

    owner: Ints
    first: npt.NDArray[Any]
    last: npt.NDArray[Any]


def _addresses(column: pd.Series[str]) -> tuple[_Ends, _Ends]:
    lists = pc.split_pattern(_text(column), ";")
    owner = np.asarray(pc.list_parent_indices(lists), dtype=np.int64)
    tokens = pc.utf8_trim_whitespace(pc.list_flatten(lists)).dictionary_encode()
    codes = np.asarray(tokens.indices, dtype=np.int64)
    narrow, wide = _parse(tokens.dictionary)
    return _spread(narrow, codes, owner), _spread(wide, codes, owner)


def _spread(parsed: _Ends, codes: Ints, owner: Ints) -> _Ends:
    """From distinct texts (`owner` = their code) to every place where they stand."""
    place = np.full(codes.max(initial=NOWHERE) + 1, NOWHERE, dtype=np.int64)
    place[parsed.owner] = np.arange(len(parsed.owner))
    at = place[codes]
    hit = at >= 0
    return _Ends(owner[hit], parsed.first[at[hit]], parsed.last[at[hit]])


def _parse(texts: Any) -> tuple[_Ends, _Ends]:
    """IPv4 and IPv6 spans of distinct texts. IPv4 addresses and CIDRs, nearly all of them, are parsed as columns."""
    owners, low, high, rest = _plain(texts)
    odd = [
        (code, span)
        for code, text in zip(rest.tolist(), texts.take(pa.array(rest)).to_pylist(), strict=True)
        if (span := _wide_span(text) or _span(text))
    ]
    v4 = [(code, *span) for code, span in odd if isinstance(span[0], int)]
    v6 = [(code, *span) for code, span in odd if isinstance(span[0], bytes)]
    narrow = np.array(v4, dtype=np.int64).reshape(-1, 3)
    return (
        _Ends(
            np.concatenate([owners, narrow[:, 0]]),
            np.concatenate([low, narrow[:, 1]]),
            np.concatenate([high, narrow[:, 2]]),
        ),
        _Ends(
            np.array([code for code, _, _ in v6], dtype=np.int64),
            np.array([low for _, low, _ in v6], dtype="S16"),
            np.array([high for _, _, high in v6], dtype="S16"),
        ),
    )


def _plain(texts: Any) -> tuple[Ints, Ints, Ints, Ints]:
    """Of IPv4 addresses and CIDRs: which texts they are, first and last; and which texts are something else."""
    found = pc.extract_regex(
        texts, r"^(?P<a>[0-9]{1,3})\.(?P<b>[0-9]{1,3})\.(?P<c>[0-9]{1,3})\.(?P<d>[0-9]{1,3})(?:/(?P<n>[0-9]{1,2}))?$"
    )
    matched = np.flatnonzero(np.asarray(pc.is_valid(found), dtype=bool))
    found = found.take(pa.array(matched))
    fields = [pc.struct_field(found, name) for name in "abcd"]
    octets = np.array([np.asarray(field.cast(pa.int64())) for field in fields], dtype=np.int64).reshape(4, -1)
    length = pc.struct_field(found, "n")
    bits = np.asarray(pc.if_else(pc.equal(length, ""), "32", length).cast(pa.int64()), dtype=np.int64)
    valid = (octets < 256).all(axis=0) & (bits <= 32)
    values = np.array([2**24, 2**16, 2**8, 1], dtype=np.int64) @ octets[:, valid]
    spare = (1 << (32 - bits[valid])) - 1
    low = values & ~spare
    rest = np.ones(len(texts), dtype=bool)
    rest[matched[valid]] = False
    return matched[valid], low, low | spare, np.flatnonzero(rest)


def _wide_span(text: str) -> tuple[bytes, bytes] | None:
    """The same as `_span` for an IPv6 address or CIDR, ten times as fast; None for whatever else."""
    head, slash, length = text.partition("/")
    if "." in head or not (length.isascii() and length.isdigit() if slash else True):
        return None
    try:
        packed = inet_pton(AF_INET6, head)
    except (OSError, ValueError):
        return None
    if packed.startswith(_MAPPED):
        return None
    if not slash:
        return packed, packed
    spare = (1 << max(128 - int(length), 0)) - 1
    low = int.from_bytes(packed) & ~spare
    return (low.to_bytes(16), (low | spare).to_bytes(16)) if int(length) <= 128 else None


def _span(text: str) -> tuple[int, int] | tuple[bytes, bytes] | None:
    """First and last address of a CIDR, a range or one address: numbers for IPv4, 16 bytes for IPv6, else None."""
    try:
        if "-" in text:
            low, high = (ip_address(end.strip()) for end in text.split("-"))
        else:
            network = ip_network(text, strict=False)
            low, high = network[0], network[-1]
    except ValueError:
        return None
    low, high = _unwrapped(low), _unwrapped(high)
    if isinstance(low, IPv4Address) and isinstance(high, IPv4Address) and low <= high:
        return int(low), int(high)
    if isinstance(low, IPv6Address) and isinstance(high, IPv6Address) and low <= high:
        return low.packed, high.packed
    return None


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _numbers(column: pd.Series[str]) -> _Ends:
    digits = pc.replace_substring_regex(_text(column), r"[^0-9]", "")
    national = pc.replace_substring_regex(digits, r"^(0092|92|0)", "")
    owner = np.flatnonzero(np.asarray(pc.match_substring_regex(national, r"^[0-9]{9,10}$"), dtype=bool))
    values = _NUMBERS + np.asarray(national.take(pa.array(owner)).cast(pa.int64()), dtype=np.int64)
    return _Ends(owner, values, values)


def _text(column: pd.Series[str]) -> Any:
    """One Arrow text array, '' for missing."""
    array = pa.array(column, type=pa.string(), from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.fill_null(array, "")


def text_groups(left: pd.Series[str], right: pd.Series[str]) -> tuple[Ints, Ints]:
    """Group numbers for two text columns: equal text, equal number; '' takes part in nothing (NOWHERE)."""
    codes, texts = pd.factorize(pd.concat([left, right], ignore_index=True))
    numbers = np.where(np.asarray(texts == "")[codes], NOWHERE, codes).astype(np.int64)
    return numbers[: len(left)], numbers[len(left) :]
