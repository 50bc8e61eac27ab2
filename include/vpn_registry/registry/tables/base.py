"""What every table shares: the naming convention and the column shapes that recur."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from sqlalchemy import BigInteger, Integer, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column

from vpn_registry.registry.times import UtcDateTime

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

BIG: Final = BigInteger().with_variant(Integer, "sqlite")
"""64-bit integer; SQLite numbers rows by itself only where the type is INTEGER."""

Surrogate = Annotated[int, mapped_column(BIG, primary_key=True, autoincrement=True, sort_order=-1)]
Slug = Annotated[str, mapped_column(String(20))]
Ref = Annotated[str, mapped_column(String(40))]
Sha256 = Annotated[str, mapped_column(String(64))]
Moment = Annotated[datetime, mapped_column(UtcDateTime())]
LongText = Annotated[str, mapped_column(Text())]
Big = Annotated[int, mapped_column(BIG)]


class Base(DeclarativeBase):
    metadata = metadata
