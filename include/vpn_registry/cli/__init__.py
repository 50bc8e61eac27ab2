"""`vpnreg`: the command line (contract section 9).

Exit codes: 0 done, 1 findings or a check that failed, 2 wrong usage or unusable input.
"""

from vpn_registry.cli.app import main

__all__ = ["main"]
