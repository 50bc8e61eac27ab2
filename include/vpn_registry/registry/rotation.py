"""Bringing stored ciphertext under the newest key, in batches; what is there already is passed over.

Each batch is one transaction with its audit event, so that a run that dies has done a part, and the next does the rest.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import bindparam, or_, select, update

from vpn_registry.registry import audit
from vpn_registry.registry.home import Registry, mark_keys
from vpn_registry.registry.keys import KeyRing
from vpn_registry.registry.tables import ClientVersionRow, RegistrationVersionRow

BATCH: Final = 5_000
ACTOR: Final = "vpnreg"
_NAMES: Final = ("cnic", "other_id")


class WrongValueError(Exception):
    """A stored identity number is not the one its fingerprint was made of: somebody changed it in the database."""


def rotate(registry: Registry) -> KeyRing:
    """Add a key to the key file and remember it; from now on no start without it. Returns the new ring."""
    keys = KeyRing.rotate(registry.settings.key_file)
    with registry.writing() as db:
        mark_keys(db.connection(), keys)
        audit.record(
            db, actor=ACTOR, action="rotate_keys", object_type="key", object_id=keys.active,
            detail={"keys": len(keys.ids())}, at=registry.now(),
        )  # fmt: skip
    return keys


def reencrypt_numbers(registry: Registry, batch: int = BATCH) -> Iterator[int]:
    """How many versions each batch brought under the newest key. Raises WrongValueError, and ValueError for damage."""
    for version in (RegistrationVersionRow, ClientVersionRow):
        last_id = 0
        while found := _next_batch(registry, version, last_id, batch):
            last_id = found[-1].id
            old = [row for row in found if not _is_current(registry.keys, row)]
            if old:
                yield _write_batch(registry, version, old)


def _next_batch(registry: Registry, version: Any, last_id: int, batch: int) -> list[Any]:
    ciphers = [getattr(version, f"{name}_cipher") for name in _NAMES]
    query = (
        select(version.id, *ciphers, version.cnic_fingerprint, version.other_id_fingerprint, version.current_id)
        .where(version.id > last_id, or_(*(cipher != "" for cipher in ciphers)))
        .order_by(version.id)
        .limit(batch)
    )
    with registry.reading() as db:
        return list(db.execute(query))


def _is_current(keys: KeyRing, row: Any) -> bool:
    ciphers = [cipher for cipher in (row.cnic_cipher, row.other_id_cipher) if cipher]
    return all(keys.key_of(base64.b64decode(cipher)) == keys.active for cipher in ciphers)


def _write_batch(registry: Registry, version: Any, rows: list[Any]) -> int:
    keys, table = registry.keys, version.__table__
    # An erasure in between has emptied the ciphertext: it is not brought back.
    unchanged = [table.c[f"{name}_cipher"].is_not_distinct_from(bindparam(f"old_{name}")) for name in _NAMES]
    statement = (
        update(table)
        .where(table.c.id == bindparam("of_id"), *unchanged)
        .values({f"{name}_cipher": bindparam(f"new_{name}") for name in _NAMES})
    )
    changes = [
        {"of_id": row.id}
        | {f"old_{name}": getattr(row, f"{name}_cipher") for name in _NAMES}
        | {f"new_{name}": _renewed(keys, table.name, row, name) for name in _NAMES}
        for row in rows
    ]
    with registry.writing() as db:
        db.connection().execute(statement, changes)
        audit.record(
            db, actor=ACTOR, action="reencrypt", object_type=table.name, object_id=keys.active,
            detail={"count": len(rows), "first_id": rows[0].id, "last_id": rows[-1].id}, at=registry.now(),
        )  # fmt: skip
    return len(rows)


def _renewed(keys: KeyRing, table: str, row: Any, name: str) -> str | None:
    cipher, fingerprint = getattr(row, f"{name}_cipher"), getattr(row, f"{name}_fingerprint")
    if not cipher:
        return cipher if cipher is None else str(cipher)
    plain = keys.decrypt_text(cipher)
    # A placeholder such as NIL matches nobody, and has no fingerprint.
    if fingerprint and fingerprint not in {keys.fingerprint(form) for form in _forms(plain)}:
        raise WrongValueError(
            f"{table} {row.id}: the stored {name} is not the one that was filed; nothing was changed."
        )
    return keys.encrypt_text(plain)


def _forms(plain: str) -> tuple[str, ...]:
    """How a filed number may read where it is compared: a cnic without dashes, a document in capitals and unspaced."""
    return plain.replace("-", ""), plain.upper().replace(" ", "")
