"""What Pakistani ISPs really write: taken where it is clear, otherwise refused with the likely right value."""

from __future__ import annotations

from typing import Final

import pytest

from tests.hostile.hostile_building import row, table
from tests.hostile.test_hostile import judged
from vpn_registry import validation

_MOBILE: Final = {"connection_type": "mobile_number", "local_ip": ""}

TAKEN: Final = [
    *(
        ("contact_phone", value)
        for value in ("+92 (0)42 35761234", "+92(0)300-1234567", "(+92) 300 1234567", "0992-380000")
    ),
    *(
        ("client_name", value)
        for value in ("M/s. Habib & Sons (Pvt.) Ltd.", "\u200fسندھ ٹیکسٹائل ملز", "O’Neil “Foods”")
    ),
    *(("contact_email", value) for value in ("IT@COMPANY.COM.PK", "o'brien@x.com.pk", "it+vpn@sub-domain.net.pk")),
    *(("msisdn", value) for value in ("0300-1234567", "923001234567", "00923001234567", "+92-300-1234567")),
    *(("pseb_no", value) for value in ("PSEB/CC/2024/123", "Z-25-12345/24")),
    *(("undertaking_ref", value) for value in ("Letter No. 12/2026 dated 1-1-2026", "خط نمبر ۱۲")),
]

SUGGESTED: Final = [
    ("province", "Punjab", "PB"),
    ("province", "SINDH", "SD"),
    ("province", "N.W.F.P.", "KP"),
    ("province", "Gilgit-Baltistan", "GB"),
    ("province", "Azad Jammu and Kashmir", "JK"),
    ("province", "خیبر پختونخوا", "KP"),
    ("contact_phone", "042.35761234", "042-35761234"),
    ("contact_phone", "0300\u20131234567", "0300-1234567"),
    ("contact_phone", "3001234567", "03001234567"),
    ("ntn", "822910", "0822910"),
    ("ntn", "08229104", "0822910-4"),
    ("ntn", "'0822910", "0822910"),
    ("ntn", "0822910\u20134", "0822910-4"),
    ("ntn", "\u200e0822910", "0822910"),
    ("ntn", "०८२२९१०", "0822910"),
    ("secp_no", "54321", "0054321"),
    ("local_ip", "39.32.0.8, 39.32.0.9", "39.32.0.8;39.32.0.9"),
    ("local_ip", "39.32.0.8\n39.32.0.9", "39.32.0.8;39.32.0.9"),
    ("local_ip", "39.32.0.8 & 39.32.0.9", "39.32.0.8;39.32.0.9"),
    ("local_ip", "39.32.0.8\u201339.32.0.11", "39.32.0.8-39.32.0.11"),
    ("local_ip", "39.32.0.8 to 39.32.0.11", "39.32.0.8-39.32.0.11"),
    ("local_ip", "39.32.0.8 / 29", "39.32.0.8/29"),
    ("local_ip", "39.32.0.8/255.255.255.248", "39.32.0.8/29"),
    ("local_ip", "39.32.0.9/29", "39.32.0.8/29"),
    ("local_ip", "39.32.0.8/9", ""),
    ("local_ip", "39.32.0.8-11", "39.32.0.8-39.32.0.11"),
    ("local_ip", "39.32.0.8-300", ""),
    ("local_ip", "39.32.0.8 39.32.0.9", "39.32.0.8;39.32.0.9"),
    ("contact_phone", "+9203001234567", "+923001234567"),
    ("contact_phone", "0092 042 35761234", "009242 35761234"),
    ("msisdn", "+92 0300 1234567", "+92300 1234567"),
    ("remote_country", "de,us", "DE;US"),
    ("remote_country", "UK", "GB"),
    ("category", "Software House", "software_house"),
    ("valid_from", "2026/1/5", "2026-01-05"),
    ("valid_from", "20260105", "2026-01-05"),
    ("valid_from", "2026-01-05T00:00:00Z", "2026-01-05"),
    ("valid_from", "۲۰۲۶-۰۱-۰۵", "2026-01-05"),
    ("valid_from", "202615", ""),
    ("valid_from", "01/02/2026", ""),
    ("cnic", "35202 0000001 3", ""),
]


@pytest.mark.parametrize(("column", "value"), TAKEN)
def test_a_common_way_of_writing_is_taken(column: str, value: str) -> None:
    others = _MOBILE if column == "msisdn" else {}
    verdict = judged(table([row("R-1", **others) | {column: value}]))
    assert verdict.rows.accepted == 1
    assert not {code for code in verdict.hits if code.startswith(("H", "F"))}


@pytest.mark.parametrize(("column", "value", "likely"), SUGGESTED)
def test_a_common_slip_is_refused_with_the_likely_value(column: str, value: str, likely: str) -> None:
    verdict = judged(table([row("R-1") | {column: value}]))
    assert verdict.rows.rejected == 1
    findings = validation.row_findings(verdict)
    suggested = {text for name, text in zip(findings["column"], findings["suggestion"], strict=True) if name == column}
    assert suggested - {""} == ({likely} if likely else set())
    if likely:
        assert judged(table([row("R-1") | {column: likely}])).rows.accepted == 1


@pytest.mark.parametrize("column", ["client_name", "contact_name", "city", "undertaking_ref"])
@pytest.mark.parametrize("nothing", ["\u200b\u200b", "\u2060\ufeff\u200e", "\u3164\u3164\u3164"])
def test_text_that_shows_nothing_is_no_text(column: str, nothing: str) -> None:
    verdict = judged(table([row("R-1") | {column: nothing}, row("R-2")]))
    assert verdict.rejected.tolist() == [True, False]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("С-1001", "It holds letters other than A to Z, which may look like them."),
        ("C-1001\u200b", "holds a tab, a line break or another invisible control character."),
        ("C-१००१", "Its digits are not 0 to 9."),
    ],
)
def test_what_can_not_be_seen_is_told(value: str, said: str) -> None:
    (message,) = validation.row_findings(judged(table([row("R-1", subscriber_id=value)])))["message"]
    assert message.endswith(said)
