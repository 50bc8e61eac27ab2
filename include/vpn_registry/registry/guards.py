"""Triggers that keep history: illegal moves, changed versions, edited audit events are refused by the database itself.

`install` is run by every upgrade, after the migrations: triggers are dropped and made anew, the moves seeded anew.
Conditions are written once, in SQL that SQLite and PostgreSQL read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, insert, text

from vpn_registry.registry.moves import DELIVERY_MOVES, MESSAGE_MOVES, REVISION_MOVES
from vpn_registry.registry.tables import (
    ClientVersionRow,
    DeliveryMoveRow,
    DeliveryRow,
    FindingRow,
    MessageMoveRow,
    RegistrationVersionRow,
    ResponseRow,
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuse `event` on a row of `table` where `condition` (over OLD and NEW) is true."""

    table: str
    event: str
    name: str
    condition: str
    message: str


def _changed(*columns: str) -> str:
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)


def _append_only(table: str) -> tuple[Guard, ...]:
    message = f"{table} are only added to"
    return Guard(table, "UPDATE", "kept", "1=1", message), Guard(table, "DELETE", "kept", "1=1", message)


KEPT_FOR_EVER: Final = frozenset(
    {"id", "row", "seq", "action", "is_overtaken", "learnt_at", "content_sha256", "current_id", "delivery_id"}
)
"""What stays of a version when its retention ends: numbers, dates, hashes and lineage (contract section 6)."""


_CIPHERS: Final = ("cnic_cipher", "other_id_cipher")
"""May be encrypted anew; that they still say the same, the fingerprint beside them tells (rotation.py)."""


def _versions(model: type[RegistrationVersionRow] | type[ClientVersionRow]) -> tuple[Guard, ...]:
    table = model.__tablename__
    names = [column.name for column in model.__table__.columns]
    kept = _changed(*(name for name in names if name in KEPT_FOR_EVER))
    left = " OR ".join(f"NEW.{name} IS NOT NULL" for name in names if name not in KEPT_FOR_EVER | {"erased_at"})
    is_no_erasure = f"OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR {kept} OR {left}"
    is_no_reencryption = _changed(*(name for name in names if name not in _CIPHERS)) + "".join(
        f" OR (NEW.{name} IS NULL) <> (OLD.{name} IS NULL) OR (NEW.{name} = '') <> (OLD.{name} = '')"
        for name in _CIPHERS
    )
    message = f"{table} change only by the erasure of their personal columns, and by another key of their ciphertext"
    return (
        Guard(table, "UPDATE", "kept", f"({is_no_erasure}) AND ({is_no_reencryption})", message),
        Guard(table, "DELETE", "kept", "1=1", f"{table} are never deleted"),
    )


_RESPONSE_WORDS: Final = frozenset({"reference", "comment", "erased_at"})
"""What goes of an ISP's answer when its retention ends."""


def _responses() -> tuple[Guard, ...]:
    names = (column.name for column in ResponseRow.__table__.columns)
    kept = _changed(*(name for name in names if name not in _RESPONSE_WORDS))
    condition = (
        f"OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR {kept}"
        " OR NEW.reference IS NOT NULL OR NEW.comment IS NOT NULL"
    )
    return (
        Guard("responses", "UPDATE", "kept", condition, "responses change only by the erasure of their words"),
        Guard("responses", "DELETE", "kept", "1=1", "responses are never deleted"),
    )


def _findings() -> tuple[Guard, ...]:
    """What a row had in its cells goes when its retention ends; what was said of it stays."""
    # PostgreSQL compares no JSON, but its text.
    names = ("CAST({}.facts AS TEXT)" if column.name == "facts" else f"{{}}.{column.name}"
             for column in FindingRow.__table__.columns if column.name not in ("value", "suggestion"))  # fmt: skip
    kept = " OR ".join(f"{name.format('NEW')} IS DISTINCT FROM {name.format('OLD')}" for name in names)
    condition = f"NEW.value <> '' OR NEW.suggestion <> '' OR {kept}"
    return (
        Guard("findings", "UPDATE", "kept", condition, "findings change only by the erasure of their values"),
        Guard("findings", "DELETE", "kept", "1=1", "findings are never deleted"),
    )


_DELIVERY_IDENTITY: Final = tuple(
    column.name
    for column in DeliveryRow.__table__.columns
    if column.name
    in {
        *("sha256", "declared_sha256", "received_at", "feed", "mode"),
        *("name_isp", "content_on", "seq", "ext", "owns_number"),
    }
)

