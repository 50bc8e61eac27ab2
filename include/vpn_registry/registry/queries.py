"""What people ask of the registry: one client explained (explanations.py), and the exported views (views.py).

Column names are stable: outsiders build on them.
"""

from vpn_registry.registry.explanations import Explanation, explain
from vpn_registry.registry.history import NOW, Then
from vpn_registry.registry.views import BETWEEN_ISPS, VIEWS, export

__all__ = ["BETWEEN_ISPS", "NOW", "VIEWS", "Explanation", "Then", "explain", "export"]
