"""The feeds' column tables (contract section 3): specification, template, reading and judging all take them here."""

from __future__ import annotations

from typing import Final

from vpn_registry.model import Feed
from vpn_registry.rulebook.rule import Column

ACTIONS: Final = ("add", "update", "withdraw")
CATEGORIES: Final = (
    "company",
    "freelancer",
    "call_centre",
    "bank",
    "mission",
    "public_body",
    "software_house",
    "other",
)
PROVINCES: Final = ("PB", "SD", "KP", "BA", "IS", "GB", "JK")
PROVINCE_NAMES: Final = {
    "punjab": "PB",
    "sindh": "SD",
    "sind": "SD",
    "khyberpakhtunkhwa": "KP",
    "kpk": "KP",
    "nwfp": "KP",  # the name until 2010
    "fata": "KP",  # joined in 2018
    "balochistan": "BA",
    "baluchistan": "BA",
    "islamabad": "IS",
    "ict": "IS",
    "islamabadcapitalterritory": "IS",
    "gilgitbaltistan": "GB",
    "ajk": "JK",
    "azadkashmir": "JK",
    "azadjammuandkashmir": "JK",
    "پنجاب": "PB",
    "سندھ": "SD",
    "خیبرپختونخوا": "KP",
    "بلوچستان": "BA",
    "اسلامآباد": "IS",
    "گلگتبلتستان": "GB",
    "آزادکشمیر": "JK",
}
"""How else the provinces are written, in lower case without marks: what is suggested, never what is taken."""
PURPOSES: Final = (
    "site_to_site",
    "remote_access",
    "cloud_access",
    "contact_centre",
    "banking",
    "video_conference",
    "other",
)
CONNECTION_TYPES: Final = ("static_ip", "mobile_number")
PROTOCOLS: Final = ("ipsec", "ssl", "openvpn", "wireguard", "l2tp", "pptp", "gre", "sstp", "other")
SERVICE_STATUSES: Final = ("active", "suspended", "terminated")
VPN_USES: Final = ("yes", "no", "unknown")
RESPONSES: Final = ("registering", "registered_elsewhere", "no_vpn", "terminated", "dispute")

REF: Final = "up to 40 of A-Z a-z 0-9 . _ / -"
DAY: Final = "date, YYYY-MM-DD"


def _codes(values: tuple[str, ...]) -> str:
    return "one of " + ", ".join(values)


def _identifier(name: str, form: str, why: str, example: str, *, required: bool = False, when: str = "") -> Column:
    masked = name in {"cnic", "other_id"}
    return Column(name, form, why, example, required, when, is_identifier=True, is_masked=masked)


def _code(name: str, values: tuple[str, ...], why: str, example: str) -> Column:
    return Column(name, _codes(values), why, example, required=True, values=values)


def _day(name: str, why: str, example: str, *, required: bool = False, when: str = "") -> Column:
    return Column(name, DAY, why, example, required, when, is_day=True)


_SUBSCRIBER = _identifier("subscriber_id", REF, "the ISP's id of the client", "C-1001", required=True)
_CLIENT_NAME = Column("client_name", "2 to 200 characters, any script", "who the client is", "Indus Textiles", True)
_NTN_FORM = "7 digits, optionally - and an eighth; compared on the seven"
_CNIC_FORM = "13 digits, dashes allowed"
_DOCUMENT_FORM = "passport, NICOP or other document number, 3 to 40 letters, digits, spaces or . / -"
_MOBILE_FORM = "mobile number, 03001234567 or +923001234567"
_ONE_OF = "one of ntn, cnic, other_id"

