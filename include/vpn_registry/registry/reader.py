"""Looking at the registry without a way to change it, and the one thing a look may write: that it took place.

For the data team's page, which runs inside Airflow's api-server. It needs no key file: nothing here can decrypt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from vpn_registry.registry import audit
from vpn_registry.registry.engine import WRITER, hurried_engine, looking_engine
from vpn_registry.registry.home import refuse_other_schema
from vpn_registry.registry.tables import HomeRow

AUDIT_SECONDS: Final = 2
"""How long the record of a look may take; after that what was asked for is not shown (design.md section 7)."""


class NotAuditedError(Exception):
    """The look could not be written to the audit trail in time, so nothing may be shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """One snapshot: the session that reads it, the registry's clock, and whether that clock is simulated."""

    db: Session
    now: datetime
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """A registry that can only be looked at."""

    database_url: str

    @contextmanager
    def look(self) -> Iterator[Look]:
        """One snapshot for the whole block. Raises ConfigurationError when there is none of this version's schema."""
        engine = looking_engine(self.database_url)
        refuse_other_schema(engine)
        options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
        with engine.connect().execution_options(**options) as connection, Session(connection, autoflush=False) as db:
            home = db.execute(select(HomeRow.is_simulated, HomeRow.simulated_at)).one()
            yield Look(db, home.simulated_at or datetime.now(UTC), home.is_simulated)

    def record(self, actor: str, action: str, object_type: str, object_id: str, detail: Mapping[str, Any]) -> None:
        """Write that `actor` looked, in a transaction of its own that is committed on return.

        `detail` holds ids and counts only. Raises NotAuditedError when that fails or takes longer than AUDIT_SECONDS.
        """
        engine = hurried_engine(self.database_url, AUDIT_SECONDS)
        try:
            with (
                engine.connect().execution_options(**{WRITER: True}) as connection,
                Session(connection) as db,
                db.begin(),
            ):
                home = db.execute(select(HomeRow.simulated_at)).scalar_one()
                audit.record(
                    db,
                    actor=actor,
                    action=action,
                    object_type=object_type,
                    object_id=object_id,
                    detail=detail,
                    at=home or datetime.now(UTC),
                )
        except SQLAlchemyError as error:
            raise NotAuditedError(f"{type(error).__name__} while the look was recorded") from error
