"""Airflow's own hook for local settings: it is imported from PYTHONPATH in every Airflow process.

Keeps task logs readable, and can load the slow packages once before workers fork instead of once a task.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module

from airflow.configuration import conf

__all__: list[str] = []  # nothing here replaces a setting of Airflow's

# Each writes its inner life at INFO: great_expectations some 200 lines a task, the SSH libraries 20 a connection.
for chatty in ("great_expectations", "asyncssh", "paramiko.transport"):
    logging.getLogger(chatty).setLevel(logging.WARNING)

# AIRFLOW__VPN_REGISTRY__PRELOAD=True: importing costs each task that judges ten seconds of a core, each that only talks
# to a zone three. A worker that has imported hands it to the tasks it forks.
if sys.argv[1:2] in (["scheduler"], ["celery"]) and conf.getboolean("vpn_registry", "preload", fallback=False):
    for slow in (
        "airflow.providers.sftp.hooks.sftp",
        "great_expectations",
        "vpn_registry.pipeline.collect",
    ):
        import_module(slow)
