"""csv.gz, csv.zip and xlsx.zip: one member of the archive's own name, unpacked within limits.

Sizes are looked at before and while unpacking, so that no more than the limit is ever held. What an archive can hide is
refused: further members, paths, links, passwords, something before its beginning or behind its end.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from dataclasses import replace
from typing import Final

from vpn_registry.formats.frame import Source, UnreadableError

_PIECE: Final = 1 << 20
_IS_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000  # general purpose flags: encrypted, strongly, and so is the directory
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22


def decode_gzip(source: Source) -> Source:
    """The file inside of a gzip stream (RFC 1952) of one member."""
    inflating = zlib.decompressobj(wbits=31)
    unpacked = bytearray()
    rest: bytes = source.data
    try:
        while rest and not inflating.eof:
            unpacked += inflating.decompress(rest, _PIECE)
            _limit(len(unpacked), source)
            rest = inflating.unconsumed_tail
    except zlib.error:
        raise UnreadableError("F220", reason="its data or its checksum is wrong") from None
    if not inflating.eof:
        raise UnreadableError("F220", reason="it is cut off")
    if inflating.unused_data:
        raise UnreadableError("F220", reason="something follows behind its end")
    return replace(source, data=bytes(unpacked), ext=source.ext.removesuffix(".gz"))


def decode_zip(source: Source) -> Source:
    """The file inside of a ZIP archive that holds nothing else."""
    ext = source.ext.removesuffix(".zip")
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            member = _only_member(archive, f"{source.stem}.{ext}" if source.stem is not None else None)
            _check_ends(source.data, member)
            _limit(member.file_size, source)
            data = _unpacked(archive, member, source)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError):
        raise UnreadableError("F220", reason="its data, its directory or its checksum is wrong") from None
    return replace(source, data=data, ext=ext)


def _only_member(archive: zipfile.ZipFile, name: str | None) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) != 1:
        raise UnreadableError("F221", found=f"{len(members)} members")
    (member,) = members
    if member.is_dir() or stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        raise UnreadableError("F221", found="a folder or a link")
    if name is not None and member.orig_filename != name:
        raise UnreadableError("F221", found="a file of another name")
    if member.flag_bits & _IS_ENCRYPTED:
        raise UnreadableError("F222")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableError("F220", reason="it is packed by a method other than deflate")
    return member


def _check_ends(data: bytes, member: zipfile.ZipInfo) -> None:
    """Nothing before the first member, and nothing behind the directory but its own comment."""
    end = data.rfind(_END)
    comment = int.from_bytes(data[end + _END_BYTES - 2 : end + _END_BYTES], "little")
    if member.header_offset != 0 or end + _END_BYTES + comment != len(data):
        raise UnreadableError("F220", reason="something stands before its beginning or follows behind its end")


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Source) -> bytes:
    unpacked = bytearray()
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            unpacked += piece
            _limit(len(unpacked), source)
    if len(unpacked) != member.file_size:
        raise UnreadableError("F220", reason="it is cut off")
    return bytes(unpacked)


def _limit(size: int, source: Source) -> None:
    if size > source.most_bytes:
        raise UnreadableError("F223", limit=source.most_bytes)