COLUMNS: Final[dict[Feed, tuple[Column, ...]]] = {
    Feed.REGISTRATIONS: (
        _identifier("registration_ref", REF, "the ISP's own id of this registration", "R-0001", required=True),
        _code("action", ACTIONS, "what to do with the registration; add for every row of a full file", "add"),
        _SUBSCRIBER,
        _code("category", CATEGORIES, "the kind of client", "company"),
        _CLIENT_NAME,
        _identifier("ntn", _NTN_FORM, "national tax number", "0822910-4", when=_ONE_OF),
        _identifier("cnic", _CNIC_FORM, "national identity number of a person", "", when=_ONE_OF),
        _identifier("other_id", _DOCUMENT_FORM, "the document of a client without the two above", "", when=_ONE_OF),
        _identifier("secp_no", "7 digits", "company number at the SECP", "0054321"),
        _identifier("pseb_no", REF, "PSEB certificate", "", when="category is call_centre"),
        _day("pseb_expiry", "last day of the certificate", "", when="category is call_centre"),
        Column("contact_name", "2 to 200 characters, any script", "whom to ask", "Ayesha Khan", True),
        Column("contact_email", "one e-mail address", "where to ask", "it@indus-textiles.example", True),
        _identifier("contact_phone", "national or +92 form", "where to ring", "042-35761234", required=True),
        Column("city", "2 to 100 characters", "where the end point is", "Lahore", True),
        _code("province", PROVINCES, "where the end point is", "PB"),
        _code("purpose", PURPOSES, "what the VPN is for", "site_to_site"),
        _code("connection_type", CONNECTION_TYPES, "how the client is connected", "static_ip"),
        Column(
            "local_ip",
            "addresses, CIDR blocks or first-last ranges, IPv4 or IPv6, separated by ;",
            "the end point in Pakistan",
            "39.32.0.8",
            when="connection_type is static_ip",
        ),
        _identifier("msisdn", _MOBILE_FORM, "the mobile number", "", when="connection_type is mobile_number"),
        Column("remote_ip", "as local_ip", "the other end points", ""),
        Column("remote_country", "ISO 3166-1 alpha-2 codes, separated by ;", "where the other ends are", "DE"),
        _code("vpn_protocol", PROTOCOLS, "how the tunnel is made", "ipsec"),
        Column("vpn_provider", "self, or up to 200 characters", "who runs the service", "self"),
        _day("valid_from", "first day of the registration", "2026-01-01", required=True),
        _day("valid_to", "last day; empty = open-ended", ""),
        Column("undertaking_ref", "up to 100 characters", "reference of the undertaking, never a scan", "U-17", True),
        _day("undertaking_on", "day of the undertaking", ""),
        _day("verified_on", "the day the ISP verified the subscriber", "2026-01-01", required=True),
    ),
    Feed.CLIENTS: (
        _SUBSCRIBER,
        _CLIENT_NAME,
        _identifier("ntn", _NTN_FORM, "national tax number", "0822910-4"),
        _identifier("cnic", _CNIC_FORM, "national identity number of a person", ""),
        _identifier("other_id", _DOCUMENT_FORM, "another document", ""),
        Column("service_ips", "as local_ip of registrations", "the client's static addresses", "39.32.0.8"),
        _identifier("msisdn", _MOBILE_FORM, "the client's mobile number", ""),
        _code("service_status", SERVICE_STATUSES, "whether the service runs", "active"),
        _day("active_since", "since when the service runs", "2024-03-01", required=True),
        _code("vpn_use", VPN_USES, "what the client or the contract says, never derived from traffic", "yes"),
    ),
    Feed.RESPONSES: (
        _SUBSCRIBER,
        _identifier("notice_no", "N-<yyyy>-<6 digits>", "the notice answered", "N-2026-000017", required=True),
        _code("response", RESPONSES, "what the ISP says of the client", "registering"),
        Column("reference", "up to 100 characters", "the ISP's own reference", ""),
        Column("comment", "up to 1,000 characters", "in plain words; no names or numbers of persons", ""),
        _day("responded_on", "day of the answer", "2026-06-02", required=True),
    ),
}

KEYS: Final[dict[Feed, str]] = {
    Feed.REGISTRATIONS: "registration_ref",
    Feed.CLIENTS: "subscriber_id",
    Feed.RESPONSES: "subscriber_id",
}
"""The column that, with the ISP, is the key of a feed's rows."""

# ISO 3166-1 alpha-2, officially assigned codes.
_ISO_3166_1: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
    FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
    JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
    PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
    TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES: Final = tuple(_ISO_3166_1.split())
