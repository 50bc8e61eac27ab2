"""Many rows at once: COPY into PostgreSQL, executemany into SQLite, and query results as text frames.

pandas and Arrow are imported by whoever asks for a frame: a command that only looks would wait for them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import Executable, Select, Table
from sqlalchemy.orm import Session

from vpn_registry.registry.tables.base import Base

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_CHUNK: Final = 50_000
TEXT: Final = "string[pyarrow]"


def insert_frame(db: Session, table: Table | type[Base], frame: pd.DataFrame) -> int:
    """Insert a frame whose columns are columns of `table`; missing values become NULL. Returns the number of rows.

    For text, integers and booleans; dates and moments are bound by a statement instead.
    """

    import pyarrow as pa

    if frame.empty:
        return 0
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    name = table.name if isinstance(table, Table) else table.__tablename__
    connection = db.connection()
    if connection.dialect.name == "postgresql":
        _copy(connection.connection.driver_connection, name, arrow)
    else:
        # A bare table of the same name: the typed one would add its own defaults to the statement.
        bare = sa.table(name, *(sa.column(column) for column in arrow.column_names))
        statement = str(sa.insert(bare).compile(dialect=connection.dialect))
        for batch in arrow.to_batches(_CHUNK):
            rows = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
            if rows:  # a frame that was put together may hold an empty piece
                connection.exec_driver_sql(statement, rows)
    return len(frame)


def _copy(driver: Any, table: str, arrow: pa.Table) -> None:
    # Only here: whoever just looks, or has SQLite, would pay for them with each command.
    import pyarrow.csv as pa_csv
    from psycopg import sql

    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(name) for name in arrow.column_names)
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in arrow.to_batches(_CHUNK):
            # Arrow quotes every text and no missing value: '' and NULL stay apart.
            sink = io.BytesIO()
            pa_csv.write_csv(batch, sink, pa_csv.WriteOptions(include_header=False))
            copy.write(sink.getbuffer())


def read_texts(db: Session, query: Select[Any]) -> list[pa.ChunkedArray]:
    """The columns of a query of very many rows, all of them text."""

    import pyarrow as pa

    result = db.connection().execute(query)
    cursor: Any = result.cursor
    chunks: list[list[pa.Array]] = [[] for _ in query.selected_columns]
    # As the driver gives them: SQLAlchemy's rows cost as much again, and zip() over them more than that.
    while rows := cursor.fetchmany(_CHUNK):
        for place, chunk in enumerate(chunks):
            chunk.append(pa.array([row[place] for row in rows], pa.string()))
    result.close()
    return [pa.chunked_array(chunk, pa.string()) for chunk in chunks]


def read_frame(
    db: Session,
    query: Executable,
    *,
    text: Sequence[str] = (),
    whole: Sequence[str] = (),
    flags: Sequence[str] = (),
) -> pd.DataFrame:
    """The result of a query as a frame with a RangeIndex, also without a row of the same types.

    The columns `text` are Arrow strings ('' for NULL), `whole` are int64, `flags` bool; the others are objects.
    """

    import pandas as pd

    result = db.execute(query)
    names = list(result.keys())
    rows = result.all()
    columns = ([row[place] for row in rows] for place in range(len(names)))
    types: dict[str, Any] = {
        **dict.fromkeys(text, TEXT),
        **dict.fromkeys(whole, "int64"),
        **dict.fromkeys(flags, "bool"),
    }
    made = {}
    for name, values in zip(names, columns, strict=True):
        plain = ["" if value is None else value for value in values] if name in text else values
        made[name] = pd.Series(plain, dtype=types.get(name, "object"))
    return pd.DataFrame(made, columns=names)
