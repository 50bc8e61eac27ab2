"""Bringing everything under the newest key: identity numbers in the registry, then the landing store."""

from __future__ import annotations

from dataclasses import dataclass

from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, rotation


@dataclass(frozen=True, slots=True)
class Done:
    """How much was encrypted anew: versions in the registry, files in the landing store."""

    versions: int
    files: int


def reencrypt(exchange: Exchange) -> Done:
    """Encrypt anew what another key than the newest encrypted; what is done already is passed over."""
    versions = sum(rotation.reencrypt_numbers(exchange.registry))
    keys, landing = exchange.registry.keys, exchange.landing
    files = 0
    for sha256 in landing:
        head = landing.head(sha256)
        if head and keys.key_of(head) != keys.active:
            landing.renew(sha256)
            files += 1
    if files:
        with exchange.registry.writing() as db:
            audit.record(
                db, actor=rotation.ACTOR, action="reencrypt", object_type="landing", object_id=keys.active,
                detail={"count": files}, at=exchange.now(),
            )  # fmt: skip
    return Done(versions, files)
