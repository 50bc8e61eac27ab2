"""Who files, by when, and which days are off: isps/*.toml, campaign.toml and holidays.toml as typed objects.

The files are edited by people, so reading is strict: an unknown key, a missing one or a wrong value raises
ConfigurationError with one sentence that names the file and the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from vpn_registry.campaign import Campaign, Deadline, Office, extend
from vpn_registry.model import (
    ENGLISH,
    LANGUAGES,
    LIST_AGE_DAYS,
    USUAL_LIMITS,
    ConfigurationError,
    Contact,
    ContactRole,
    Limits,
)
from vpn_registry.settings import INCLUDE
from vpn_registry.toml_table import TomlTable

CAMPAIGN_FILE: Final = INCLUDE / "campaign.toml"
HOLIDAYS_FILE: Final = INCLUDE / "holidays.toml"

_SLUG: Final = re.compile(r"[a-z][a-z0-9]{1,19}")
_CONNECTION: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")
# One plain mailbox: nothing that a mail library could read as two recipients or as a header line.
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


@dataclass(frozen=True, slots=True)
class Isp:
    """A licensee that files. Exactly one of `sftp` (an Airflow connection id) and `folder` names its zone.

    `cadence_days` is how often a client list is expected. A file is refused when more than `reject_ratio` of its
    rows and more than `reject_rows` are rejected; a full file is held when it would close more than
    `shrink_ratio` and more than `shrink_rows` (contract sections 4 and 6). With `check_only` what comes
    into `incoming/` is refused with the reason, and only `check/` is judged.
    """

    slug: str
    name: str
    name_ur: str
    licence: str
    sftp: str | None
    folder: Path | None
    contacts: tuple[Contact, ...]
    prefixes: tuple[str, ...] = ()
    sample: bool = False
    check_only: bool = False
    language: str = ENGLISH
    cadence_days: int = 31
    reject_ratio: float = 0.10
    reject_rows: int = 20
    shrink_ratio: float = 0.20
    shrink_rows: int = 5
    limits: Limits = USUAL_LIMITS

    def recipients(self, roles: Iterable[ContactRole]) -> tuple[Contact, ...]:
        """The contacts of these roles, each address once, in the order of the file."""
        wanted = frozenset(roles)
        by_address = {contact.email.lower(): contact for contact in reversed(self.contacts) if contact.role in wanted}
        return tuple(reversed(by_address.values()))

    @property
    def list_days(self) -> int:
        """How old the newest client list may grow: the cadence, and never so old that nothing is compared with it."""
        return min(self.cadence_days, LIST_AGE_DAYS)

    def list_due_on(self, list_on: date | None, opened_on: date) -> date:
        """The last day on which the next client list is in time; the first one counts from the campaign's opening."""
        return (list_on or opened_on) + timedelta(days=self.list_days)


