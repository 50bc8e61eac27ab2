"""Hostile and odd file names."""

from __future__ import annotations

from typing import Final

from tests.hostile.hostile_building import OddName

_B: Final = "indus_registrations_delta_20260615_0001"

NAMES: Final = (
    OddName("plain words", "name", "Registrations June.csv", "F101"),
    OddName("traversal", "name", "..\\..\\" + _B + ".csv", "F101"),
    OddName("encoded traversal", "name", "..%2f" + _B + ".csv", "F101"),
    OddName("line break", "name", _B + "\n.csv", "F101"),
    OddName("line break behind", "name", _B + ".csv\n", "F101"),
    OddName("terminal escape", "name", "\x1b[2J" + _B + ".csv", "F101"),
    OddName("override hides the extension", "name", _B + "\u202evsc.exe", "F101"),
    OddName("Urdu digits in the date", "name", "indus_registrations_delta_۲۰۲۶۰۶۱۵_0001.csv", "F101"),
    OddName("Urdu digits in the number", "name", "indus_registrations_delta_20260615_۰۰۰۱.csv", "F101"),
    OddName("homoglyph in the code", "name", "іndus_registrations_delta_20260615_0001.csv", "F101"),
    OddName("upper case", "name", _B.upper() + ".CSV", "F101"),
    OddName("upper-case extension", "name", _B + ".CSV", "F101"),
    OddName("quotes and a command", "name", _B + ";$(id).csv", "F101"),
    OddName("formula", "name", "=" + _B + ".csv", "F101"),
    OddName("overlong", "name", "indus_registrations_delta_20260615_0001." + "a" * 200, "F101"),
    OddName("device name", "name", "CON.csv", "F101"),
    OddName("browser's second copy", "name", _B + " (1).csv", "F101"),
    OddName("three digits", "name", "indus_registrations_delta_20260615_001.csv", "F101"),
    OddName("seven digits", "name", "indus_registrations_delta_20260615_0000001.csv", "F101"),
    OddName("number 0", "name", "indus_registrations_delta_20260615_0000.csv", "F101"),
    OddName("30 February", "name", "indus_registrations_delta_20260230_0001.csv", "F101"),
    OddName("unknown feed", "name", "indus_customers_full_20260615_0001.csv", "F101"),
    OddName("no extension", "name", _B, "F101"),
    OddName("another filer's code", "name", "kirana_registrations_delta_20260615_0001.csv", "F104"),
    OddName("a code nobody has", "name", "nobody_registrations_delta_20260615_0001.csv", "F104"),
    OddName("tomorrow", "name", "indus_registrations_delta_20260616_0001.csv", "F105"),
    OddName("eight days old", "name", "indus_registrations_delta_20260607_0001.csv", "F106"),
    OddName("clients as delta", "name", "indus_clients_delta_20260615_0001.csv", "F107"),
    OddName("responses as full", "name", "indus_responses_full_20260615_0001.csv", "F107"),
    OddName("six digits", "legal", "indus_registrations_delta_20260615_000001.csv"),
    OddName("seven days old", "legal", "indus_registrations_delta_20260608_0001.csv"),
    OddName("whole book", "legal", "indus_registrations_full_20260615_0001.csv"),
)
