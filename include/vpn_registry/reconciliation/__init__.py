"""The comparison of an ISP's client list with its registrations: one status a client, with the reason.

`comparison` reads like the contract's table; `terms` says which registrations hold, `pairing` finds those of a client,
`spans` does the address search behind it, `names` finds similar names, `reasons` and `remedies` hold the sentences,
`movements` tells two runs apart. Over all ISPs, `parties` says who is one client, `contests` who claims an address that
another client claims.

Nothing is imported here, so that a command that only asks for a remedy does not load pandas.
"""
