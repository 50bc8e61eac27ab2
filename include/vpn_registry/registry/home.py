"""A registry and its home: set-up, upgrade, opening, and the clock everything reads.

`upgrade` is the only migrator. A home becomes simulated when the first command on it, while it is empty, carries an
instant; its clock then moves only forward and only when told (contract section 9).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, column, exists, insert, inspect, select, table, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from vpn_registry.model import ConfigurationError, iso_utc
from vpn_registry.registry import guards
from vpn_registry.registry.behind import told
from vpn_registry.registry.engine import WRITER, database_file, engine_for
from vpn_registry.registry.keys import KeyRing
from vpn_registry.registry.tables import AuditEventRow, DeliveryRow, HomeRow, KeyMarkRow, NoticeRow, ZoneWatchRow
from vpn_registry.settings import Settings

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_VERSION: Final = table("alembic_version")
KEY_MARK: Final = "this registry's key file"


@dataclass(frozen=True)
class Registry:
    """An open registry: sessions, keys and the clock; `run` is the DAG run that opened it, as `dag_id/run_id`."""

    settings: Settings
    keys: KeyRing
    is_simulated: bool
    simulated_at: datetime | None
    _engine: Engine
    run: str = ""

    def now(self) -> datetime:
        """Aware UTC: the simulated instant of a simulated home, else this machine's clock."""
        return self.simulated_at if self.simulated_at is not None else self.real_now()

    @staticmethod
    def real_now() -> datetime:
        """Aware UTC of this machine, also in a simulated home: for leases and time-outs, which guard processes."""
        return datetime.now(UTC)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or rolled back when it raises."""
        with (
            self._engine.connect().execution_options(**{WRITER: True}) as connection,
            Session(connection, autoflush=False, info=told(self.run)) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one snapshot of the registry; nothing it does is kept."""
        options = {"isolation_level": "REPEATABLE READ"} if self._engine.dialect.name == "postgresql" else {}
        with (
            self._engine.connect().execution_options(**options) as connection,
            Session(connection, autoflush=False) as session,
        ):
            yield session


def upgrade(settings: Settings) -> str:
    """Bring the database to this version's schema and return its revision; sets an empty one up, with its keys."""
    return _upgrade(settings, as_of=None)


def open_home(settings: Settings, *, as_of: datetime | None = None, run: str = "") -> Registry:
    """Open the registry of a home, for the DAG run `run` if one asks.

    With `as_of` (aware) an empty home is set up and becomes simulated, and a simulated one moves its clock forward.
    Raises ConfigurationError when the schema is another one, the key file is missing or not this registry's, or
    `as_of` is given to a home that isn't simulated or would go back in time.
    """
    engine = engine_for(settings.database_url)
    if as_of is not None and as_of.tzinfo is None:
        raise ConfigurationError(f"--as-of {as_of.isoformat()} names no time zone; write for example +05:00 behind it.")
    if as_of is not None and _is_unused(engine):
        _upgrade(settings, as_of=as_of)
    refuse_other_schema(engine)
    keys = KeyRing.load(settings.key_file)
    with engine.connect() as connection:
        home = connection.execute(select(HomeRow.is_simulated, HomeRow.simulated_at)).one()
        _refuse_other_keys(connection, settings, keys)
    simulated_at = home.simulated_at if as_of is None else _move_clock(engine, home.simulated_at, as_of)
    return Registry(settings, keys, home.is_simulated, simulated_at, engine, run)


def _upgrade(settings: Settings, *, as_of: datetime | None) -> str:
    engine = engine_for(settings.database_url)
    file = database_file(engine)
    if file is not None:
        _make_folder(file.parent)
    with _connected(engine, writes=True) as connection, connection.begin():
        _refuse_newer(_schema_of(connection))
        is_new = not inspect(connection).has_table(HomeRow.__tablename__)
        keys = _keys_for(settings, is_new=is_new)
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        guards.install(connection)
        if is_new:
            mark = keys.fingerprint(KEY_MARK)
            connection.execute(insert(HomeRow).values(id=1, is_simulated=False, simulated_at=None, key_mark=mark))
        _refuse_other_keys(connection, settings, keys)
        mark_keys(connection, keys)
        if as_of is not None:
            connection.execute(update(HomeRow).values(is_simulated=True, simulated_at=as_of))
    if file is not None:
        file.chmod(0o600)
    return schema()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} can't be made a folder ({error.strerror}); "
            "check VPN_REGISTRY_HOME and VPN_REGISTRY_DATABASE_URL."
        ) from None


