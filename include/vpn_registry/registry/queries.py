"""What people ask of the registry: one client explained (explanations.py), and the exported views (exports.py).

Column names are stable: outsiders build on them.
"""

from vpn_registry.registry.explanations import Explanation, explain, standing
from vpn_registry.registry.exports import FOR_THE_TEAM, VIEWS, Streamed, export, stream
from vpn_registry.registry.history import NOW, Then

__all__ = ["FOR_THE_TEAM", "NOW", "VIEWS", "Explanation", "Streamed", "Then", "explain", "export", "standing", "stream"]
