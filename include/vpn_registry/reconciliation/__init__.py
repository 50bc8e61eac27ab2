"""The comparison of an ISP's client list with its registrations: one status a client, with the reason.

`comparison` reads like the contract's table; `pairing` finds the registration of a client, `spans` does the address
search behind it, `reasons` holds the sentences.
"""

from vpn_registry.reconciliation.comparison import (
    CLIENT_COLUMNS,
    REGISTRATION_COLUMNS,
    RULE_VERSION,
    STATUS_COLUMNS,
    Cases,
    changes,
    compare,
    coverage,
    orphans,
    successors,
)

__all__ = [
    "CLIENT_COLUMNS",
    "REGISTRATION_COLUMNS",
    "RULE_VERSION",
    "STATUS_COLUMNS",
    "Cases",
    "changes",
    "compare",
    "coverage",
    "orphans",
    "successors",
]
