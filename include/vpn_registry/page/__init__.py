"""The data team's page: what stands where, what waits for a person, and why. It only reads, and records who looked.

Airflow stays outside: whoever may look, and by which name, is handed in (plugins/registry_page.py).
"""

from vpn_registry.page.app import Guards, make_app

__all__ = ["Guards", "make_app"]
