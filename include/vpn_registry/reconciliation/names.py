"""Names that probably mean one and the same client: candidates for a person, never a verdict (contract section 7).

A name is reduced twice: to its *words* (one spelling a letter, no legal form, no title) and to its *sound* (the
consonants in Latin letters), in which "محمد احمد" and "Muhammad Ahmad" meet. Pairs are looked for only among names that
share an uncommon piece of sound, and scored by rapidfuzz.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from vpn_registry.reconciliation.spans import Ints

SIMILAR: Final = 86.0
"""Of 100: what a pair has to score to be shown to a person. Chosen on the sample of tests/benchmarks/names.py."""
ACROSS_SCRIPTS: Final = 80.0
"""The same for an Urdu and a Latin name, which share only their consonants."""
ALL_BUT_EQUAL: Final = 95.0
"""What a pair has to score whose ids differ: one typing error in a long name, but not another first word."""

_COMMON: Final = 150
"""A piece that more names than this have in common finds nobody."""
_PIECES: Final = 4
"""As many of a name's rarest pieces are looked up."""
_WORDS: Final = 6
"""Of longer names only so many words are paired with each other."""
_AT_ONCE: Final = 500_000
_NOBODY: Final = -1

_ARABIC: Final = re.compile("[\u0600-\u06ff\u0750-\u077f]")
_MARKS: Final = re.compile("[\u064b-\u065f\u0670\u0640\u200b-\u200f]")
_NO_WORD: Final = re.compile(r"[^\w&+]+|_+")
_MESSRS: Final = re.compile(r"^\s*m/s\b\.?", re.IGNORECASE)
_DOTTED: Final = re.compile(r"\b(\w)\.(?=\w\b)")
_LETTERS: Final = str.maketrans("يىئكةۃهۀھأإآٱؤ٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "یییکہہہہہااااو01234567890123456789")
"""Arabic letters and digits as Urdu keyboards and fonts mix them, each in one spelling."""

_LEGAL: Final = frozenset({
    "pvt", "private", "ltd", "limited", "llp", "llc", "inc", "plc", "smc", "guarantee", "co", "company", "corp",
    "corporation", "firm", "ms", "messrs", "the",
    "پرائیویٹ", "پراییویٹ", "پرائویٹ", "پرایویٹ", "لمیٹڈ", "لمٹیڈ", "کمپنی", "کارپوریشن", "میسرز", "دی",
})  # fmt: skip
_TITLES: Final = frozenset({
    "mr", "mrs", "miss", "dr", "engr", "prof", "haji", "hafiz", "mian",
    "جناب", "محترمہ", "ڈاکٹر", "حاجی", "حافظ",
})  # fmt: skip
_SAME: Final = {
    "&": "and", "+": "and", "intl": "international", "int": "international", "tech": "technologies",
    "technology": "technologies", "sys": "systems", "system": "systems", "svcs": "services", "service": "services",
    "soft": "software", "bros": "brothers", "mfg": "manufacturing", "ind": "industries", "industry": "industries",
    "pak": "pakistan", "univ": "university", "solution": "solutions", "trader": "traders", "store": "stores",
    "ent": "enterprises", "enterprise": "enterprises", "khi": "karachi", "lhr": "lahore", "isb": "islamabad",
    "mohammad": "muhammad", "mohammed": "muhammad", "muhammed": "muhammad", "mohamed": "muhammad", "mohd": "muhammad",
    "muhd": "muhammad", "md": "muhammad", "m": "muhammad", "syeda": "syed", "sayed": "syed", "sayyid": "syed",
    "اینڈ": "and", "و": "and",
}  # fmt: skip
_SOUNDS: Final = (
    ("ph", "f"), ("ck", "k"), ("kh", "k"), ("gh", "g"), ("sh", "s"), ("th", "t"), ("dh", "d"), ("x", "ks"),
    ("ch", "?"), ("ce", "s"), ("ci", "s"), ("cy", "s"), ("c", "k"), ("?", "c"),
)  # fmt: skip
_SILENT: Final = re.compile("[^a-z0-9]|[aeiouywv]")
_ALIKE: Final = str.maketrans("qzj", "ksg")
_TWICE: Final = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Candidates:
    """For each name the place of the registered name nearest to it (-1: none is similar), and its score of 100."""

    place: Ints
    score: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Reduced:
    """Names as they are compared: sorted words, all in one, sounds; and the pieces each is found by."""

    words: npt.NDArray[np.object_]
    joined: npt.NDArray[np.object_]
    sounds: npt.NDArray[np.object_]
    is_urdu: npt.NDArray[np.bool_]
    piece: npt.NDArray[np.object_]
    owner: Ints


def nearest(names: Sequence[str] | pd.Series[str], registered: Sequence[str] | pd.Series[str]) -> Candidates:
    """The registered name most similar to each name; of equals the first.

    Cost grows with the number of names, not with its square: a name is compared with at most `_PIECES * _COMMON`.
    """
    left, of_left = _distinct(names)
    right, of_right = _distinct(registered)
    first_place = np.full(len(right.words), len(of_right), dtype=np.int64)
    np.minimum.at(first_place, of_right, np.arange(len(of_right)))
    row, column = _pairs(left, right)
    score = _scores(left, right, row, column)
    place, best = _best(row, first_place[column], score, len(left.words))
    return Candidates(place[of_left], best[of_left])


def words(name: str) -> list[str]:
    """The words of a name in one spelling: no marks, case, punctuation, legal form or title.

    A name of nothing else keeps them: "The Company" is a name.
    """
    plain = _MESSRS.sub("", _MARKS.sub("", unicodedata.normalize("NFKC", name).translate(_LETTERS)).casefold())
    plain = "".join(c for c in unicodedata.normalize("NFD", plain) if unicodedata.category(c) != "Mn")
    found = [_SAME.get(word, word) for word in _NO_WORD.split(_DOTTED.sub(r"\1", plain)) if word]
    return [word for word in found if word not in _LEGAL and word not in _TITLES and word != "and"] or found


def sound(word: str) -> str:
    """The consonants of a word in Latin letters, those that are often mistaken for each other made one."""
    import anyascii

    heard = anyascii.anyascii(word).casefold()
    for spelt, said in _SOUNDS:
        heard = heard.replace(spelt, said)
    return _TWICE.sub(r"\1", _SILENT.sub("", heard).translate(_ALIKE))


def _distinct(names: Sequence[str] | pd.Series[str]) -> tuple[_Reduced, Ints]:
    codes, distinct = pd.factorize(pd.Series(names, dtype="str").fillna(""))
    return _reduce([str(name) for name in distinct]), codes.astype(np.int64)


def _reduce(names: list[str]) -> _Reduced:
    split = [words(name) for name in names]
    heard = {word: sound(word) for word in {word for found in split for word in found}}
    sounds = [[heard[word] for word in found if heard[word]] for found in split]
    pieces = [_pieces(found) for found in sounds]
    return _Reduced(
        words=_texts(" ".join(sorted(found)) for found in split),
        joined=_texts("".join(found) for found in split),
        sounds=_texts("".join(sorted(found)) for found in sounds),
        is_urdu=np.fromiter((bool(_ARABIC.search(name)) for name in names), dtype=np.bool_, count=len(names)),
        piece=_texts(piece for found in pieces for piece in found),
        owner=np.repeat(np.arange(len(names)), [len(found) for found in pieces]),
    )


def _pieces(sounds: list[str]) -> set[str]:
    """What a name is found by: each sound, each two of them, and how the whole begins and ends.

    A firm's rare word finds it; two common words together ("Ali", "Khan") do as well; a word cut in two does by the
    beginning.
    """
    whole = "".join(sounds)
    sounds = sorted(sounds)[:_WORDS]
    twos = {f"{one}+{two}" for at, one in enumerate(sounds) for two in sounds[at + 1 :]}
    return {piece for piece in (*sounds, *twos, f"^{whole[:6]}", f"{whole[-6:]}$") if len(piece) > 1}


def _texts(found: Any) -> npt.NDArray[np.object_]:
    return np.array([*found, None], dtype=object)[:-1]


def _pairs(left: _Reduced, right: _Reduced) -> tuple[Ints, Ints]:
    """Rows of both sides that share one of the left one's rarest pieces, each pair once."""
    codes, _ = pd.factorize(np.concatenate([left.piece, right.piece]))
    ours, theirs = codes[: len(left.piece)], codes[len(left.piece) :]
    count = np.bincount(theirs, minlength=codes.max(initial=-1) + 1)
    order = np.argsort(theirs, kind="stable")
    start = np.concatenate(([0], np.cumsum(count)))
    shared = count[ours]
    use = np.flatnonzero((shared > 0) & (shared <= _COMMON))
    use = use[np.lexsort((shared[use], left.owner[use]))]
    owner = left.owner[use]
    is_first = np.concatenate(([True], owner[1:] != owner[:-1])) if len(owner) else np.array([], dtype=bool)
    rank = np.arange(len(owner)) - np.maximum.accumulate(np.where(is_first, np.arange(len(owner)), 0))
    use = use[rank < _PIECES]
    size = shared[use]
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    column = right.owner[order][np.repeat(start[ours[use]], size) + within]
    width = max(len(right.words), 1)
    pair = np.unique(np.repeat(left.owner[use], size) * width + column)
    return pair // width, pair % width


def _scores(left: _Reduced, right: _Reduced, row: Ints, column: Ints) -> npt.NDArray[np.float64]:
    """How similar each pair is, 0 where too little: names in one script by words, else by sound."""
    from rapidfuzz import fuzz, process

    score = np.zeros(len(row))
    across = left.is_urdu[row] != right.is_urdu[column]
    sides = ((~across, "words", SIMILAR), (~across, "joined", SIMILAR), (across, "sounds", ACROSS_SCRIPTS))
    for mask, side, least in sides:
        chosen = np.flatnonzero(mask)
        ours, theirs = getattr(left, side), getattr(right, side)
        for start in range(0, len(chosen), _AT_ONCE):
            at = chosen[start : start + _AT_ONCE]
            found = process.cpdist(
                ours[row[at]].tolist(), theirs[column[at]].tolist(), scorer=fuzz.ratio, score_cutoff=least
            )
            score[at] = np.maximum(score[at], found)
    return score


def _best(row: Ints, place: Ints, score: npt.NDArray[np.float64], count: int) -> tuple[Ints, npt.NDArray[np.float64]]:
    found, best = np.full(count, _NOBODY, dtype=np.int64), np.zeros(count)
    kept = np.flatnonzero(score > 0)
    order = kept[np.lexsort((-place[kept], score[kept]))]  # the last one written stays: the best, of equals the first
    found[row[order]], best[row[order]] = place[order], score[order]
    return found, best
