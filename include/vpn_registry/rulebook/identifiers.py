"""Identifiers: forms, canonical keys, masks, and the damage spreadsheets do to them.

Forms are those of contract section 3 and no stricter: a CNIC may begin with 8, an NTN's check digit is never judged
(no published algorithm matches real numbers), and nothing is derived from a CNIC's digits.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# Every pattern is matched against the whole value, with [0-9] rather than \d: digits must be ASCII.
REF: Final = r"[A-Za-z0-9._/-]{1,40}"
NTN: Final = r"[0-9]{7}(-[0-9])?"
CNIC: Final = r"[0-9]{5}-?[0-9]{7}-?[0-9]"
OTHER_ID: Final = r"[A-Za-z0-9][A-Za-z0-9 ./-]{1,38}[A-Za-z0-9]"
SECP: Final = r"[0-9]{7}"
EMAIL: Final = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
PHONE: Final = (  # +92 (0)42 is how letterheads print a number
    r"[ ()-]*((\+[ ()-]*92|00[ ()-]*92|92)([ -]*\(0\))?|0)[ ()-]*[1-9]([ ()-]*[0-9]){7,11}"
    r"([ ]*(x|ext\.?)[ ]*[0-9]{1,6})?"
)
BARE_UAN: Final = r"111[ -]?([0-9][ -]?){5}[0-9]"
MOBILE: Final = r"(\+ ?92|0092|92|0)[ -]?3([ -]?[0-9]){9}"

ONE_DIGIT: Final = "|".join(f"{digit}{{13}}" for digit in range(10))
"""A CNIC typed to get past a form."""
NO_NTN: Final = "0000000"
_MARKS: Final = "[./-]*"
_NO_DOCUMENT: Final = f"{_MARKS}(?:NILL?|N{_MARKS}A|NONE|NULL|X+|(?:0|[./-])*){_MARKS}"

_SCIENTIFIC: Final = re.compile(r"[0-9](\.[0-9]+)?[eE]\+?([0-9]+)")
_CNIC_DIGITS: Final = re.compile(r"(?<!\d)\d{12,14}(?!\d)")
_DASHES: Final = re.compile("[-\u2010-\u2015\u2212]")
_FORMULA: Final = re.compile(r'=\s*"([^"]*)"')
_DECIMAL: Final = re.compile(r"([0-9]+)\.0+")
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}( 00:00:00)?|[0-9]{1,2}/[0-9]{1,2}/([0-9]{2}|[0-9]{4})"
    r"|[0-9]{1,2}-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(-[0-9]{2,4})?"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*-[0-9]{2,4}",
    re.IGNORECASE,
)


def ntn_forms(ntn: pa.LargeStringArray) -> pa.LargeStringArray:
    """The seven digits of an NTN, '' where the value is no NTN."""
    return pc.if_else(whole(ntn, NTN), pc.utf8_slice_codeunits(ntn, 0, 7), "")


def cnic_forms(cnic: pa.LargeStringArray, is_cnic: pa.BooleanArray | None = None) -> pa.LargeStringArray:
    """Thirteen digits, '' where the value is no CNIC; `is_cnic` tells where it is one, if that is known already."""
    return pc.if_else(whole(cnic, CNIC) if is_cnic is None else is_cnic, pc.replace_substring(cnic, "-", ""), "")


def other_id_forms(other_id: pa.LargeStringArray) -> pa.LargeStringArray:
    """Upper case without spaces, '' where the value is no document number."""
    return pc.if_else(whole(other_id, OTHER_ID), pc.replace_substring(pc.utf8_upper(other_id), " ", ""), "")


def ntn_keys(ntn: pa.LargeStringArray) -> pa.LargeStringArray:
    """What NTNs are compared on: their form, '' also for a placeholder, which would pair strangers."""
    return _real(ntn_forms(ntn), NO_NTN)


def cnic_keys(cnic: pa.LargeStringArray) -> pa.LargeStringArray:
    """What CNICs are compared on: their form, '' also for a placeholder."""
    return _real(cnic_forms(cnic), ONE_DIGIT)


def other_id_keys(other_id: pa.LargeStringArray) -> pa.LargeStringArray:
    """What document numbers are compared on: their form, '' also for a placeholder such as NIL or N/A."""
    return _real(other_id_forms(other_id), _NO_DOCUMENT)


def _real(forms: pa.LargeStringArray, placeholder: str) -> pa.LargeStringArray:
    return pc.if_else(whole(forms, placeholder), "", forms)


def whole(values: pa.LargeStringArray, pattern: str) -> pa.BooleanArray:
    """Which values match `pattern` from the first to the last character (RE2's `$` takes no trailing newline)."""
    return pc.match_substring_regex(values, f"^(?:{pattern})$")


def damage(value: str) -> str:
    """One sentence on what a spreadsheet or keyboard did to an identifier, '' if nothing is recognised."""
    if _SCIENTIFIC.fullmatch(value):
        return "A spreadsheet turned it into a rounded number and its last digits are lost."
    if _FORMULA.fullmatch(value):
        return "It is a spreadsheet formula around the value."
    if _DECIMAL.fullmatch(value):
        return "A spreadsheet added decimals to it."
    if _DATE.fullmatch(value):
        return "A spreadsheet turned it into a date."
    if value.isascii():
        return ""
    if any(unicodedata.category(character) == "Cf" for character in value):
        return "It holds an invisible character."
    if with_plain_digits(value) != value:
        return "Its digits are not 0 to 9."
    if any(character.isalpha() and not character.isascii() for character in value):
        return "It holds letters other than A to Z, which may look like them."
    return ""


def mended(value: str) -> str:
    """The value without the wrapping a spreadsheet or keyboard put around it; the value itself if there is none."""
    if not value.isascii():
        seen = "".join(character for character in value if unicodedata.category(character) != "Cf")
        value = _DASHES.sub("-", with_plain_digits(seen))
    value = value.removeprefix("'")
    for pattern in (_FORMULA, _DECIMAL):
        match = pattern.fullmatch(value)
        if match:
            value = match.group(1)
    return value.strip()


def with_plain_digits(value: str) -> str:
    """The value with 0 to 9 for the decimal digits of every script."""
    if value.isascii():
        return value
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in value)


