"""The key ring: keyed hashes to match identity numbers, ciphertext to show them and to keep deliveries in.

The key file is JSON outside the database, mode 0600, without a default (contract section 6). It names the key that
encrypts now and keeps the earlier ones, so that a rotation leaves old ciphertext readable (rotation.py brings it under
the new key); the fingerprint key is one for the life of the registry, because fingerprints made with different keys
don't match.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vpn_registry.model import ConfigurationError

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MAGIC: Final = b"VR1"  # then the length of the key id, the key id, the nonce, the ciphertext


class KeyRing:
    """Keys by id; `active` encrypts. Not a dataclass, whose fields any pretty printer would show."""

    __slots__ = ("_fingerprint_key", "_keys", "active", "fingerprint_id")

    def __init__(self, active: str, fingerprint_id: str, fingerprint_key: bytes, keys: dict[str, bytes]) -> None:
        self.active = active
        self.fingerprint_id = fingerprint_id
        self._fingerprint_key = fingerprint_key
        self._keys = keys

    def __repr__(self) -> str:
        return f"KeyRing(active={self.active!r})"

    @classmethod
    def create(cls, path: Path) -> KeyRing:
        """Write a new key file (0600, its folder 0700) and return its ring. Never overwrites one."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = {"fingerprint": {"id": "f1", "key": _secret()}, "active": "k1", "keys": {"k1": _secret()}}
        try:
            _write_new(path, content)
        except FileExistsError:
            raise ConfigurationError(f"{path}: a key file stands there already; it is never overwritten.") from None
        return cls.load(path)

    @classmethod
    def rotate(cls, path: Path) -> KeyRing:
        """Add a key that encrypts from now on; the earlier ones stay, to read with. The file changes whole or not."""
        cls.load(path)  # says in one sentence what is wrong with the file
        content = json.loads(path.read_text(encoding="ascii"))
        newest = max(int(name[1:]) for name in content["keys"] if re.fullmatch(r"k[0-9]+", name))
        content["active"] = f"k{newest + 1}"
        content["keys"][content["active"]] = _secret()
        aside = path.with_name(f".{path.name}.new")
        aside.unlink(missing_ok=True)
        _write_new(aside, content)
        aside.replace(path)
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> KeyRing:
        """The ring of a key file. Raises ConfigurationError when it is missing, readable by others, or damaged."""
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii")
        except FileNotFoundError:
            raise ConfigurationError(
                f"{path}: the key file is missing; put back the one this registry was set up with"
                " (VPN_REGISTRY_KEY_FILE names its place)."
            ) from None
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(f"{path}: the key file cannot be read.") from None
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigurationError(f"{path}: others may read the key file; `chmod 600` it.")
        try:
            content = json.loads(text)
            keys = {name: _key(secret) for name, secret in content["keys"].items()}
            ring = cls(
                active=content["active"],
                fingerprint_id=content["fingerprint"]["id"],
                fingerprint_key=_key(content["fingerprint"]["key"]),
                keys=keys,
            )
            keys[ring.active]
        except (ValueError, KeyError, TypeError, AttributeError):
            # Not chained: the text of the error could quote a part of a key.
            raise ConfigurationError(f"{path}: the key file is damaged; put back its copy.") from None
        return ring

    def ids(self) -> tuple[str, ...]:
        """The keys of the ring, oldest first."""
        return tuple(self._keys)

    def mark(self, name: str) -> str:
        """What tells this key from any other of the same id, and nothing more."""
        return hmac.digest(self._keys[name], b"this registry's key", hashlib.sha256).hex()

    @staticmethod
    def key_of(cipher: bytes) -> str:
        """The id of the key that this ciphertext names; '' when it names none."""
        size = cipher[len(_MAGIC)] if cipher.startswith(_MAGIC) and len(cipher) > len(_MAGIC) else 0
        return cipher[len(_MAGIC) + 1 : len(_MAGIC) + 1 + size].decode("ascii", "replace")

    def fingerprint(self, text: str) -> str:
        """Keyed hash of a canonical identity number, `<key id>:<64 hex digits>`; equal text, equal fingerprint."""
        digest = hmac.digest(self._fingerprint_key, text.encode(), hashlib.sha256)
        return f"{self.fingerprint_id}:{digest.hex()}"

    def row_key(self) -> bytes:
        """Key for hashes of whole rows: without one a row's hash would let its identity number be guessed."""
        return hmac.digest(self._fingerprint_key, b"row hash", hashlib.sha256)

    def encrypt(self, plain: bytes) -> bytes:
        """Ciphertext (AES-256-GCM) that names its key."""
        nonce = os.urandom(_NONCE_BYTES)
        head = self._head(self.active)
        return head + nonce + AESGCM(self._keys[self.active]).encrypt(nonce, plain, head)

    def decrypt(self, cipher: bytes) -> bytes:
        """What was encrypted; raises ValueError when it is damaged or its key isn't in the ring."""
        name = self.key_of(cipher)
        head = self._head(name)
        if not cipher.startswith(head) or name not in self._keys:
            raise ValueError("stored ciphertext names no key of this key file")
        nonce = cipher[len(head) : len(head) + _NONCE_BYTES]
        try:
            return AESGCM(self._keys[name]).decrypt(nonce, cipher[len(head) + _NONCE_BYTES :], head)
        except (InvalidTag, ValueError):
            raise ValueError("stored ciphertext is damaged") from None

    def encrypt_text(self, text: str) -> str:
        """Ciphertext of a text as base64, for a column."""
        return base64.b64encode(self.encrypt(text.encode())).decode("ascii")

    def decrypt_text(self, cipher: str) -> str:
        """The text behind `encrypt_text`."""
        return self.decrypt(base64.b64decode(cipher)).decode()

    @staticmethod
    def _head(name: str) -> bytes:
        return _MAGIC + bytes([min(len(name), 255)]) + name.encode("ascii", "replace")


def _secret() -> str:
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def _write_new(path: Path, content: object) -> None:
    """A key file that is not there yet, durable; FileExistsError when it is."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(json.dumps(content, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(key) != _KEY_BYTES:
        raise ValueError("wrong length")
    return key
