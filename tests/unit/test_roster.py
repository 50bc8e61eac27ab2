"""The roster: files edited by people are read strictly, and complaints name file and key."""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import pytest

from vpn_registry import roster
from vpn_registry.model import ConfigurationError, ContactRole
from vpn_registry.settings import INCLUDE

GOOD = """
name = "Indus"
sftp = "sftp_indus"
prefixes = ["192.0.2.0/25", "2001:db8::/32"]

[[contacts]]
name = "Desk"
email = "desk@indus.example"
role = "compliance"

[limits]
reject_rows = 3
shrink_ratio = 1
"""


def _contains(wide: IPv4Network | IPv6Network, network: IPv4Network | IPv6Network) -> bool:
    return wide.version == network.version and wide.supernet_of(network)  # type: ignore[arg-type]  # equal versions


def write(folder: Path, text: str, name: str = "indus.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_minimal_file_takes_the_defaults(tmp_path: Path) -> None:
    isp = roster.load_isp(write(tmp_path, GOOD), tmp_path)
    assert (isp.slug, isp.sftp, isp.folder) == ("indus", "sftp_indus", None)
    assert (isp.cadence_days, isp.reject_ratio, isp.reject_rows, isp.shrink_ratio) == (31, 0.10, 3, 1.0)
    assert isp.limits.delivered_bytes == 100 * 2**20
    assert not isp.sample
    assert not isp.check_only


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('name = "Indus"', "", "name is missing"),
        ('name = "Indus"', 'name = ""', "name is empty"),
        ('name = "Indus"', "name = 7", "name is 7"),
        ('name = "Indus"', 'name = "In\\ndus"', "name holds a control character"),
        ('name = "Indus"', 'name = "Indus"\nlicense = "x"', "license is not a key"),
        ('sftp = "sftp_indus"', "", "neither sftp nor folder"),
        ('sftp = "sftp_indus"', 'sftp = "a"\nfolder = "b"', "both sftp and folder"),
        ('sftp = "sftp_indus"', 'sftp = "a b"', "sftp is 'a b'"),
        ("192.0.2.0/25", "192.0.2.1/25", "prefixes holds '192.0.2.1/25'"),
        ("192.0.2.0/25", "example", "prefixes holds 'example'"),
        ("desk@indus.example", "a@x.example, b@y.example", "contacts[1].email"),
        ("desk@indus.example", "desk@indus", "contacts[1].email"),
        ("desk@indus.example", "дesk@indus.example", "contacts[1].email"),
        ("desk@indus.example", "desk@indus.example\\r\\nBcc: x@y.example", "contacts[1].email"),
        ('role = "compliance"', 'role = "boss"', "contacts[1].role"),
        ('role = "compliance"', 'role = "escalation"', "without a compliance contact"),
        ('role = "compliance"', 'role = "compliance"\nphone = "1"', "contacts[1].phone is not a key"),
        ("reject_rows = 3", "reject_rows = -1", "limits.reject_rows is -1"),
        ("reject_rows = 3", "reject_rows = true", "limits.reject_rows is True"),
        ("shrink_ratio = 1", "shrink_ratio = 1.5", "limits.shrink_ratio is 1.5"),
        ("shrink_ratio = 1", "shrink_ration = 1", "limits.shrink_ration is not a key"),
        ("[limits]", "[[limits]]", "limits is"),
        ('name = "Indus"', 'name = "Indus"\nlanguage = "fr"', "language is 'fr'"),
        ('name = "Indus"', 'name = "Indus', "not TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_naming_file_and_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as refusal:
        roster.load_isp(path, tmp_path)
    sentence = str(refusal.value)
    assert str(path) in sentence
    assert key in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


@pytest.mark.parametrize("name", ["Indus.toml", "i.toml", "1indus.toml", "in_dus.toml", "abcdefghijklmnopqrstu.toml"])
def test_a_file_name_that_is_no_code_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="not an ISP code"):
        roster.load_isp(write(tmp_path, GOOD, name), tmp_path)


def test_two_isps_never_share_a_zone(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD, "kirana.toml")
    with pytest.raises(ConfigurationError, match=r"kirana\.toml: sftp names the zone of indus"):
        roster.load_isps(tmp_path, tmp_path)


def test_a_missing_folder_of_isps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not a folder"):
        roster.load_isps(tmp_path / "none", tmp_path)


def test_a_relative_zone_folder_begins_at_the_home(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace('sftp = "sftp_indus"', 'folder = "zones/indus"'))
    write(tmp_path, GOOD.replace('sftp = "sftp_indus"', 'folder = "/srv/kirana"'), "kirana.toml")
    isps = roster.load_isps(tmp_path, Path("/home/registry"))
    assert [isp.folder for isp in isps.values()] == [Path("/home/registry/zones/indus"), Path("/srv/kirana")]


def test_an_address_with_two_roles_is_one_recipient(tmp_path: Path) -> None:
    again = '\n[[contacts]]\nname = "Head"\nemail = "DESK@indus.example"\nrole = "escalation"\n'
    isp = roster.load_isp(write(tmp_path, GOOD.replace("[limits]", again + "[limits]")), tmp_path)
    assert [contact.name for contact in isp.recipients(ContactRole)] == ["Desk"]
    assert [contact.name for contact in isp.recipients([ContactRole.ESCALATION])] == ["Head"]


def test_every_shipped_isp_is_an_invented_sample_with_documentation_prefixes(tmp_path: Path) -> None:
    isps = roster.load_isps(INCLUDE / "isps", tmp_path)
    assert list(isps) == sorted(isps)
    assert len(isps) == 6
    reserved = [ip_network(text) for text in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
    networks = [ip_network(prefix) for isp in isps.values() for prefix in isp.prefixes]
    for network in networks:
        assert any(_contains(wide, network) for wide in reserved)
        assert sum(network.overlaps(other) for other in networks) == 1
    for slug, isp in isps.items():
        assert isp.sample
        assert isp.name_ur
        assert isp.sftp == f"sftp_{slug}"
        assert {contact.role for contact in isp.contacts} == set(ContactRole)
        assert all(contact.email.endswith(f"@{slug}.example") for contact in isp.contacts)


def test_samples_are_refused_on_a_home_that_is_not_simulated(tmp_path: Path) -> None:
    isps = roster.load_isps(INCLUDE / "isps", tmp_path)
    roster.refuse_samples(isps, is_simulated=True)
    with pytest.raises(ConfigurationError, match=r"chenab\.toml: sample is true"):
        roster.refuse_samples(isps, is_simulated=False)


def test_the_shipped_campaign_ends_on_the_30th_of_june() -> None:
    campaign = roster.load_campaign()
    assert [deadline.ends_on for deadline in campaign.deadlines] == [date(2026, 6, 30)]
    assert campaign.deadlines[0].version == 1


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("\n[[deadlines]]", "\n[[deadline]]", "deadlines is missing"),
        ("ends_on = 2026-06-30", "ends_on = 2026-06-30T00:00:00", "deadlines[1].ends_on takes a date"),
        ("ends_on = 2026-06-30", 'ends_on = "2026-06-30"', "deadlines[1].ends_on is"),
        ('slug = "2026"', 'slug = "The 2026"', "slug is"),
        ('slug = "2026"', "", "slug is missing"),
        ("[office]", "[bureau]", "office.email is missing"),
        ("@regulator.example", "@@regulator.example", "office.email is"),
    ],
)
def test_a_wrong_campaign_file_is_refused(tmp_path: Path, old: str, new: str, key: str) -> None:
    text = roster.CAMPAIGN_FILE.read_text(encoding="utf-8")
    assert old in text
    path = write(tmp_path, text.replace(old, new, 1), "campaign.toml")
    with pytest.raises(ConfigurationError) as refusal:
        roster.load_campaign(path)
    assert key in str(refusal.value)


def test_a_deadline_entry_that_moves_the_date_earlier_is_refused(tmp_path: Path) -> None:
    text = roster.CAMPAIGN_FILE.read_text(encoding="utf-8")
    text += '\n[[deadlines]]\nends_on = 2026-06-29\nentered_on = 2026-06-01\nsource = "A slip"\n'
    with pytest.raises(ConfigurationError, match="entry 2 does not extend the entries before it"):
        roster.load_campaign(write(tmp_path, text, "campaign.toml"))


def test_the_shipped_holidays_cover_2025_to_2028() -> None:
    holidays = roster.load_holidays()
    assert {day.year for day in holidays} == {2025, 2026, 2027, 2028}
    assert {date(2026, 6, 25), date(2026, 6, 26)} <= holidays


def test_a_holiday_given_twice_is_refused(tmp_path: Path) -> None:
    text = 'holidays = [{ on = 2026-06-25, name = "A" }, { on = 2026-06-25, name = "B" }]'
    with pytest.raises(ConfigurationError, match="holidays has 2026-06-25 twice"):
        roster.load_holidays(write(tmp_path, text, "holidays.toml"))
