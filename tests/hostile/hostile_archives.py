"""Hostile and odd archives: bombs, links, paths, passwords, damage, and what is inside of what."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

from tests.hostile.hostile_building import NAME, OddFile, row, table

GOOD: Final = table([row("R-1"), row("R-2")])
_TWO: Final = (2, 2, 0, 0)
_GZ: Final = f"{NAME}.gz"
_ZIP: Final = f"{NAME}.zip"
_LINK: Final = 0o120777 << 16
_PIPE: Final = 0o010644 << 16


def member(name: str, attributes: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = attributes
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def zipped(*members: tuple[zipfile.ZipInfo | str, bytes], comment: bytes = b"") -> bytes:
    """A ZIP archive of these members, each with a name or a whole directory entry."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for info, data in members:
            archive.writestr(info if isinstance(info, zipfile.ZipInfo) else member(info), data)
        archive.comment = comment
    return held.getvalue()


_PLAIN: Final = zipped((NAME, GOOD))
_PACKED: Final = gzip.compress(GOOD, mtime=0)


def _patched(data: bytes, *patches: tuple[bytes, int, bytes]) -> bytes:
    """`data` with bytes written at an offset behind each signature."""
    changed = bytearray(data)
    for signature, offset, value in patches:
        at = changed.index(signature) + offset
        changed[at : at + len(value)] = value
    return bytes(changed)


def _flagged(bits: int) -> bytes:
    flags = struct.pack("<H", bits)
    return _patched(_PLAIN, (b"PK\x03\x04", 6, flags), (b"PK\x01\x02", 8, flags))


def _bomb(size: int) -> bytes:
    return zipped((NAME, bytes(size)))


def _lying_bomb() -> bytes:
    """The directory says a few bytes, the data inflates to many."""
    size = struct.pack("<I", 300)
    return _patched(_bomb(10_000_000), (b"PK\x03\x04", 22, size), (b"PK\x01\x02", 24, size))


def _method(kind: int) -> Callable[[], bytes]:
    info = zipfile.ZipInfo(NAME)
    info.compress_type = kind
    return lambda: zipped((info, GOOD))


def _wrong_sum() -> bytes:
    wrong = struct.pack("<I", zlib.crc32(GOOD) ^ 1)
    return _patched(_PLAIN, (b"PK\x03\x04", 14, wrong), (b"PK\x01\x02", 16, wrong))


def _gz(name: str, build: Callable[[], bytes], codes: str) -> OddFile:
    return OddFile(name, "gzip", build, codes, file=_GZ)


def _zip(name: str, build: Callable[[], bytes], codes: str) -> OddFile:
    return OddFile(name, "zip", build, codes, file=_ZIP)


