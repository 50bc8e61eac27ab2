"""The allowed moves of deliveries, notices and messages: one table, here and (seeded by the upgrade) in the database.

A trigger refuses every other move on both databases (guards.py), so that no code of ours, nor a person with a
database shell, can bring a file back from where it ended.
"""

from __future__ import annotations

from typing import Final

from vpn_registry.model import DeliveryState as D
from vpn_registry.model import NoticeState as N

DELIVERY_MOVES: Final = frozenset(
    {
        (D.SEEN, D.CLAIMED),
        (D.SEEN, D.VANISHED),
        (D.CLAIMED, D.SEEN),  # it changed while it was read: it settles again
        (D.CLAIMED, D.VANISHED),
        (D.CLAIMED, D.STORED),
        (D.STORED, D.JUDGED),
        (D.JUDGED, D.ANSWERED),
    }
)

REVISION_MOVES: Final = frozenset({(D.ANSWERED, D.JUDGED)})
"""A held delivery that was released, refused or superseded is judged and answered once more, as revision + 1."""

FINAL_STATES: Final = frozenset({D.ANSWERED, D.VANISHED})

MESSAGE_MOVES: Final = frozenset(
    {
        (N.PLANNED, N.HELD),
        (N.PLANNED, N.APPROVED),
        (N.PLANNED, N.CANCELLED),
        (N.HELD, N.APPROVED),
        (N.HELD, N.CANCELLED),
        (N.APPROVED, N.HELD),  # the brake looks again before sending
        (N.APPROVED, N.SENDING),
        (N.APPROVED, N.CANCELLED),
        (N.SENDING, N.SENT),
        (N.SENDING, N.FAILED),
        (N.SENDING, N.UNCERTAIN),
        (N.SENDING, N.APPROVED),  # 4xx: surely not sent, tried again later
        (N.SENDING, N.CANCELLED),  # a notice whose last open message was cancelled
        (N.UNCERTAIN, N.SENT),  # a person found out
        (N.UNCERTAIN, N.FAILED),
    }
)
