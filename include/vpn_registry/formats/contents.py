"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import codecs
from typing import Final

GZIP: Final = "gzip data"
ZIP: Final = "a ZIP archive"
WORKBOOK: Final = "a workbook (xlsx)"
OLD_WORKBOOK: Final = "an old or encrypted Office file"
PDF: Final = "a PDF document"
TEXT: Final = "plain text"
OTHER: Final = "something else"

_TAKEN: Final = {
    "csv": (TEXT, OTHER),
    "csv.gz": (GZIP,),
    "csv.zip": (ZIP, WORKBOOK),  # a workbook is a ZIP archive: its members tell what is wrong with it
    "xlsx.zip": (ZIP, WORKBOOK),
    "xlsx": (WORKBOOK, OLD_WORKBOOK),  # `workbooks` tells the encrypted ones
}
_LOOKED_AT: Final = 4_096
_MAGIC: Final = (
    (b"\x1f\x8b", GZIP),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLD_WORKBOOK),
    (b"%PDF-", PDF),
)


def mislabelled(data: bytes, ext: str) -> str:
    """What the content is, when it is not what the extension says; '' when it is, or may be."""
    found = kind_of(data)
    return "" if not data or found in _TAKEN.get(ext, (found,)) else found


def kind_of(data: bytes) -> str:
    """One of the kinds above."""
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), OTHER)
    # The parts of a workbook stand in the archive's directory, at its end, and the first of them at its beginning.
    if kind == ZIP and (b"[Content_Types].xml" in data[-65_536:] or b"[Content_Types].xml" in data[:65_536]):
        return WORKBOOK
    return TEXT if kind == OTHER and _is_text(data[:_LOOKED_AT]) else kind


def _is_text(data: bytes) -> bool:
    """Whether it reads as UTF-8 so far, with no byte that text doesn't hold."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return b"\0" not in data
