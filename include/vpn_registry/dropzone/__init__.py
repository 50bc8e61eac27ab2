"""The drop zone: one small protocol over an SFTP account or a folder, and `take`, which copies a file that lies still.

Rules of work (contract section 2): only regular files, judged by the listing's own mode, are opened; a failure is a
`ZoneError` and never an empty listing; a file that changed while it was read is never taken; what we write appears
whole.

Paths are relative to the zone, `<folder>/<name>`, the folder one of `FOLDERS`. Names are text that can be stored and
logged: bytes outside UTF-8, control characters, `/` and `\\` stand as `\\xNN`, and are turned back before the zone is
asked.
"""

from vpn_registry.dropzone.folder import FolderZone, open_folder
from vpn_registry.dropzone.sftp import SftpZone
from vpn_registry.dropzone.zone import (
    FOLDERS,
    Changed,
    Missing,
    Taken,
    TooLarge,
    Zone,
    ZoneError,
    declared_in,
    declared_sha256,
    is_sidecar,
    is_temporary,
    take,
    told_apart,
)

__all__ = [
    "FOLDERS",
    "Changed",
    "FolderZone",
    "Missing",
    "SftpZone",
    "Taken",
    "TooLarge",
    "Zone",
    "ZoneError",
    "declared_in",
    "declared_sha256",
    "is_sidecar",
    "is_temporary",
    "open_folder",
    "take",
    "told_apart",
]
