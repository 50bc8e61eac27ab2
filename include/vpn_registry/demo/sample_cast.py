"""The people of the sample data: invented clients of invented ISPs, with numbers nobody holds.

Tax and identity numbers follow a visible pattern (zeros, then a running number), telephones use 555, mail addresses end
in `.example`, and every address lies in a documentation block.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

Row = dict[str, str]

_HOUSES: Final = (
    *("Shalimar", "Khyber", "Bolan", "Neelum", "Deosai", "Sutlej", "Makran", "Hingol", "Kaghan", "Rohtas", "Gandhara"),
    *("Harappa", "Soan", "Kalash", "Mehran", "Pothohar", "Cholistan", "Saiful", "Lasbela", "Ziarat", "Baltoro", "Swat"),
    *("Thar", "Khewra", "Jhelum", "Kunhar", "Gomal", "Zhob", "Nagar", "Hunza", "Chitral", "Dir", "Kech", "Mastuj"),
    *(
        "Sibi",
        "Tando",
        "Wazir",
        "Badin",
        "Attock",
        "Kohat",
        "Bannu",
        "Larkana",
        "Mianwali",
        "Okara",
        "Narowal",
        "Hazara",
    ),
)
_TRADES: Final[dict[str, tuple[str, ...]]] = {
    "company": ("Textiles", "Steel Mills", "Logistics", "Foods", "Pharma", "Surgical Works", "Sports Goods", "Cement"),
    "software_house": ("Softworks", "Data Labs", "Cloud Studio", "Systems"),
    "call_centre": ("Contact Centre", "Voice Services", "Support Desk"),
    "bank": ("Microfinance Bank", "Commercial Bank"),
    "public_body": ("Water Board", "Transport Authority", "Examination Board"),
    "mission": ("Consulate of Ruritania", "Trade Mission of Freedonia", "Embassy of Graustark"),
    "other": ("Welfare Trust", "Research Institute"),
}
_URDU: Final = (
    *("شالیمار ٹیکسٹائلز", "خیبر اسٹیل ملز", "بولان لاجسٹکس", "نیلم فوڈز", "دیوسائی فارما", "ستلج سافٹ ورکس"),
    *("مکران ٹریڈرز", "ہنگول ڈیٹا لیبز", "کاغان اسپورٹس", "روہتاس سیمنٹ", "گندھارا رابطہ مرکز", "سوان کلاؤڈ"),
)
_GIVEN: Final = ("Ahmed", "Sadia", "Kamran", "Hina", "Waleed", "Zara", "Faisal", "Mahnoor", "Junaid", "Iqra", "Taimur")
_FAMILY: Final = ("Raza", "Malik", "Abbasi", "Shah", "Khattak", "Durrani", "Awan", "Baloch", "Rind", "Soomro", "Mirza")
_MIX: Final = (
    *("company", "software_house", "freelancer", "company", "call_centre", "company", "freelancer", "bank"),
    *("software_house", "public_body", "company", "mission", "freelancer", "other"),
)
_PURPOSES: Final = {
    "software_house": "cloud_access",
    "freelancer": "remote_access",
    "call_centre": "contact_centre",
    "bank": "banking",
    "mission": "site_to_site",
    "public_body": "video_conference",
}
_PROTOCOLS: Final = ("ipsec", "wireguard", "openvpn", "ipsec", "ssl", "gre", "l2tp", "sstp")
_COUNTRIES: Final = ("DE", "GB", "AE", "US", "SG", "NL", "SA", "MY")


@dataclass(frozen=True, slots=True)
class Place:
    """One ISP's part of the sample world: its number, documentation blocks, and the cities it serves."""

    slug: str
    number: int
    v4: tuple[str, int]  # "192.0.2", 0: the lower half of that /24
    v6: str  # "2001:db8:1": followed by three hex digits it is inside the ISP's /36
    cities: tuple[tuple[str, str, str], ...]  # name, province, area code


@dataclass(frozen=True, slots=True)
class Client:
    """One subscriber as the ISP knows it. `ips` and `msisdn` are what its service has; ids not held are ''."""

    subscriber_id: str
    category: str
    name: str
    ntn: str
    cnic: str
    other_id: str
    ips: str
    msisdn: str
    city: str
    province: str
    area: str
    number: int


