"""The addresses of all ISPs' registrations against each other: who claims what another client claims (section 6).

A transaction of its own after the merge, so that no ISP's delivery waits for another's; what a merge touched is found
by its delivery, so that a survey that did not run is made up for by the next one.
"""

from __future__ import annotations

from vpn_registry.model import pakistani_day
from vpn_registry.reconciliation import contests as sweep
from vpn_registry.reconciliation.spans import address_ends
from vpn_registry.registry import claims, contests, locks
from vpn_registry.registry.contests import Changes
from vpn_registry.registry.home import Registry


def survey(registry: Registry) -> Changes:
    """Compare the addresses that changed hands since the last survey, by deliveries or by a day that passed."""
    today = pakistani_day(registry.now())
    with registry.reading() as db:
        if claims.is_surveyed(db, today):
            return Changes()
    with registry.writing() as db:
        locks.hold_claims(db)
        opened = claims.take_up(db, registry.now())
        spans = address_ends(opened["local_ip"])
        dated = opened.drop(columns="local_ip").iloc[spans.pop("place")].reset_index(drop=True)
        claims.add(db, dated.join(spans))
        claims.turn(db, today)
        claims.spread(db)
        near = claims.near(db)
        shared = sweep.crowded(near)
        near = near[near["registration_id"].isin(shared)]
        found = sweep.contested(near, claims.filed(db, shared.tolist()))
        return contests.store(db, found, registry.now())
