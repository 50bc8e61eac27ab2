"""The rules on a file as a whole: its name, its number, how it reads (contract section 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from vpn_registry.model import Feed, Finding, Mode, Severity
from vpn_registry.rulebook.containers import FILE_RULES as _CONTAINERS
from vpn_registry.rulebook.held import FILE_RULES as _HELD
from vpn_registry.rulebook.rule import FileRule

UNOPENED: Final = frozenset({"F101", "F103", "F104", "F109", "F211", "F212"})
"""Findings after which the content isn't looked at: it is not this ISP's, not this file, or not ours to read."""
UNREADABLE_NAME: Final = (Feed.REGISTRATIONS, Mode.DELTA)
"""By which suite a delivery with an unreadable name is refused; nothing of it is read."""


def file_finding(code: str, **facts: object) -> Finding:
    """The finding of a file-level rule with its texts filled in. KeyError for an unknown code or a missing fact."""
    rule = FILE_RULES[code]
    return Finding(code, rule.severity, rule.message.format(**facts), rule.remedy.format(**facts), facts)


def _error(code: str, title: str, why: str, message: str, remedy: str, example: str) -> FileRule:
    return FileRule(
        code=code, severity=Severity.ERROR, title=title, why=why, message=message, remedy=remedy, example=example
    )


def _warning(code: str, title: str, why: str, message: str, remedy: str, example: str) -> FileRule:
    return FileRule(
        code=code, severity=Severity.WARNING, title=title, why=why, message=message, remedy=remedy, example=example
    )


_NEXT: Final = "Send the corrected file under the next number."

_RULES: Final = (
    _error(
        "F101",
        "Unreadable file name",
        "The name says what the file is and where it stands in the order.",
        "The file's name is not <isp>_<feed>_<mode>_<yyyymmdd>_<seq>.<ext>.",
        "Name it like indus_registrations_delta_20260615_0042.csv: lower case, a real day, four to six digits from"
        " 0001 on.",
        "Registrations June.csv",
    ),
    _warning(
        "F102",
        "Missing numbers",
        "A missing file may hold what later files build on.",
        "Numbers before this file have not arrived: {missing}.",
        "Send the missing files; if a number was never used, send a header-only delta under it.",
        "0003 arrives, 0002 never did",
    ),
    _error(
        "F103",
        "Number used before by another file",
        "Order is the sequence number, so a number stands for one file.",
        "This number has been used by a file with other content.",
        "Send it under the next free number.",
        "two different files with number 0042",
    ),
    _error(
        "F104",
        "File in the wrong zone",
        "Each zone belongs to one filer.",
        "The name's first part is not the code of this zone's filer.",
        "Begin the name with {isp}_.",
        "a name that begins with another code",
    ),
    _error(
        "F105",
        "Date in the future",
        "The date is the day the content describes.",
        "The name's date, {day}, lies in the future.",
        "Use the day the content describes. " + _NEXT,
        "tomorrow's date in the name",
    ),
    _error(
        "F106",
        "Date too old",
        "Old content would be taken for current.",
        "The name's date, {day}, is more than {limit} days before the file was received.",
        "Send current content. " + _NEXT,
        "last month's date in the name",
    ),
    _error(
        "F107",
        "Wrong mode for the feed",
        "Client lists are always whole, responses never.",
        "A {feed} file is always {expected}.",
        "Use {expected} in the name, with the content to match. " + _NEXT,
        "indus_clients_delta_20260615_0042.csv",
    ),
    _warning(
        "F108",
        "File received before",
        "The same file twice says nothing new.",
        "This file, with this number and these bytes, was received before; it is ignored.",
        "Nothing to do.",
        "the same file uploaded twice",
    ),
    FileRule(
        code="F109",
        severity=Severity.ERROR,
        title="Only the test zone is open",
        why="An ISP that only tries files out can't change the registry by mistake.",
        message="Files in incoming/ are not taken from you yet; nothing in this one has been used.",
        remedy="Drop it into check/ to try it out. When your files pass, ask the registry's office to open incoming/.",
        example="a file in incoming/ of an ISP whose entry says check_only",
        since="1.1",
    ),
    _error(
        "F201",
        "Empty file",
        "An empty file may be a broken upload.",
        "The file is empty.",
        "If there is nothing to report, send a delta with the header line alone. " + _NEXT,
        "a file of 0 bytes",
    ),
    _error(
        "F202",
        "Not UTF-8",
        "In another encoding names turn into other names.",
        "The file is not UTF-8 text; line {line} holds the first other bytes.",
        "Export it as CSV UTF-8. " + _NEXT,
        "a file saved as Windows-1252 or UTF-16",
    ),
    _error(
        "F203",
        "Missing column",
        "Every row would lack what the column says.",
        "The header lacks: {columns}.",
        "Add the columns with exactly these names, in any order.{case} " + _NEXT,
        "a header without registration_ref",
    ),
    _error(
        "F204",
        "Repeated column",
        "Which of the two is meant is unknown.",
        "The header names more than once: {columns}.",
        "Name every column once. " + _NEXT,
        "ntn twice in the header",
    ),
    _warning(
        "F205",
        "Unknown column",
        "It may be a misspelt name, so its content is not used.",
        "Columns that are not in the specification are ignored: {columns}.",
        "Remove them, or correct their names.",
        "a column remarks",
    ),
    _error(
        "F206",
        "NUL characters",
        "They are a sign of a broken or binary file.",
        "Line {line} holds a NUL character.",
        "Export the file as CSV UTF-8. " + _NEXT,
        "a text file with a NUL in it",
    ),
    _error(
        "F207",
        "Too many columns",
        "No feed has so many.",
        "The header has {count} columns, the limit is {limit}.",
        "Remove the columns that are not in the specification. " + _NEXT,
        "a header of 70 names",
    ),
    _error(
        "F208",
        "Field too long",
        "No value is so long; a quote is probably missing.",
        "A field in the record that begins on line {line} has more than {limit} characters.",
        "Look for a missing quote, or shorten the value. " + _NEXT,
        "a field of 4,001 characters",
    ),
    _error(
        "F209",
        "Too many rows",
        "Beyond the limit a file is more likely broken than true.",
        "The file has more than {limit} rows.",
        "Split the delta into several files, or ask for a higher limit. " + _NEXT,
        "200,001 rows",
    ),
    _error(
        "F210",
        "Broken quotes",
        "From there on it is unknown where a field ends.",
        "The quotes of the record that begins on line {line} are not balanced.",
        'Close every quoted field, and write a quote inside one as "". ' + _NEXT,
        'a name that begins with " and never ends',
    ),
    _error(
        "F211",
        "File too large",
        "Beyond the limit a file is more likely broken than true.",
        "The file has more than {limit} bytes.",
        "Split the delta into several files, or ask for a higher limit. " + _NEXT,
        "a file of 101 MiB",
    ),
    _error(
        "F212",
        "Checksum differs",
        "The file was damaged or is not the one that was meant.",
        "The file's SHA-256 is not the one in its .sha256 file.",
        "Upload both again, made from the same file. " + _NEXT,
        "a file cut off during upload",
    ),
    FileRule(
        code="F213",
        severity=Severity.ERROR,
        title="Format not taken yet",
        why="Workbooks and archives were not read before rulebook 1.1.",
        message="Files with the extension {ext} are not taken yet.",
        remedy="Send the same content as .csv. " + _NEXT,
        example="a workbook sent while rulebook 1.0 was in force",
        until="1.1",
    ),
    _error(
        "F214",
        "Format not taken",
        "Such files can hide macros or can't be read safely.",
        "Files with the extension {ext} are not taken.",
        "Send the content as .csv or .xlsx, plain or packed as .csv.gz, .csv.zip or .xlsx.zip. " + _NEXT,
        "indus_clients_full_20260615_0042.xls",
    ),
    replace(
        _error(
            "F215",
            "Feed not taken yet",
            "Its rules were not in force, so an answer would have had no effect.",
            "The responses feed is not taken yet; nothing in this file has been used.",
            "The feed is taken now: send the file under the next number.",
            "indus_responses_delta_20260615_0042.csv",
        ),
        until="1.1",
    ),
    _warning(
        "F216",
        "Blank rows",
        "They say nothing and are not counted.",
        "Rows with all fields empty are skipped: {count}.",
        "Leave blank rows out.",
        "a spreadsheet exported with empty rows at its end",
    ),
    _error(
        "F217",
        "Wrong separator",
        "Fields are separated by commas only.",
        "The header is separated by {separator}, not by commas.",
        "Export the file with commas. " + _NEXT,
        "a file exported with a regional setting that uses ;",
    ),
    _error(
        "F218",
        "No header line",
        "Without names it is unknown which value belongs to which column.",
        "Line 1 is not the header: none of its fields is the name of a column.",
        "Put the header line first, with the names of the specification; `vpnreg template FEED` prints it. " + _NEXT,
        "a file that begins with its first row of data",
    ),
    _error(
        "F301",
        "Too many rows rejected",
        "So many errors have one cause, and the good rows may share it.",
        "{rejected} of {total} rows are rejected; the file is refused as a whole because more than {allowed} are.",
        "Correct the rows listed in the findings file. " + _NEXT,
        "100 rows, 30 of them rejected",
    ),
    _warning(
        "F303",
        "Nothing closed by this file",
        "A row without a readable key may be any of the absent ones.",
        "Rejected rows have no readable key, so absent keys are not closed by this file.",
        "Correct the rows without a readable key and send the whole list under the next number.",
        "a full file with a row of too few fields",
    ),
)

FILE_RULES: Final[dict[str, FileRule]] = {rule.code: rule for rule in (*_RULES, *_CONTAINERS, *_HELD)}