GUARDS: Final = (
    Guard(
        "deliveries", "UPDATE", "moves",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM delivery_moves AS m WHERE m.from_state = OLD.state"
        " AND m.to_state = NEW.state"
        " AND (NOT m.is_revision OR (OLD.outcome = 'held' AND NEW.revision = OLD.revision + 1)))",
        "this move of a delivery is not in the table of moves",
    ),
    Guard(
        "deliveries", "UPDATE", "outcome",
        "OLD.outcome IS NOT NULL AND (NEW.outcome IS DISTINCT FROM OLD.outcome OR NEW.revision <> OLD.revision)"
        " AND NOT (OLD.outcome = 'held' AND NEW.revision = OLD.revision + 1)",
        "the outcome of a delivery changes only when a held one is decided, as a new revision",
    ),
    Guard(
        "deliveries", "UPDATE", "final",
        f"OLD.state IN ('answered', 'vanished') AND OLD.outcome IS DISTINCT FROM 'held' AND ("
        f"{_changed(*(c.name for c in DeliveryRow.__table__.columns if c.name != 'is_source_removed'))})",
        "a delivery in its last state never changes",
    ),
    Guard(
        "deliveries", "UPDATE", "identity",
        f"OLD.received_at IS NOT NULL AND ({_changed(*_DELIVERY_IDENTITY)})",
        "what a stored delivery is never changes",
    ),
    Guard("deliveries", "UPDATE", "claims", "NEW.claim_no < OLD.claim_no", "claim numbers only grow"),
    Guard("deliveries", "DELETE", "kept", "1=1", "deliveries are never deleted"),
    *_append_only("number_uses"),
    *_append_only("delivery_rows"),
    *_append_only("validation_results"),
    *_findings(),
    *_append_only("discarded_deliveries"),
    Guard(
        "registrations", "UPDATE", "number",
        f"OLD.national_no IS NOT NULL AND ({_changed('isp', 'registration_ref', 'national_no')})",
        "a national number is issued once, for ever",
    ),
    Guard("registrations", "DELETE", "kept", "1=1", "registrations are never deleted"),
    *_versions(RegistrationVersionRow),
    *_versions(ClientVersionRow),
    *_responses(),
    Guard(
        "messages", "UPDATE", "moves",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM message_moves AS m"
        " WHERE m.from_state = OLD.state AND m.to_state = NEW.state)",
        "this move of a message is not in the table of moves",
    ),
    Guard(
        "messages", "UPDATE", "frozen",
        "OLD.frozen_at IS NOT NULL AND NOT (OLD.state = 'approved' AND NEW.state = 'sending') AND ("
        + _changed("subject", "body_text", "body_html", "attachment_name", "attachment", "header_message_id", "email")
        + ")",
        "the bytes of a message are frozen when it starts sending",
    ),
    Guard(
        "notices", "UPDATE", "moves",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM message_moves AS m"
        " WHERE m.from_state = OLD.state AND m.to_state = NEW.state)",
        "this move of a notice is not in the table of moves",
    ),
    *_append_only("deadlines"),
    *_append_only("decisions"),
    *_append_only("audit_events"),
    *_append_only("audit_seals"),
)  # fmt: skip


def install(connection: Connection) -> None:
    """Seed the tables of moves and make every trigger anew, inside the caller's transaction."""
    moves = [(pair, False) for pair in sorted(DELIVERY_MOVES)] + [(pair, True) for pair in sorted(REVISION_MOVES)]
    connection.execute(delete(DeliveryMoveRow))
    connection.execute(
        insert(DeliveryMoveRow),
        [{"from_state": a, "to_state": b, "is_revision": revision} for (a, b), revision in moves],
    )
    connection.execute(delete(MessageMoveRow))
    connection.execute(insert(MessageMoveRow), [{"from_state": a, "to_state": b} for a, b in sorted(MESSAGE_MOVES)])
    for guard in GUARDS:
        put(connection, guard)


def put(connection: Connection, guard: Guard) -> None:
    """Make one trigger anew."""
    for statement in _statements(guard, connection.dialect.name):
        connection.execute(text(statement.replace(":", r"\:")))


def _statements(guard: Guard, dialect: str) -> tuple[str, ...]:
    name = f"guard_{guard.table}_{guard.event.lower()}_{guard.name}"
    if dialect == "sqlite":
        return (
            f"DROP TRIGGER IF EXISTS {name}",
            f"CREATE TRIGGER {name} BEFORE {guard.event} ON {guard.table} FOR EACH ROW WHEN {guard.condition}"
            f" BEGIN SELECT RAISE(ABORT, '{guard.message}'); END",
        )
    # A condition over the row alone is left to the trigger itself: the function is called only to refuse.
    when, test = ("", guard.condition) if "SELECT" in guard.condition else (f" WHEN ({guard.condition})", "TRUE")
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $guard$ BEGIN"
        f" IF {test} THEN RAISE EXCEPTION '{guard.message}' USING ERRCODE = 'check_violation'; END IF;"
        " IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $guard$",
        f"DROP TRIGGER IF EXISTS {name} ON {guard.table}",
        f"CREATE TRIGGER {name} BEFORE {guard.event} ON {guard.table} FOR EACH ROW{when} EXECUTE FUNCTION {name}()",
    )
