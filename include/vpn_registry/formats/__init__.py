"""Bytes of a delivery -> canonical frame of text, or the one reason why the file can't be read.

`decode` looks the format up in `DECODERS`; a new format is one function there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import pyarrow as pa

from vpn_registry.formats.archives import decode_gzip, decode_zip
from vpn_registry.formats.contents import mislabelled
from vpn_registry.formats.delimited import decode_csv
from vpn_registry.formats.frame import SPACES, Decoded, NamedColumn, Remark, Source, UnreadableError
from vpn_registry.formats.workbooks import decode_xlsx
from vpn_registry.model import USUAL_LIMITS, Limits

with suppress(NotImplementedError):  # a build of pyarrow may lack it
    # The usual one gives each page of a large file back at once and asks for it anew: half of what reading costs.
    pa.set_memory_pool(pa.jemalloc_memory_pool())

DECODERS: Final[dict[str, Callable[[Source], Decoded]]] = {
    "csv": decode_csv,
    "xlsx": decode_xlsx,
    "csv.gz": lambda source: _read(decode_gzip(source)),
    "csv.zip": lambda source: _read(decode_zip(source)),
    "xlsx.zip": lambda source: _read(decode_zip(source)),
}


def decode(
    data: bytes, ext: str, columns: Sequence[NamedColumn], *, stem: str | None = None, limits: Limits = USUAL_LIMITS
) -> Decoded:
    """Read `data`, a file with extension `ext`, against the feed's column table.

    `stem` is the file's name without the extension: what an archive's one member must be called; None takes any name.
    Raises UnreadableError for everything that refuses the file as a whole.
    """
    return _read(Source(data, ext, columns, limits, stem, len(data)))


def _read(source: Source) -> Decoded:
    decoder = DECODERS.get(source.ext)
    if decoder is None:
        raise UnreadableError("F214", ext=source.ext)
    if not source.data:
        raise UnreadableError("F201")
    if found := mislabelled(source.data, source.ext):
        raise UnreadableError("F219", ext=source.ext, found=found)
    return decoder(source)


__all__ = ["DECODERS", "SPACES", "Decoded", "NamedColumn", "Remark", "Source", "UnreadableError", "decode"]
