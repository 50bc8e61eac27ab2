"""Strict reading of the TOML files that people edit: every key is taken once, and what is left over is refused.

Each complaint is a ConfigurationError of one sentence that names the file and the key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from vpn_registry.model import ConfigurationError


class TomlTable:
    """One TOML table being taken apart key by key; what is left at `finish` is unknown and refused."""

    def __init__(self, path: Path, values: dict[str, Any], place: str = "") -> None:
        self._path = path
        self._values = dict(values)
        self._place = place

    @classmethod
    def read(cls, path: Path) -> TomlTable:
        """The top-level table of a file."""
        return cls.parse(path, read_text(path))

    @classmethod
    def parse(cls, path: Path, text: str) -> TomlTable:
        """The top-level table of a text that stands in the file `path`."""
        try:
            return cls(path, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{path}: the file is not TOML: {error}.") from error

    def refuse(self, key: str, complaint: str) -> NoReturn:
        """Raise the complaint about one key: file, key, what is wrong."""
        raise ConfigurationError(f"{self._path}: {self._place}{key} {complaint}.")

    def has(self, key: str) -> bool:
        return key in self._values

    def finish(self) -> None:
        """Refuse the first key that nobody took."""
        for key in sorted(self._values):
            self.refuse(key, "is not a key of this file; remove it or mend its spelling")

    def text(self, key: str, default: str | None = None) -> str:
        value = self._take(key, str, "text", default)
        if not isinstance(value, str):
            raise TypeError(key)
        if any(ord(char) < 32 or ord(char) == 127 for char in value):
            self.refuse(key, "holds a control character")
        if default is None and not value.strip():
            self.refuse(key, "is empty")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._values.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self.refuse(key, "takes a list of texts")
        return tuple(values)

    def matching(self, key: str, form: re.Pattern[str], what: str) -> str | None:
        value = self.text(key, "")
        if value and not form.fullmatch(value):
            self.refuse(key, f"is {value!r}, but takes {what}")
        return value or None

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in choices:
            self.refuse(key, f"is {value!r}, but takes one of {', '.join(choices)}")
        return value

    def flag(self, key: str) -> bool:
        return bool(self._take(key, bool, "true or false", False))

    def whole(self, key: str, default: int, least: int) -> int:
        value = int(self._take(key, int, "a whole number", default))
        if value < least:
            self.refuse(key, f"is {value}, but takes {least} or more")
        return value

    def ratio(self, key: str, default: float) -> float:
        value = float(self._take(key, (int, float), "a number from 0 to 1", default))
        if not 0 <= value <= 1:
            self.refuse(key, f"is {value}, but takes a number from 0 to 1")
        return value

    def day(self, key: str) -> date:
        value = self._take(key, date, "a date such as 2026-06-30", None)
        if type(value) is not date:
            self.refuse(key, "takes a date without a time, such as 2026-06-30")
        return value

    def table(self, key: str) -> TomlTable:
        value = self._take(key, dict, "a table", {})
        return TomlTable(self._path, value, f"{self._place}{key}.")

    def tables(self, key: str) -> list[TomlTable]:
        return list(self._tables(key))

    def _tables(self, key: str) -> Iterator[TomlTable]:
        values = self._values.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.refuse(key, f"takes [[{key}]] tables")
        for number, value in enumerate(values, 1):
            yield TomlTable(self._path, value, f"{self._place}{key}[{number}].")

    def _take(self, key: str, kind: type | tuple[type, ...], what: str, default: object) -> Any:
        if key not in self._values:
            if default is None:
                self.refuse(key, "is missing")
            return default
        value = self._values.pop(key)
        # In Python true is a number, in our files it is not.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.refuse(key, f"is {value!r}, but takes {what}")
        return value


def read_text(path: Path) -> str:
    """A configuration file's text; ConfigurationError when it can't be read or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: the file can't be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: the file is not UTF-8 text.") from error
