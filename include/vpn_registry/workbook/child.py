"""`python -m vpn_registry.workbook.child LIMITS`: a workbook from stdin to stdout, in a process that can't do harm.

It limits itself before it looks at a byte, then says `ready`: whatever happens after that lies in the file or is an
error of ours, and the way it ends tells which. stdout gets `ready`, a line of JSON, and the columns as an Arrow stream.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa

from vpn_registry.workbook import sheet
from vpn_registry.workbook.cells import Workbook
from vpn_registry.workbook.package import Package
from vpn_registry.workbook.plain import NotPlainError, plain_pieces
from vpn_registry.workbook.refusal import RefusedError, damaged

READY: Final = b"ready\n"
OUT_OF_MEMORY: Final = 3
FAILED: Final = 4

_T = TypeVar("_T")


def main(limits: dict[str, int]) -> int:
    """Read one workbook; the exit status tells what became of it."""
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout.buffer
    out.write(READY)
    out.flush()
    try:
        _read(sys.stdin.buffer.read(), limits, out)
    except MemoryError:
        return OUT_OF_MEMORY
    except RefusedError as refusal:
        _tell(out, {"code": refusal.code, "facts": refusal.facts})
    except Exception as error:  # an error of ours: its place is told and not its words, which may quote a cell
        sys.stderr.write(_place(error))
        return FAILED
    return 0


def _read(data: bytes, limits: dict[str, int], out: Any) -> None:
    package = Package(data, limits["most_bytes"])
    strings = pa.array([], pa.large_string())
    if package.strings is not None:
        strings = _plainly(sheet.read_strings, package, package.strings)
    workbook = Workbook(strings, package.styles, package.is_1904)
    filled = [one for one in package.sheets if _plainly(partial(sheet.has_data, workbook=workbook), package, one.part)]
    if not filled:
        raise RefusedError("F201")
    if len(filled) > 1:
        raise RefusedError("F227", sheets=[one.name for one in filled])
    reading = partial(
        sheet.read_sheet,
        workbook=workbook,
        columns=limits["columns"],
        characters=limits["characters"],
        rows=limits["rows"],
    )
    table = _plainly(reading, package, filled[0].part)
    if table.is_header_merged:
        raise RefusedError("F228")
    _tell(out, {"header": table.header, "hidden_rows": table.hidden_rows, "hidden_columns": table.hidden_columns})
    _write(table, out)


def _plainly(read: Callable[[sheet.Pieces], _T], package: Package, part: str) -> _T:
    """Read a part as it is, or rewritten when its markup is not plain."""
    try:
        return read(lambda: package.pieces(part))
    except NotPlainError:
        pass
    try:
        return read(lambda: plain_pieces(package.pieces(part)))
    except NotPlainError:
        raise damaged("its markup is not that of a sheet") from None


def _write(table: sheet.Table, out: Any) -> None:
    """Columns "0", "1", .. of text, then "odd0", .. of marks where there are any, "line" and "fields"."""
    arrays: dict[str, Any] = {}
    for place, chunks in enumerate(table.columns):
        arrays[str(place)] = pa.chunked_array(chunks, pa.large_string()).combine_chunks()
        chunks.clear()
    for place, marks in enumerate(table.odd):
        odd = np.concatenate([*marks, np.zeros(0, dtype=np.uint8)])
        if odd.any():
            arrays[f"odd{place}"] = odd
    for name, parts in (("line", table.line), ("fields", table.fields)):
        arrays[name] = np.concatenate([*parts, np.zeros(0, dtype=np.int64)])
    whole = pa.table(arrays)
    with pa.ipc.new_stream(out, whole.schema) as stream:
        stream.write_table(whole)


def _tell(out: Any, told: dict[str, object]) -> None:
    out.write(json.dumps(told).encode() + b"\n")
    out.flush()


def _place(error: BaseException) -> str:
    """The kind of an error and where it arose."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(error).__name__} at {where}"


if __name__ == "__main__":
    pa.set_cpu_count(1)
    sys.exit(main(json.loads(sys.argv[1])))
