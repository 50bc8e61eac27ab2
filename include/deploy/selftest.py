"""selftest.py HOST KEY HOST_KEY: acts as an ISP. Drops a client list into the zone of `selftest`, waits for the result,
prints how long it took. KEY and HOST_KEY are files.

Exit 0 when the result is the expected one, 1 when it is another, 2 when none came. Only `check/` is written to, so that
nothing is counted, noticed or exported. Knows the zone's address, its own key and the host key: what an ISP knows.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paramiko

PATIENCE_S = 600.0
ROWS = """\
subscriber_id,client_name,ntn,cnic,other_id,service_ips,msisdn,service_status,active_since,vpn_use
ST-1,Self-test One,0822910,,,39.32.1.1,,active,2020-01-01,yes
ST-2,Self-test Two,0822911,,,39.32.1.2,,active,2020-01-01,perhaps
"""
EXPECTED = {"outcome": "partial", "checked_only": True, "rows": {"total": 2, "accepted": 1, "rejected": 1}}


def main(host: str, key_file: str, host_key_file: str) -> int:
    today = datetime.now(UTC) - timedelta(days=1)  # a day that is not in the future in any zone
    name = f"selftest_clients_full_{today:%Y%m%d}_{int(time.time()) % 1_000_000:06}.csv"
    with connected(host, key_file, host_key_file) as client, client.open_sftp() as zone:
        with zone.open(f"check/{name}.part", "wb") as file:
            file.write(ROWS.encode())
        zone.rename(f"check/{name}.part", f"check/{name}")
        dropped = time.monotonic()
        result = waited_for(zone, f"outgoing/check/{name}.result.json", dropped + PATIENCE_S)
    if result is None:
        sys.stderr.write(f"{name}: no result within {PATIENCE_S:.0f} s\n")
        return 2
    sys.stdout.write(f"{name}: {result['outcome']} in {time.monotonic() - dropped:.1f} s\n")
    found = {key: result[key] for key in EXPECTED}
    found["rows"] = {key: result["rows"][key] for key in ("total", "accepted", "rejected")}
    if found != EXPECTED:
        sys.stderr.write(f"{name}: expected {EXPECTED}, got {json.dumps(found)}\n")
        return 1
    return 0


def connected(host: str, key_file: str, host_key_file: str) -> paramiko.SSHClient:
    kind, blob = Path(host_key_file).read_text(encoding="ascii").split()[:2]
    client = paramiko.SSHClient()
    client.get_host_keys().add(host, kind, paramiko.Ed25519Key(data=base64.b64decode(blob)))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    key = paramiko.Ed25519Key.from_private_key_file(key_file)
    client.connect(host, username="selftest", pkey=key, look_for_keys=False, allow_agent=False, timeout=20)
    return client


def waited_for(zone: paramiko.SFTPClient, path: str, until: float) -> dict[str, Any] | None:
    while time.monotonic() < until:
        try:
            with zone.open(path) as file:
                return dict(json.load(file))
        except FileNotFoundError:
            time.sleep(0.5)
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
