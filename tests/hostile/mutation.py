"""Damaged copies of good files: bytes flipped, cut out, repeated, and spliced with another file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

_TELLING: Final = b"\x00\t\n\r \"',;=\x1a\x1f\x7f\x80\xc0\xd9\xe2\xef\xff"
"""Bytes that mean something to a parser; half of all flips use one."""


def mutated(data: bytes, other: bytes, seed: int) -> bytes:
    """`data` after one to four changes; `other` is what splices are taken from."""
    random = Random(seed)  # noqa: S311 - repeatable damage, no secret; until 2028-12-31
    for _ in range(random.randint(1, 4)):
        data = random.choice(_CHANGES)(bytearray(data), other, random)
    return data


def _flip(data: bytearray, _other: bytes, random: Random) -> bytes:
    for _ in range(random.randint(1, 6)):
        if data:
            byte = random.choice(_TELLING) if random.random() < 0.5 else random.randrange(256)
            data[random.randrange(len(data))] = byte
    return bytes(data)


def _cut(data: bytearray, _other: bytes, random: Random) -> bytes:
    return bytes(data[: random.randint(0, len(data))])


def _drop(data: bytearray, _other: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    del data[start:stop]
    return bytes(data)


def _repeat(data: bytearray, _other: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    data[start:start] = data[start:stop]
    return bytes(data)


def _splice(data: bytearray, other: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    first, last = _span(other, random)
    data[start:stop] = other[first:last]
    return bytes(data)


def _span(data: Sequence[int], random: Random) -> tuple[int, int]:
    first, last = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    return first, min(last, first + random.choice((1, 4, 40, 400, 4_000)))


_CHANGES: Final[tuple[Callable[[bytearray, bytes, Random], bytes], ...]] = (_flip, _flip, _cut, _drop, _repeat, _splice)