def load_isps(folder: Path, home: Path) -> dict[str, Isp]:
    """Every ISP of the folder by slug, in the order of slugs. `home` is where relative zone folders begin."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder; VPN_REGISTRY_ISPS names the folder of <isp>.toml files.")
    isps: dict[str, Isp] = {}
    zones: dict[object, str] = {}
    for path in sorted(folder.glob("*.toml"), key=lambda path: path.stem.lower()):
        isp = load_isp(path, home)
        zone = isp.sftp or isp.folder
        if zone in zones:
            key = "sftp" if isp.sftp else "folder"
            raise ConfigurationError(f"{path}: {key} names the zone of {zones[zone]}; each ISP has a zone of its own.")
        zones[zone] = isp.slug
        isps[isp.slug] = isp
    return isps


def load_isp(path: Path, home: Path) -> Isp:
    """One `<slug>.toml`; the slug is the file's name, so that two ISPs can't share one."""
    if not _SLUG.fullmatch(path.stem):
        raise ConfigurationError(
            f"{path}: the file's name is not an ISP code; a code is 2 to 20 of a-z and 0-9 and begins with a letter."
        )
    table = TomlTable.read(path)
    limits = table.table("limits")
    isp = Isp(
        slug=path.stem,
        name=table.text("name"),
        name_ur=table.text("name_ur", ""),
        licence=table.text("licence", ""),
        sftp=table.matching("sftp", _CONNECTION, "an Airflow connection id"),
        folder=_zone_folder(table, home),
        contacts=tuple(_contact(entry) for entry in table.tables("contacts")),
        prefixes=tuple(_prefix(table, text) for text in table.texts("prefixes")),
        sample=table.flag("sample"),
        check_only=table.flag("check_only"),
        language=table.choice("language", LANGUAGES, ENGLISH),
        cadence_days=table.whole("cadence_days", 31, 1),
        reject_ratio=limits.ratio("reject_ratio", 0.10),
        reject_rows=limits.whole("reject_rows", 20, 0),
        shrink_ratio=limits.ratio("shrink_ratio", 0.20),
        shrink_rows=limits.whole("shrink_rows", 5, 0),
        limits=_limits(limits),
    )
    limits.finish()
    table.finish()
    if (isp.sftp is None) == (isp.folder is None):
        found = "both sftp and folder" if isp.sftp else "neither sftp nor folder"
        raise ConfigurationError(f"{path}: there is {found}; an ISP has exactly one of them.")
    if not isp.recipients([ContactRole.COMPLIANCE]):
        table.refuse("contacts", "is without a compliance contact; add [[contacts]] with name, email and role")
    return isp


def _limits(table: TomlTable) -> Limits:
    usual = USUAL_LIMITS
    return Limits(
        delivered_bytes=table.whole("max_bytes", usual.delivered_bytes, 1),
        rows=table.whole("max_rows", usual.rows, 1),
        columns=table.whole("max_columns", usual.columns, 1),
        characters=table.whole("max_characters", usual.characters, 1),
        inflated_bytes=table.whole("max_inflated_bytes", usual.inflated_bytes, 1),
        inflation=table.whole("max_inflation", usual.inflation, 1),
    )


def refuse_samples(isps: Mapping[str, Isp], is_simulated: bool) -> None:
    """Raise ConfigurationError when a sample ISP would file into a registry that is not simulated."""
    samples = [slug for slug, isp in sorted(isps.items()) if isp.sample]
    if samples and not is_simulated:
        raise ConfigurationError(
            f"{samples[0]}.toml: sample is true, but this registry is not simulated; "
            "point VPN_REGISTRY_ISPS at a folder with your own ISPs."
        )


def load_campaign(path: Path = CAMPAIGN_FILE) -> Campaign:
    """The campaign with its deadline history; entries stand oldest first and never move a date earlier."""
    table = TomlTable.read(path)
    slug = table.matching("slug", re.compile(r"[a-z0-9-]{1,40}"), "up to 40 of a-z, 0-9 and -")
    if slug is None:
        table.refuse("slug", "is missing")
    entries = table.tables("deadlines")
    if not entries:
        table.refuse("deadlines", "is missing; a campaign has at least one [[deadlines]] entry")
    campaign = Campaign(
        slug=slug,
        name=table.text("name"),
        name_ur=table.text("name_ur"),
        legal_base=table.text("legal_base"),
        legal_base_ur=table.text("legal_base_ur"),
        office=_office(table.table("office")),
        deadlines=tuple(_deadline(slug, version, entry) for version, entry in enumerate(entries, 1)),
    )
    table.finish()
    _refuse_no_extension(table, campaign)
    return campaign


def load_holidays(path: Path = HOLIDAYS_FILE) -> frozenset[date]:
    """The days off beside Saturdays and Sundays."""
    table = TomlTable.read(path)
    days = set()
    for entry in table.tables("holidays"):
        on = entry.day("on")
        entry.text("name")
        entry.flag("estimated")
        entry.finish()
        if on in days:
            table.refuse("holidays", f"has {on} twice")
        days.add(on)
    table.finish()
    return frozenset(days)


def _contact(table: TomlTable) -> Contact:
    name = table.text("name")
    email = table.text("email")
    if not _EMAIL.fullmatch(email):
        table.refuse("email", f"is {email!r}; it takes one plain ASCII address such as desk@isp.example")
    role = ContactRole(table.choice("role", tuple(ContactRole)))
    table.finish()
    return Contact(name, email, role)


def _office(table: TomlTable) -> Office:
    email = table.text("email")
    team_email = table.text("team_email", email)
    for key, address in (("email", email), ("team_email", team_email)):
        if not _EMAIL.fullmatch(address):
            table.refuse(key, f"is {address!r}; it takes one plain ASCII address")
    office = Office(
        *(table.text("name"), email, table.text("phone"), table.text("name_ur"), team_email),
        authority=table.text("authority", ""),
        authority_ur=table.text("authority_ur", ""),
    )
    table.finish()
    return office


def _deadline(campaign: str, version: int, table: TomlTable) -> Deadline:
    deadline = Deadline(
        campaign,
        version,
        table.day("ends_on"),
        table.day("entered_on"),
        table.text("source"),
        isp=table.matching("isp", _SLUG, "the code of an ISP") or "",
        subscriber_id=table.text("client", ""),
    )
    table.finish()
    return deadline


def _refuse_no_extension(table: TomlTable, campaign: Campaign) -> None:
    """Stop at the first entry that does not extend what it follows."""
    first = campaign.deadlines[0]
    if first.isp or first.subscriber_id:
        table.refuse("deadlines", "begins with an entry for one ISP; the first deadline is everybody's")
    sofar = replace(campaign, deadlines=(first,))
    for one in campaign.deadlines[1:]:
        try:
            sofar = extend(sofar, one.ends_on, one.entered_on, one.source, one.isp, one.subscriber_id)
        except ValueError as error:
            table.refuse(
                "deadlines", f"entry {one.version} does not extend the entries before it: {str(error).rstrip('.')}"
            )


def _zone_folder(table: TomlTable, home: Path) -> Path | None:
    text = table.text("folder", "")
    return home / Path(text).expanduser() if text else None


def _prefix(table: TomlTable, text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError as error:
        table.refuse("prefixes", f"holds {text!r}, which is not a network ({error})")
