"""What an ISP or the installation still lacks before its files can come: one sentence a problem."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from vpn_registry import roster, settings
from vpn_registry.model import ConfigurationError
from vpn_registry.roster import Isp
from vpn_registry.settings import Settings

LISTED_WITHIN: Final = timedelta(hours=1)
"""A zone that collect_deliveries runs on is listed each minute."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`isp` is None for what concerns all of them; `sentence` names the file, connection or folder and the remedy."""

    isp: str | None
    sentence: str


def problems(here: Settings) -> tuple[list[Isp], list[Problem]]:
    """The ISPs whose files load, and everything that is wrong or missing.

    Raises ConfigurationError when there is no folder of ISPs at all.
    """
    isps, found = _loaded(here)
    found += [Problem(None, sentence) for sentence in _of_the_key_file(here)]
    listed = _listed_lately(here)
    for isp in isps:
        found += [Problem(isp.slug, sentence) for sentence in problems_of(isp, is_listed=isp.slug in listed)]
    found += _of_shared_zones(isps)
    found += _of_overlaps(isps)
    if not isps and not found:
        found.append(Problem(None, f"{here.isps} holds no <isp>.toml; docs/operations.md says how to add an ISP."))
    return isps, found


def problems_of(isp: Isp, *, is_listed: bool = False) -> list[str]:
    """What one ISP's zone lacks: folders, or a connection that logs in with a key and pins the host's.

    Airflow also keeps connections in its own database and in secrets backends, which can't be seen from here; that a
    run of collect_deliveries has listed the zone lately (`is_listed`) says that there is one, and that it works.
    """
    if isp.folder is not None:
        return list(_of_a_folder(isp.folder))
    variable = f"AIRFLOW_CONN_{str(isp.sftp).upper()}"
    text = settings.environment(variable).get(variable)
    if text is None and is_listed:
        return []
    if text is None:
        return [
            f"The environment has no {variable}, and no run has listed the zone within the last hour; Airflow's own"
            f" database was not looked at: `airflow connections get {isp.sftp}` on its api-server does that."
        ]
    try:
        connection = json.loads(text)
    except ValueError:
        return [f"{variable} is not JSON; write the connection in its JSON form."]
    if not isinstance(connection, Mapping):
        return [f"{variable} is not a JSON object; write the connection in its JSON form."]
    return [f"{variable} {sentence}" for sentence in _of_a_connection(connection)]


def _loaded(here: Settings) -> tuple[list[Isp], list[Problem]]:
    if not here.isps.is_dir():
        roster.load_isps(here.isps, here.home)  # raises the sentence on a missing folder
    isps, found = [], []
    for path in sorted(here.isps.glob("*.toml")):
        try:
            isps.append(roster.load_isp(path, here.home))
        except ConfigurationError as error:
            found.append(Problem(path.stem, str(error)))
    return isps, found


def _listed_lately(here: Settings) -> frozenset[str]:
    """The ISPs whose zone was listed within the last hour; none where there is no registry to ask."""
    from vpn_registry.registry import glance, home

    try:
        registry = home.open_home(here)
    except ConfigurationError:
        return frozenset()  # `vpnreg doctor` says why
    since = registry.now() - LISTED_WITHIN
    with registry.reading() as db:
        watches = glance.watches(db)
    return frozenset(
        slug for slug, one in watches.items() if one.listed_at and one.listed_at >= since and not one.failing_since_at
    )


def _of_a_folder(folder: Path) -> Iterator[str]:
    missing = [name for name in ("incoming", "check", "outgoing") if not (folder / name).is_dir()]
    if missing:
        yield f"{folder} lacks {', '.join(missing)}."
    elif not os.access(folder / "outgoing", os.W_OK):
        yield f"{folder / 'outgoing'} can't be written by this account."


def _of_a_connection(connection: Mapping[str, Any]) -> Iterator[str]:
    extra = connection.get("extra") or {}
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except ValueError:
            extra = None
    if not isinstance(extra, Mapping):
        yield "has an extra that is not a JSON object."
        return
    for name in ("host", "login"):
        if not connection.get(name):
            yield f"names no {name}."
    if not extra.get("host_key") or str(extra.get("no_host_key_check", "")).lower() == "true":
        yield "pins no host key; put the server's into extra.host_key."
    key_file = extra.get("key_file")
    if not key_file and not extra.get("private_key"):
        yield "holds no key to log in with; name extra.key_file or extra.private_key."
    elif key_file and not Path(str(key_file)).is_file():
        yield f"names the key file {key_file}, which is not there."


def _of_the_key_file(here: Settings) -> Iterator[str]:
    database = here.database_url.removeprefix("sqlite:///")
    is_set_up = database == here.database_url or Path(database).exists()
    if here.key_file.exists():
        if stat.S_IMODE(here.key_file.stat().st_mode) & 0o077:
            yield f"{here.key_file}: others may read the key file; chmod 600."
    elif is_set_up:
        yield f"{here.key_file}: the key file is missing; put this registry's key file back."


def _of_shared_zones(isps: Iterable[Isp]) -> Iterator[Problem]:
    owners: dict[object, str] = {}
    for isp in isps:
        first = owners.setdefault(isp.sftp or isp.folder, isp.slug)
        if first != isp.slug:
            key = "sftp" if isp.sftp else "folder"
            yield Problem(isp.slug, f"{key} names the zone of {first}; each ISP has a zone of its own.")


def _of_overlaps(isps: Iterable[Isp]) -> Iterator[Problem]:
    """Prefixes that two ISPs declare: one of them is wrong, and W201 would be silent about its addresses."""
    blocks = sorted(
        (network.version, int(network.network_address), int(network.broadcast_address), isp.slug, str(network))
        for isp in isps
        for network in map(ip_network, isp.prefixes)
    )
    widest = blocks[:1]
    for block in blocks[1:]:
        version, first, last, slug, text = block
        if version == widest[0][0] and first <= widest[0][2] and slug != widest[0][3]:
            yield Problem(slug, f"prefixes holds {text}, which overlaps {widest[0][4]} of {widest[0][3]}.")
        if version != widest[0][0] or last > widest[0][2]:
            widest = [block]
