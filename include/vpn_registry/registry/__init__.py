"""The registry: ledger, registrations, client lists, statuses, notices and audit in one database.

The only package that imports SQLAlchemy and Alembic. Nothing is imported here, so that a task pays for what it uses:
`from vpn_registry.registry import home, ledger, merge`.
"""
