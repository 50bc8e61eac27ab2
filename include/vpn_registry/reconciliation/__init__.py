"""The comparison of an ISP's client list with its registrations: one status a client, with the reason.

`comparison` reads like the contract's table; `terms` says which registrations hold, `pairing` finds those of a client,
`spans` does the address search behind it, `names` finds similar names, `reasons` and `remedies` hold the sentences,
`movements` tells two runs apart. Over all ISPs, `parties` says who is one client, `contests` who claims an address that
another client claims.
"""

from vpn_registry.reconciliation.comparison import (
    CLIENT_COLUMNS,
    RULE_VERSION,
    STATUS_COLUMNS,
    Cases,
    Claims,
    compare,
    coverage,
    orphans,
)
from vpn_registry.reconciliation.movements import changes, successors
from vpn_registry.reconciliation.remedies import remedy
from vpn_registry.reconciliation.terms import REGISTRATION_COLUMNS

__all__ = [
    "CLIENT_COLUMNS",
    "REGISTRATION_COLUMNS",
    "RULE_VERSION",
    "STATUS_COLUMNS",
    "Cases",
    "Claims",
    "changes",
    "compare",
    "coverage",
    "orphans",
    "remedy",
    "successors",
]
