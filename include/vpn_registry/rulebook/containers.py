"""File-level rules on what a file is packed in: archives and workbooks (contract section 3)."""

from __future__ import annotations

from typing import Final

from vpn_registry.model import Severity
from vpn_registry.rulebook.rule import FileRule

_NEXT: Final = "Send the corrected file under the next number."
_SINCE: Final = "1.1"


def _error(code: str, title: str, why: str, message: str, remedy: str, example: str) -> FileRule:
    return FileRule(
        code=code,
        severity=Severity.ERROR,
        title=title,
        why=why,
        message=message,
        remedy=f"{remedy} {_NEXT}",
        example=example,
        since=_SINCE,
    )


FILE_RULES: Final[tuple[FileRule, ...]] = (
    _error(
        "F219",
        "Content is not what the name says",
        "A file that is not what its name says was made by mistake, or to deceive a reader.",
        "The name ends in .{ext}, but the content is {found}.",
        "Save the content in the format that the name says, or name the file by what it is.",
        "a workbook renamed to .csv",
    ),
    _error(
        "F220",
        "Archive damaged",
        "What a damaged archive held is unknown.",
        "The archive can't be unpacked: {reason}.",
        "Make the archive anew from the whole file, and compare its checksum after the upload.",
        "an archive that was cut off during upload",
    ),
    _error(
        "F221",
        "Archive does not hold just its own file",
        "Which file is meant must not be guessed.",
        "The archive must hold one file of its own name without .zip, and holds {found}.",
        "Pack that one file alone, without folders; some programs add hidden files such as __MACOSX.",
        "an archive of two files",
    ),
    _error(
        "F222",
        "Archive encrypted",
        "The way to us is encrypted already, and a password can't be asked for.",
        "The archive is protected by a password.",
        "Pack the file without a password.",
        "a ZIP archive with a password",
    ),
    _error(
        "F223",
        "Unpacked file too large",
        "A small file that unpacks to a very large one is made to fill a reader's memory.",
        "Unpacked the file has more than {limit} bytes, the limit for its size.",
        "Split the delta into several files, or ask for a higher limit.",
        "an archive of 1 MiB that unpacks to 1 GiB",
    ),
    _error(
        "F224",
        "Workbook damaged",
        "What a damaged workbook held is unknown.",
        "The workbook can't be read: {reason}.",
        "Open it in a spreadsheet program, save it anew as .xlsx, or send the sheet as .csv.",
        "a workbook that was cut off during upload",
    ),
    _error(
        "F225",
        "Workbook encrypted",
        "The way to us is encrypted already, and a password can't be asked for.",
        "The workbook is protected by a password.",
        "Save it without a password.",
        "a workbook saved with a password to open it",
    ),
    _error(
        "F226",
        "Workbook with macros",
        "Macros are programs, and data needs none.",
        "The workbook holds macros.",
        "Save it as an ordinary .xlsx workbook, or send the sheet as .csv.",
        "an .xlsm workbook renamed to .xlsx",
    ),
    _error(
        "F227",
        "Several sheets with data",
        "Which of them is meant must not be guessed.",
        "{count} sheets hold data: {sheets}.",
        "Leave one sheet, and move notes and look-up lists to another workbook; hidden sheets count too.",
        "a sheet of clients and a sheet of notes",
    ),
    _error(
        "F228",
        "Merged cells in the header",
        "Under a merged heading it is unknown which column a value belongs to.",
        "Row 1 holds merged cells.",
        "Undo the merging and give every column its own name.",
        "one heading over two columns",
    ),
    FileRule(
        code="F229",
        severity=Severity.WARNING,
        title="Hidden rows or columns",
        why="They count like all others, which whoever hid them may not have meant.",
        message="Hidden rows: {rows}; hidden columns: {columns}. They have been read like the others.",
        remedy="Show them before you send the workbook, and delete what is not meant to be filed.",
        example="rows hidden by a filter",
        since=_SINCE,
    ),
    _error(
        "F230",
        "Workbook too costly to read",
        "A workbook that needs so much memory or computing time is more likely broken than true.",
        "Reading the workbook took more memory or computing time than any workbook is given.",
        "Copy the data alone into a new workbook, or send it as .csv.",
        "a workbook with millions of formatted but empty cells",
    ),
)
