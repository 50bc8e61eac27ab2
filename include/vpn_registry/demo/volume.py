"""Large registration and client files, for timing and load tests: as many rows as asked for, quickly and repeatably."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from vpn_registry.demo.sample_files import TABLE
from vpn_registry.demo.sample_stories import PLACES
from vpn_registry.model import Feed

MOST_ROWS: Final = 10_000_000
_TRADES: Final = ("Textiles", "Softworks", "Steel Mills", "Logistics", "Foods", "Data Labs", "Cement", "Pharma")
_CATEGORIES: Final = (
    "company",
    "software_house",
    "company",
    "other",
    "public_body",
    "software_house",
    "company",
    "other",
)
_PROTOCOLS: Final = ("ipsec", "wireguard", "openvpn", "ssl", "gre", "l2tp", "sstp", "other")


@dataclass(frozen=True, slots=True)
class Volume:
    """How many rows for which ISP. `shift` is the number of the first one, so that files can overlap.

    `day` is the day the file describes; `seed` decides the spread of cities, protocols and what differs.
    `unregistered` is the share of listed clients for whom `registrations` makes no row (they are the same in both).
    """

    isp: str
    rows: int
    day: date
    shift: int = 0
    seed: int = 2026
    unregistered: float = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.shift <= self.shift + self.rows <= MOST_ROWS:
            raise ValueError(f"Rows are numbered from 0 to {MOST_ROWS}.")


def clients(volume: Volume) -> bytes:
    """A client list of `volume.rows` rows, all of them good, as CSV."""
    numbers = _numbers(volume)
    return _csv(
        Feed.CLIENTS,
        _identity(volume, numbers)
        | {
            "service_ips": _addresses(volume, numbers),
            "service_status": pa.repeat("active", len(numbers)),
            "active_since": pa.repeat((volume.day - timedelta(days=700)).isoformat(), len(numbers)),
            "vpn_use": _pick(("yes", "yes", "yes", "no", "unknown"), _spread(volume, numbers, 1)),
        },
    )


def registrations(volume: Volume) -> bytes:
    """One good `add` row for each client of the same volume that is registered, as CSV (about 80 % of `rows`)."""
    numbers = _numbers(volume)
    numbers = numbers[_spread(volume, numbers, 2) % 10_000 >= volume.unregistered * 10_000]
    rows, spread = len(numbers), _spread(volume, numbers, 3)
    city, province, area = (_pick([place[n] for place in PLACES[volume.isp].cities], spread) for n in range(3))
    digits = _padded(numbers, 7)
    identity = _identity(volume, numbers)
    return _csv(
        Feed.REGISTRATIONS,
        identity
        | {
            "registration_ref": _joined("R-", digits),
            "action": pa.repeat("add", rows),
            "category": _pick(_CATEGORIES, numbers),
            "contact_name": pa.repeat("Network Desk", rows),
            "contact_email": _joined("it@c", digits, ".example"),
            "contact_phone": _joined(area, "-3555", _padded(numbers % 10_000, 4)),
            "city": city,
            "province": province,
            "purpose": _pick(("site_to_site", "remote_access", "cloud_access"), spread),
            "connection_type": pa.repeat("static_ip", rows),
            "local_ip": _addresses(volume, numbers),
            "vpn_protocol": _pick(_PROTOCOLS, spread),
            "vpn_provider": pa.repeat("self", rows),
            "valid_from": pa.repeat((volume.day - timedelta(days=90)).isoformat(), rows),
            "undertaking_ref": _joined("U-", digits),
            "verified_on": pa.repeat((volume.day - timedelta(days=91)).isoformat(), rows),
        },
    )


def _identity(volume: Volume, numbers: NDArray[np.int64]) -> dict[str, pa.Array]:
    digits = _padded(numbers, 7)
    return {
        "subscriber_id": _joined("C-", digits),
        "client_name": _joined("Sample ", _pick(_TRADES, numbers), " ", digits),
        "ntn": digits,
    }


def _addresses(volume: Volume, numbers: NDArray[np.int64]) -> pa.Array:
    """One IPv6 block a client: the documentation blocks for IPv4 hold no million of them."""
    high = pa.array([f"{number >> 16:03x}:{number & 0xFFFF:x}::/64" for number in numbers.tolist()], pa.large_string())
    return _joined(PLACES[volume.isp].v6, high)


def _numbers(volume: Volume) -> NDArray[np.int64]:
    return np.arange(volume.shift, volume.shift + volume.rows, dtype=np.int64)


def _spread(volume: Volume, numbers: NDArray[np.int64], salt: int) -> NDArray[np.int64]:
    """A number a row that looks random and depends on nothing but the row's own number, the seed and the salt."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(volume.seed * 7919 + salt)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(33)).astype(np.int64)


def _pick(values: Sequence[str], by: NDArray[np.int64]) -> pa.Array:
    return pa.array(values, pa.large_string()).take(pa.array(by % len(values)))


def _padded(numbers: NDArray[np.int64], digits: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.large_string()), digits, "0")


def _joined(*parts: pa.Array | str) -> pa.Array:
    texts = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*texts, pa.scalar("", pa.large_string()))


def _csv(feed: Feed, filled: dict[str, pa.Array]) -> bytes:
    rows = len(filled["subscriber_id"])
    table = pa.table({name: filled.get(name, pa.repeat("", rows)) for name in TABLE[feed]})
    content = io.BytesIO()
    csv.write_csv(table, content, csv.WriteOptions(include_header=False, quoting_style="none"))
    return (",".join(TABLE[feed]) + "\n").encode("ascii") + content.getvalue()