@dataclass(slots=True)
class Cast:
    """Makes the clients of one ISP and the rows about them, in a fixed order from a fixed seed.

    `day` is the day everything is told relative to: the sample story's today.
    """

    place: Place
    day: date
    clients: int = 0
    refs: int = 0
    addresses: int = 1
    _dice: random.Random = field(init=False, repr=False)
    _names: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(f"sample:{self.place.slug}")  # noqa: S311 - repeatable on purpose; until 2027-12-31
        self._names = self._dice.sample(_HOUSES, len(_HOUSES))

    @property
    def code(self) -> str:
        return self.place.slug[:3].upper()

    def on(self, days: int) -> str:
        """The ISO date so many days from the story's today."""
        return (self.day + timedelta(days=days)).isoformat()

    def client(self, category: str = "", *, mobile: bool = False) -> Client:
        """The next client; `mobile` for one without a static address."""
        self.clients += 1
        number = self.clients
        category = category or _MIX[number % len(_MIX)]
        city, province, area = self.place.cities[number % len(self.place.cities)]
        person = category == "freelancer"
        return Client(
            subscriber_id=f"{self.code}-{1000 + number}",
            category=category,
            name=self._name(category, number),
            ntn="" if person or category == "mission" else f"0{self.place.number}00{number:03d}",
            cnic=f"{3 + number % 2}{self.place.number}000-0000{number:03d}-1" if person else "",
            other_id=f"MISSION-SAMPLE-{self.place.number}{number:02d}" if category == "mission" else "",
            ips="" if mobile else self.address(),
            msisdn=f"0300555{self.place.number}{number:03d}" if mobile else "",
            city=city,
            province=province,
            area=area,
            number=number,
        )

    def address(self) -> str:
        """The next free address of the ISP's own blocks; every sixth is IPv6."""
        self.addresses += 1
        if self.addresses % 6 == 0:
            return f"{self.place.v6}{self.addresses:03x}::/64"
        base, offset = self.place.v4
        return f"{base}.{offset + self.addresses}"

    def registration(self, client: Client, **changes: str) -> Row:
        """A good `add` row for this client, with the next reference; `changes` replace columns."""
        self.refs += 1
        number = self.refs
        centre = client.category == "call_centre"
        row = {
            "registration_ref": f"{self.code}-R-{number:04d}",
            "action": "add",
            "subscriber_id": client.subscriber_id,
            "category": client.category,
            "client_name": client.name,
            "ntn": f"{client.ntn}-{number % 9}" if client.ntn and number % 3 == 0 else client.ntn,
            "cnic": client.cnic,
            "other_id": client.other_id,
            "secp_no": f"00{self.place.number}0{client.number:03d}" if client.category == "company" else "",
            "pseb_no": f"PSEB-SAMPLE-{self.place.number}{client.number:03d}" if centre else "",
            "pseb_expiry": self.on(90 + number) if centre else "",
            "contact_name": f"{_GIVEN[number % len(_GIVEN)]} {_FAMILY[number * 7 % len(_FAMILY)]}",
            "contact_email": f"it@{client.subscriber_id.lower()}.example",
            "contact_phone": f"{client.area}-3555{1000 + number}",
            "city": client.city,
            "province": client.province,
            "purpose": _PURPOSES.get(client.category, "other" if number % 4 == 0 else "site_to_site"),
            "connection_type": "mobile_number" if client.msisdn else "static_ip",
            "local_ip": client.ips,
            "msisdn": client.msisdn,
            "remote_ip": f"2001:db8:ff00:{number:x}::1" if number % 2 else "",
            "remote_country": _COUNTRIES[number % len(_COUNTRIES)] if number % 2 else "",
            "vpn_protocol": _PROTOCOLS[number % len(_PROTOCOLS)],
            "vpn_provider": "self" if number % 3 else "",
            "valid_from": self.on(-200 + number),
            "valid_to": self.on(200 + number) if number % 4 == 0 else "",
            "undertaking_ref": f"U-{self.day.year}-{number:04d}",
            "undertaking_on": self.on(-210 + number),
            "verified_on": self.on(-205 + number),
        }
        return row | changes

    def on_list(self, client: Client, **changes: str) -> Row:
        """This client's row of the client list; `changes` replace columns."""
        row = {
            "subscriber_id": client.subscriber_id,
            "client_name": client.name,
            "ntn": client.ntn,
            "cnic": client.cnic,
            "other_id": client.other_id,
            "service_ips": client.ips,
            "msisdn": client.msisdn,
            "service_status": "active",
            "active_since": self.on(-1500 + 11 * client.number),
            "vpn_use": "yes",
        }
        return row | changes

    def _name(self, category: str, number: int) -> str:
        if category == "freelancer":
            family = number // len(_GIVEN) + 3 * number + self.place.number  # no two people of an ISP share both names
            return f"{_GIVEN[number % len(_GIVEN)]} {_FAMILY[family % len(_FAMILY)]}"
        if category == "mission":
            return f"{_TRADES[category][number % 3]} in {self.place.cities[number % len(self.place.cities)][0]}"
        if category == "company" and number % 5 == 0:
            return _URDU[(number // 5 + self.place.number) % len(_URDU)]
        trades = _TRADES[category]
        suffix = " (Pvt) Ltd" if category == "company" and number % 2 else ""
        return f"{self._names[number % len(self._names)]} {trades[number % len(trades)]}{suffix}"


def moved(client: Client, ips: str) -> Client:
    """The same client with another address on the client list than in its registration."""
    return replace(client, ips=ips)


def withdrawal(row: Row) -> Row:
    """The `withdraw` row of a registration: only its reference."""
    return {column: row[column] if column == "registration_ref" else "" for column in row} | {"action": "withdraw"}