def _refuse_other_keys(connection: Connection, settings: Settings, keys: KeyRing) -> None:
    if connection.scalar(select(HomeRow.key_mark)) != keys.fingerprint(KEY_MARK):
        raise ConfigurationError(
            f"{settings.key_file}: this is not the key file this registry was set up with; put that one back."
        )
    for name, mark in connection.execute(select(KeyMarkRow.key_id, KeyMarkRow.mark)):
        if name not in keys.ids() or keys.mark(name) != mark:
            raise ConfigurationError(
                f"{settings.key_file}: key {name}, with which this registry has encrypted, is missing or another one;"
                " put the newest copy of the key file back."
            )


def mark_keys(connection: Connection, keys: KeyRing) -> None:
    """Remember the keys of the ring that are not known yet: from now on no start without them."""
    known = set(connection.scalars(select(KeyMarkRow.key_id)))
    new = [{"key_id": name, "mark": keys.mark(name)} for name in keys.ids() if name not in known]
    if new:
        connection.execute(insert(KeyMarkRow), new)


def _keys_for(settings: Settings, *, is_new: bool) -> KeyRing:
    # Only an empty database gets new keys: beside stored ciphertext a new key file would hide the loss of the old one.
    if is_new and not settings.key_file.exists():
        return KeyRing.create(settings.key_file)
    return KeyRing.load(settings.key_file)


def refuse_other_schema(engine: Engine) -> None:
    """Raise ConfigurationError, in one sentence, unless the database is at this version's schema."""
    if _is_absent(engine):
        raise ConfigurationError("The registry's database is not set up; run `vpnreg db upgrade`.")
    with _connected(engine) as connection:
        current = _schema_of(connection)
    if not current:
        raise ConfigurationError("The registry's database is not set up; run `vpnreg db upgrade`.")
    _refuse_newer(current)
    if current != schema():
        raise ConfigurationError(
            f"The registry's database is at schema {current}, this version needs {schema()}; run `vpnreg db upgrade`."
        )


def _schema_of(connection: Connection) -> str:
    """The database's revision; '' where it is not set up."""
    # Alembic's own reader writes two log lines for each task that opens the registry.
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(select(column("version_num")).select_from(table("alembic_version"))) or ""


def _refuse_newer(current: str) -> None:
    if current > schema():
        raise ConfigurationError(
            f"The registry's database is at schema {current}, newer than {schema()}, that of this program; "
            "run the newer program, or restore the backup that fits this one."
        )


def _is_unused(engine: Engine) -> bool:
    """Whether nothing has happened in the registry yet: no database, no schema, or nothing but its set-up."""
    if _is_absent(engine):
        return True
    with _connected(engine) as connection:
        if not inspect(connection).has_table(HomeRow.__tablename__):
            return True
        if connection.scalar(select(HomeRow.is_simulated)):
            return False
        used = (exists(select(table)) for table in (DeliveryRow, ZoneWatchRow, NoticeRow, AuditEventRow))
        return not any(connection.scalar(select(something)) for something in used)


def _move_clock(engine: Engine, simulated_at: datetime | None, as_of: datetime) -> datetime:
    if simulated_at is None:
        raise ConfigurationError(
            "--as-of is only for a simulated home, and this one runs on the real clock; name an empty home."
        )
    if as_of < simulated_at:
        raise ConfigurationError(
            f"--as-of {iso_utc(as_of)} lies before {iso_utc(simulated_at)}, where this home's clock stands already."
        )
    with engine.connect().execution_options(**{WRITER: True}) as connection, connection.begin():
        # Two commands may move it at once: the later instant wins.
        connection.execute(update(HomeRow).where(HomeRow.simulated_at <= as_of).values(simulated_at=as_of))
    return as_of.astimezone(UTC)


def _is_absent(engine: Engine) -> bool:
    # Connecting would create the file.
    file = database_file(engine)
    return file is not None and not file.exists()


@contextmanager
def _connected(engine: Engine, *, writes: bool = False) -> Iterator[Connection]:
    try:
        connection = engine.connect().execution_options(**{WRITER: writes})
    except OperationalError:
        # Not chained: the driver's message may quote the address with its user.
        raise ConfigurationError(
            "The registry's database does not answer; check VPN_REGISTRY_DATABASE_URL and that the server runs."
        ) from None
    with connection:
        yield connection


def schema() -> str:
    """The revision that this version of the program works on."""

    # By the files' names: asking Alembic would make every command and task pay for its import.
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("r[0-9]*.py"))
