"""Many rows at once: COPY into PostgreSQL, executemany into SQLite, and query results as text frames."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import Executable, Table
from sqlalchemy.orm import Session

_CHUNK: Final = 50_000
TEXT: Final = pd.StringDtype("pyarrow")


def insert_frame(db: Session, table: Table, frame: pd.DataFrame) -> int:
    """Insert a frame whose columns are columns of `table`; missing values become NULL. Returns the number of rows.

    For text, integers and booleans; dates and moments are bound by a statement instead.
    """
    if frame.empty:
        return 0
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    connection = db.connection()
    driver = connection.connection.driver_connection
    if isinstance(driver, psycopg.Connection):
        _copy(driver, table.name, arrow)
    else:
        # A bare table of the same name: the typed one would add its own defaults to the statement.
        bare = sa.table(table.name, *(sa.column(name) for name in arrow.column_names))
        statement = str(sa.insert(bare).compile(dialect=connection.dialect))
        for batch in arrow.to_batches(_CHUNK):
            rows = list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
            connection.exec_driver_sql(statement, rows)
    return len(frame)


def _copy(driver: psycopg.Connection[Any], table: str, arrow: pa.Table) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(name) for name in arrow.column_names)
    )
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in arrow.to_batches(_CHUNK):
            # Arrow quotes every text and no missing value: '' and NULL stay apart.
            sink = io.BytesIO()
            pa_csv.write_csv(batch, sink, pa_csv.WriteOptions(include_header=False))
            copy.write(sink.getbuffer())


def read_frame(db: Session, query: Executable, text: Sequence[str] = ()) -> pd.DataFrame:
    """The result of a query as a frame with a RangeIndex; the columns `text` are Arrow strings, '' for NULL."""
    result = db.execute(query)
    names = list(result.keys())
    rows = result.all()
    columns: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [() for _ in names]
    return pd.DataFrame(
        {
            name: pd.array(["" if value is None else value for value in values], dtype=TEXT)
            if name in text
            else pd.Series(list(values), dtype=None if rows else "object")
            for name, values in zip(names, columns, strict=True)
        },
        columns=names,
    )