ARCHIVES: Final = (
    # gzip
    OddFile("gzip of a good file", "legal", lambda: _PACKED, "", _TWO, _GZ),
    OddFile("gzip of a header alone", "legal", lambda: gzip.compress(table([]), mtime=0), "", file=_GZ),
    OddFile("gzip stored, not deflated", "legal", lambda: gzip.compress(GOOD, 0, mtime=0), "", _TWO, _GZ),
    _gz("gzip of nothing", lambda: gzip.compress(b""), "F201"),
    _gz("no byte at all", lambda: b"", "F201"),
    _gz("gzip bomb", lambda: gzip.compress(bytes(20_000_000)), "F223"),
    _gz("gzip cut off", lambda: _PACKED[:-1], "F220"),
    _gz("gzip cut to its header", lambda: _PACKED[:10], "F220"),
    _gz("gzip with a wrong checksum", lambda: _PACKED[:-8] + bytes(4) + _PACKED[-4:], "F220"),
    _gz("gzip with a wrong length", lambda: _PACKED[:-4] + bytes(4), "F220"),
    _gz("gzip with damaged data", lambda: _PACKED[:40] + b"\xff" * 40 + _PACKED[80:], "F220"),
    _gz("two gzip members", lambda: _PACKED + _PACKED, "F220"),
    _gz("text behind a gzip stream", lambda: _PACKED + b"more", "F220"),
    _gz("zeros behind a gzip stream", lambda: _PACKED + bytes(512), "F220"),
    _gz("gzip of gzip", lambda: gzip.compress(_PACKED), "F219"),
    _gz("gzip of a ZIP archive", lambda: gzip.compress(_PLAIN), "F219"),
    _gz("csv named .gz", lambda: GOOD, "F219"),
    _gz("ZIP archive named .gz", lambda: _PLAIN, "F219"),
    _gz("gzip of UTF-16", lambda: gzip.compress(GOOD.decode().encode("utf-16")), "F202"),
    # ZIP
    OddFile("ZIP archive of a good file", "legal", lambda: _PLAIN, "", _TWO, _ZIP),
    OddFile("ZIP archive, stored", "legal", _method(zipfile.ZIP_STORED), "", _TWO, _ZIP),
    OddFile("ZIP archive with a comment", "legal", lambda: zipped((NAME, GOOD), comment=b"made by us"), "", _TWO, _ZIP),
    OddFile("ZIP member with a mode", "legal", lambda: zipped((member(NAME, 0o100644 << 16), GOOD)), "", _TWO, _ZIP),
    _zip("ZIP archive of nothing", lambda: zipped(), "F221"),
    _zip("ZIP bomb", lambda: _bomb(20_000_000), "F223"),
    _zip("ZIP bomb that lies about its size", _lying_bomb, "F220"),
    _zip("two members", lambda: zipped((NAME, GOOD), ("readme.txt", b"x")), "F221"),
    _zip("one member twice", lambda: zipped((NAME, GOOD), (NAME + "x", GOOD)).replace(b"csvx", b"csv "), "F221"),
    _zip("member of macOS", lambda: zipped((NAME, GOOD), (f"__MACOSX/._{NAME}", b"x")), "F221"),
    _zip("member of another name", lambda: zipped((NAME.replace("0001", "0002"), GOOD)), "F221"),
    _zip("member in upper case", lambda: zipped((NAME.upper(), GOOD)), "F221"),
    _zip("member in a folder", lambda: zipped((f"files/{NAME}", GOOD)), "F221"),
    _zip("member above its folder", lambda: zipped((f"../{NAME}", GOOD)), "F221"),
    _zip("member with an absolute path", lambda: zipped((f"/{NAME}", GOOD)), "F221"),
    _zip("member with a backslash", lambda: zipped((f"..\\{NAME}", GOOD)), "F221"),
    _zip("member with a NUL in its name", lambda: _PLAIN.replace(NAME.encode(), NAME.encode()[:-1] + b"\0"), "F221"),
    _zip("folder", lambda: zipped((f"{NAME}/", b"")), "F221"),
    _zip("link", lambda: zipped((member(NAME, _LINK), b"/etc/passwd")), "F221"),
    _zip("pipe", lambda: zipped((member(NAME, _PIPE), b"")), "F221"),
    _zip("ZIP in a ZIP", lambda: zipped((f"{NAME}.zip", _PLAIN)), "F221"),
    _zip("ZIP in a ZIP under the right name", lambda: zipped((NAME, _PLAIN)), "F219"),
    _zip("gzip in a ZIP", lambda: zipped((NAME, _PACKED)), "F219"),
    _zip("password", lambda: _flagged(0x1), "F222"),
    _zip("strong password", lambda: _flagged(0x41), "F222"),
    _zip("patched data", lambda: _flagged(0x20), "F220"),
    _zip("wrong checksum", _wrong_sum, "F220"),
    _zip("ZIP archive cut off", lambda: _PLAIN[:-10], "F220"),
    _zip("ZIP archive cut in its data", lambda: _PLAIN[:200], "F220"),
    _zip("text behind a ZIP archive", lambda: _PLAIN + b"more", "F220"),
    _zip("text before a ZIP archive", lambda: b"PK\x03\x04" + _PLAIN, "F220"),
    _zip("gap before the first member", lambda: b"PK\x05\x06" + bytes(18) + _PLAIN, "F220"),
    _zip("packed by bzip2", _method(zipfile.ZIP_BZIP2), "F220"),
    _zip("packed by LZMA", _method(zipfile.ZIP_LZMA), "F220"),
    _zip("unknown packing", lambda: _patched(_PLAIN, (b"PK\x01\x02", 10, b"c\0"), (b"PK\x03\x04", 8, b"c\0")), "F220"),
    _zip("empty member", lambda: zipped((NAME, b"")), "F201"),
    _zip("csv named .zip", lambda: GOOD, "F219"),
    _zip("gzip named .zip", lambda: _PACKED, "F219"),
    _zip("rubbish behind a signature", lambda: b"PK\x03\x04" + bytes(range(256)), "F220"),
    OddFile("ZIP archive of a text in place of a workbook", "zip", lambda: zipped((NAME, GOOD)), "F221",
            file=_ZIP.replace("csv.zip", "xlsx.zip")),
)  # fmt: skip
