"""What the interpreter has imported from which `tests.commands` forks: all that commands import when they need it.

Never Airflow, which reads its settings when it is imported.
"""

from importlib import import_module

for slow in (
    "great_expectations",
    "vpn_registry.cli.app",
    "vpn_registry.demo.services",
    "vpn_registry.pipeline.collect",
):
    import_module(slow)