def suggest_ref(value: str) -> str:
    """A reference freed from its wrapping, if that mends it."""
    return _if_fits(mended(value), value, REF)


def suggest_ntn(value: str) -> str:
    """The NTN with its leading zeros and its dash; nothing for what could be a CNIC."""
    text = mended(value)
    if re.fullmatch(r"[0-9]{4,6}(-[0-9])?", text):
        text = text.zfill(7) if "-" not in text else text.zfill(9)
    elif re.fullmatch(r"[0-9]{8}", text):
        text = f"{text[:7]}-{text[7]}"
    return _if_fits(text, value, NTN)


def suggest_seven_digits(value: str) -> str:
    """Seven digits for an SECP number that lost its leading zeros or carries its prefix."""
    text = mended(value).upper().removeprefix("CUIN-")
    return _if_fits(text.zfill(7) if re.fullmatch(r"[0-9]{3,6}", text) else text, value, SECP)


def suggest_mobile(value: str) -> str:
    """The number with the leading zero a spreadsheet took."""
    text = _with_one_prefix(mended(value))
    return _if_fits("0" + text if re.fullmatch(r"3[0-9]{9}", text) else text, value, MOBILE)


def suggest_phone(value: str) -> str:
    """The number with the leading zero a spreadsheet took, and with plain dashes for dots and longer dashes."""
    text = _with_one_prefix(mended(value).replace(".", "-"))
    return _if_fits("0" + text if re.fullmatch(r"[1-9][0-9]{8,9}", text) else text, value, PHONE)


def _with_one_prefix(number: str) -> str:
    """A number that has both the country's code and the 0 it stands for, without the 0."""
    return re.sub(r"^(\+92|0092)[ -]?0(?=[1-9])", r"\1", number)


def _if_fits(text: str, value: str, pattern: str) -> str:
    return text if text != value and re.fullmatch(pattern, text) else ""


def mask(value: str) -> str:
    """Length, kind of characters, and the last two: `12 digits, ..34` (contract section 4)."""
    text = re.sub(r"[\s-]", "", value)
    if not text:
        return f"{len(value)} characters" if value else ""
    kind = "digits" if text.isdigit() else "letters" if text.isalpha() else "characters"
    if text.isalnum() and kind == "characters":
        kind = "letters and digits"
    return f"{len(text)} {kind}" + (f", ..{text[-2:]}" if len(text) > 4 else "")


def may_be_cnic(value: str) -> bool:
    """Whether a value in the ntn column is, was, or holds an identity number: 12 to 14 digits, dashes aside.

    Also with other marks between the digits, several of them in one cell, or as a spreadsheet's rounded number.
    """
    text = mended(value)
    rounded = _SCIENTIFIC.fullmatch(text)
    if rounded and 11 <= int(rounded[2]) <= 13:
        return True
    together = "".join(character for character in text if character.isalnum())
    return any(_CNIC_DIGITS.search(part) for part in (together, _DASHES.sub("", text)))
