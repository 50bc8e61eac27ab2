"""The rows of one file as rules see them: whole columns, each derived one computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.model import Feed
from vpn_registry.rulebook import addresses, identifiers
from vpn_registry.rulebook.columns import COLUMNS, KEYS
from vpn_registry.rulebook.rule import BoolArray, Column, Context, Scope

if TYPE_CHECKING:
    import pandas as pd

NO_DAY: Final = np.iinfo(np.int64).min
"""What `Rows.days` says of an empty or malformed date."""

INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
"""Characters that text may hold (Urdu needs some of them) but that alone show nothing; inside of a bracket."""

_PLACES: Final = ("places",)
_BLOCK: Final = 64
_SEPARATOR: Final = "\x1f"
_T = TypeVar("_T")


def _hex(begun: hashlib._Hash, row: bytes) -> str:
    begun.update(row)
    return begun.hexdigest()


class Rows:
    """Columns of a canonical frame (`formats.Decoded.frame`) of `width` fields, and what is derived from them.

    Masks are numpy bools, one a row. Derived columns are kept, so that rules may ask for them freely. `row_key` keys
    the hashes of rows: the registry's, so that a stored hash can't be used to guess a CNIC. `oddities` are those of
    `formats.Decoded`.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        feed: Feed,
        width: int,
        row_key: bytes = b"",
        oddities: Mapping[tuple[str, str], NDArray[np.int64]] | None = None,
    ) -> None:
        self._row_key = row_key
        self._oddities = oddities or {}
        self.frame = frame
        self.feed = feed
        self.width = width
        self.key = KEYS[feed]
        self.columns: tuple[Column, ...] = COLUMNS[feed]
        self._kept: dict[tuple[str, ...], object] = {}

    def __len__(self) -> int:
        return len(self.frame)

    def piece(self, start: int, stop: int) -> Rows:
        """The rows from `start` up to `stop`; of what is derived only where the registry tells of their keys."""
        oddities = {
            name: at[(at >= start) & (at < stop)] - start for name, at in self._oddities.items()
        }  # positions are those of the piece
        part = Rows(self.frame.iloc[start:stop], self.feed, self.width, self._row_key, oddities)
        if _PLACES in self._kept:
            part._kept[_PLACES] = cast("NDArray[np.int64]", self._kept[_PLACES])[start:stop]
        return part

    def chosen(self, at: NDArray[np.int64]) -> Rows:
        """The rows at the given positions, which ascend."""
        oddities = {name: np.flatnonzero(np.isin(at, odd)) for name, odd in self._oddities.items()}
        return Rows(self.frame.iloc[at], self.feed, self.width, self._row_key, oddities)

    def text(self, column: str) -> pa.LargeStringArray:
        """The column's values as one Arrow array, '' for empty."""
        return self._once(("text", column), lambda: _arrow(self.frame[column]))

    def is_filled(self, column: str) -> BoolArray:
        return self._once(("filled", column), lambda: _mask(pc.not_equal(self.text(column), "")))

    def equals(self, column: str, value: str) -> BoolArray:
        return self._once(("equals", column, value), lambda: _mask(pc.equal(self.text(column), value)))

    def is_in(self, column: str, values: Sequence[str]) -> BoolArray:
        return _mask(pc.is_in(self.text(column), value_set=pa.array(values, pa.large_string())))

    def odd(self, kind: str, column: str) -> BoolArray:
        """Which cells of a workbook were of this kind ("number", "formula", ...) instead of plain text."""
        is_odd = np.zeros(len(self), dtype=np.bool_)
        is_odd[self._oddities.get((kind, column), [])] = True
        return is_odd

    def matches(self, column: str, pattern: str) -> BoolArray:
        """Which values match `pattern` as a whole."""
        return self._once(("matches", column, pattern), lambda: _mask(identifiers.whole(self.text(column), pattern)))

    def is_within(self, column: str, shortest: int, longest: int) -> BoolArray:
        """Which values have a length from `shortest` to `longest` characters, `shortest` of them visible."""
        length = pc.utf8_length(self.text(column))
        within = _mask(pc.and_(pc.greater_equal(length, shortest), pc.less_equal(length, longest)))
        odd = np.flatnonzero(within & ~_mask(pc.string_is_ascii(self.text(column))))
        if len(odd):
            enough = f"(?:[{INVISIBLE}]*[^{INVISIBLE}]){{{shortest}}}"
            within[odd] = _mask(pc.match_substring_regex(self.text(column).take(pa.array(odd)), enough))
        return within

    def days(self, column: str) -> NDArray[np.int64]:
        """Dates as days since 1970-01-01, NO_DAY where the value is not a real day in the form YYYY-MM-DD."""
        return self._once(("days", column), lambda: _days(self.text(column)))

    def addresses(self, column: str, context: Context) -> addresses.AddressVerdict:
        return self._once(
            ("addresses", column),
            lambda: addresses.judge(self.text(column), sample=context.sample, prefixes=context.prefixes),
        )

    def places(self, context: Context) -> NDArray[np.int64]:
        """Where `context.known` tells of each row's key, -1 where it doesn't."""
        return self._once(_PLACES, lambda: self._places(context))

    def in_force(self, context: Context) -> tuple[BoolArray, BoolArray]:
        """(the registration is in force, and its content equals the row's)."""
        return self._once(("in force",), lambda: self._in_force(context))

    @property
    def is_whole(self) -> BoolArray:
        """Rows with as many fields as the header; the others hold no values."""
        return self._once(("whole",), lambda: self.frame["fields"].to_numpy() == self.width)

    @property
    def is_withdrawal(self) -> BoolArray:
        if self.feed is not Feed.REGISTRATIONS:
            return np.zeros(len(self), dtype=np.bool_)
        return self.equals("action", "withdraw")

    def scope(self, scope: Scope) -> BoolArray:
        """The rows a rule of this scope looks at."""
        if scope is Scope.SHAPE:
            return np.ones(len(self), dtype=np.bool_)
        if scope is Scope.KEY:
            return self.is_whole
        return self._once(("content",), lambda: self.is_whole & ~self.is_withdrawal)

    @property
    def is_cnic_in_ntn(self) -> BoolArray:
        """Rows whose ntn is a thirteen-digit identity number."""
        return self._once(("cnic in ntn",), self._is_cnic_in_ntn)

    @property
    def ntn_key(self) -> pa.LargeStringArray:
        return self._once(("ntn_key",), lambda: identifiers.ntn_keys(self.text("ntn")))

    @property
    def cnic_form(self) -> pa.LargeStringArray:
        """Thirteen digits from cnic, or from ntn where cnic is empty; also a placeholder's."""
        return self._once(("cnic_form",), self._cnic_form)

    @property
    def is_cnic_one_digit(self) -> BoolArray:
        """Rows whose `cnic_form` repeats one digit: a placeholder."""
        pattern = identifiers.ONE_DIGIT
        return self._once(("cnic of one digit",), lambda: _mask(identifiers.whole(self.cnic_form, pattern)))

    @property
    def cnic_key(self) -> pa.LargeStringArray:
        """As `cnic_form`, '' for a placeholder."""
        return self._once(("cnic_key",), lambda: pc.if_else(pa.array(self.is_cnic_one_digit), "", self.cnic_form))

    @property
    def other_id_key(self) -> pa.LargeStringArray:
        return self._once(("other_id_key",), lambda: identifiers.other_id_keys(self.text("other_id")))

    @property
    def row_sha256(self) -> NDArray[np.object_]:
        """Keyed SHA-256 of each row's canonical content; the action and the spelling of identifiers don't count."""
        return self._once(("row_sha256",), self._row_sha256)

    @property
    def hashed(self) -> NDArray[np.object_] | None:
        """`row_sha256` when it was asked for."""
        return cast("NDArray[np.object_] | None", self._kept.get(("row_sha256",)))

    @property
    def key_codes(self) -> NDArray[np.int64]:
        """A number for each distinct key, -1 where the key is empty."""
        return self._once(("key_codes",), self._key_codes)

    def _places(self, context: Context) -> NDArray[np.int64]:
        known = context.known
        if known is None or self.key not in known.columns:
            return np.full(len(self), -1, dtype=np.int64)
        place = pc.index_in(self.text(self.key), pa.array(known[self.key], pa.large_string()))
        places: NDArray[np.int64] = pc.fill_null(place, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return places

    def _in_force(self, context: Context) -> tuple[BoolArray, BoolArray]:
        places = self.places(context)
        found, equal = places >= 0, np.zeros(len(self), dtype=np.bool_)
        if context.known is None or not found.any():
            return found, equal
        found[found] = context.known["is_in_force"].to_numpy(dtype=np.bool_)[places[found]]
        if found.any():
            held = context.known["row_sha256"].to_numpy(dtype=object)[places[found]]
            equal[found] = held == self.row_sha256[found]
        return found, equal

    def _is_cnic_in_ntn(self) -> BoolArray:
        found = np.zeros(len(self), dtype=np.bool_)
        others = np.flatnonzero(self.is_filled("ntn") & ~self.matches("ntn", identifiers.NTN))  # hardly any
        found[others] = _mask(identifiers.whole(self.text("ntn").take(pa.array(others)), identifiers.CNIC))
        return found

    def _cnic_form(self) -> pa.LargeStringArray:
        own = identifiers.cnic_forms(self.text("cnic"), pa.array(self.matches("cnic", identifiers.CNIC)))
        from_ntn = self.is_cnic_in_ntn & ~self.is_filled("cnic")
        if not from_ntn.any():
            return own
        return pc.if_else(pa.array(from_ntn), identifiers.cnic_forms(self.text("ntn")), own)

    def _row_sha256(self) -> NDArray[np.object_]:
        canonical = {} if self.feed is Feed.RESPONSES else self._identifier_forms()
        parts = [canonical.get(c.name, self.text(c.name)) for c in self.columns if c.name != "action"]
        if not len(self):
            return np.array([], dtype=object)
        joined = pc.binary_join_element_wise(*parts, pa.scalar(_SEPARATOR, pa.large_string()))
        # The key fills SHA-256's first block, which is hashed once for all rows: a fifth of the cost of an HMAC a row,
        # and as good against guessing, which is what the key is for.
        keyed = hashlib.sha256(self._row_key.ljust(_BLOCK, b"\0")).copy
        return np.array([_hex(keyed(), row) for row in joined.cast(pa.large_binary()).to_pylist()], dtype=object)

    def _identifier_forms(self) -> dict[str, pa.LargeStringArray]:
        """Identifiers as they are compared; one that has no form as it is written, for it makes its row another one."""
        cnic, is_told = self.cnic_form, self.is_cnic_in_ntn
        if is_told.any():
            is_told = is_told & _mask(pc.equal(identifiers.cnic_forms(self.text("ntn")), cnic))
        forms = {
            "ntn": identifiers.ntn_forms(self.text("ntn")),
            "cnic": cnic,
            "other_id": identifiers.other_id_forms(self.text("other_id")),
        }
        for name, form in forms.items():
            is_lost = _mask(pc.equal(form, "")) & self.is_filled(name)
            if name == "ntn":
                is_lost &= ~is_told
            if is_lost.any():
                forms[name] = pc.if_else(pa.array(is_lost), self.text(name), form)
        return forms

    def _key_codes(self) -> NDArray[np.int64]:
        encoded = pc.dictionary_encode(self.text(self.key))
        codes: NDArray[np.int64] = encoded.indices.to_numpy().astype(np.int64)
        return np.where(self.is_filled(self.key), codes, -1)

    def _once(self, name: tuple[str, ...], make: Callable[[], _T]) -> _T:
        if name not in self._kept:
            self._kept[name] = make()
        return cast("_T", self._kept[name])


def _arrow(series: pd.Series[str]) -> pa.LargeStringArray:
    values = pa.array(series, type=pa.large_string(), from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return values.chunk(0) if isinstance(values, pa.ChunkedArray) else values


def _mask(values: pa.BooleanArray) -> BoolArray:
    mask: BoolArray = values.to_numpy(zero_copy_only=False)
    return mask


def _days(values: pa.LargeStringArray) -> NDArray[np.int64]:
    encoded = pc.dictionary_encode(values)
    days = np.array([_day(text) for text in encoded.dictionary.to_pylist()] or [NO_DAY], dtype=np.int64)
    result: NDArray[np.int64] = days[encoded.indices.to_numpy()]
    return result


def _day(text: str) -> int:
    """Days since the epoch of an ISO date; `date.fromisoformat` also takes 20260615 and weeks, the form doesn't."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-" or not text.isascii():
        return NO_DAY
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return NO_DAY


_EPOCH: Final = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """`day` in the numbering of `Rows.days`."""
    return day.toordinal() - _EPOCH
