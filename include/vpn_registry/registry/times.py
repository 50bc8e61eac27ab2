"""The two column types that SQLite lacks: moments and texts of known values."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, Dialect, Enum, String
from sqlalchemy.types import TypeDecorator, TypeEngine

STORED_MOMENT = "%Y-%m-%d %H:%M:%S.%f"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment: `timestamptz` in PostgreSQL, text of fixed width in UTC in SQLite (it sorts as it reads).

    A naive datetime is refused with ValueError on its way in; what comes out is always aware, in UTC.
    """

    impl = String(26)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(String(26) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; the registry stores moments in UTC only")
        moment = value.astimezone(UTC)
        return moment.strftime(STORED_MOMENT) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value).replace(tzinfo=UTC)  # strptime takes fifty times as long


def one_of(values: type[StrEnum], name: str) -> Enum:
    """A text column that holds the values of `values` only, checked by the database as `ck_<table>_<name>`."""
    return Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )
