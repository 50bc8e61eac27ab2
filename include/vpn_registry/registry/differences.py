"""Whether two registries hold the same, apart from surrogate ids, national numbers and times (contract section 6).

Rows are matched by what names them outside of a database: ISP, ref or subscriber id, delivery, row. One side is kept
as digests and the other streamed against it, so that a registry of millions of rows fits into memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from vpn_registry.model import Feed
from vpn_registry.registry import deciding, erasure
from vpn_registry.registry.merge import CLIENTS, REGISTRATIONS
from vpn_registry.registry.merge_task import Book
from vpn_registry.registry.tables import DeliveryRow, DeliveryRowRow, KeptKeyRow, ResponseRow

SHOWN: Final = 20
"""So many differences are told of each table; the others are only counted."""
_CHUNK: Final = 5_000

_Key = tuple[Any, ...]
_Digests = tuple[bytes, bytes | None]
Reveal = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that differs: `key` names it by ids only; `what` says how, by columns and never by a value."""

    table: str
    key: str
    what: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows that agree and rows that differ, by table, and the first differences of each."""

    equal: dict[str, int]
    different: dict[str, int]
    first: list[Difference]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that must be equal; the first `keys` columns of `query` name a row.

    The columns `content` are not compared where the registry has erased them (`erased_at`).
    """

    name: str
    query: Any
    keys: int
    content: frozenset[str] = frozenset()
    is_left_out: Callable[[Any], bool] = lambda row: False

    @property
    def columns(self) -> list[str]:
        return [str(column.key) for column in self.query.selected_columns]


def compare(registry: Session, replay: Session, reveal: Reveal) -> Compared:
    """The registry against its replay; `reveal` opens ciphertext, which is another one each time.

    What a delivery has touched whose bytes were given up when their time was over can't be replayed: it is left out.
    """
    compared = Compared({}, {}, [])
    gone = frozenset(erasure.discarded(registry))
    for part in _parts(gone, _touched(registry, gone)):
        held = dict(_digests(part, registry, reveal))
        differing: dict[_Key, str] = {}
        count = len(held)
        for key, replayed in _digests(part, replay, reveal):
            found = held.pop(key, None)
            if found is None:
                differing[key] = "the registry lacks it"
            elif found[0] != replayed[0] or found[1] not in (None, replayed[1]):
                differing[key] = ""
        differing.update(dict.fromkeys(held, "nothing that was filed made it"))
        compared.equal[part.name] = count - sum(what != "the registry lacks it" for what in differing.values())
        compared.different[part.name] = len(differing)
        compared.first.extend(
            Difference(
                part.name, " ".join(map(str, key)), differing[key] or _columns(part, key, registry, replay, reveal)
            )
            for key in sorted(differing, key=str)[:SHOWN]
        )
    return compared


def _digests(part: _Part, db: Session, reveal: Reveal) -> Iterator[tuple[_Key, _Digests]]:
    """Per row its key, the digest of what is never erased, and that of its content (None when it is erased)."""
    names = part.columns
    for row in db.execute(part.query.execution_options(yield_per=_CHUNK)):
        if part.is_left_out(row):
            continue
        values = _opened(names, row, reveal)
        is_erased = values.pop("erased_at", None) is not None
        content = {name: values.pop(name) for name in part.content}
        yield tuple(row[: part.keys]), (_digest(values), None if is_erased else _digest(content))


def _opened(names: list[str], row: Any, reveal: Reveal) -> dict[str, Any]:
    pairs = zip(names, row, strict=True)
    return {name: reveal(value) if name.endswith("_cipher") and value else value for name, value in pairs}


def _digest(values: dict[str, Any]) -> bytes:
    return hashlib.blake2b(repr(sorted(values.items())).encode(), digest_size=16).digest()


def _columns(part: _Part, key: _Key, registry: Session, replay: Session, reveal: Reveal) -> str:
    """Which columns of one row differ."""
    named = list(part.query.selected_columns)[: part.keys]
    query = part.query.where(*(column.is_not_distinct_from(value) for column, value in zip(named, key, strict=True)))
    ours, theirs = (_opened(part.columns, db.execute(query).one(), reveal) for db in (registry, replay))
    return f"differs in {', '.join(name for name in part.columns if ours[name] != theirs[name])}"


def _touched(db: Session, gone: frozenset[int]) -> frozenset[tuple[str, str, str]]:
    """(feed, ISP, key) of every row that one of these deliveries added to, closed, confirmed or decided."""
    touched: set[tuple[str, str, str]] = set()
    for book in (REGISTRATIONS, CLIENTS) if gone else ():
        current, versions, rows = book.current, book.versions, DeliveryRowRow
        own = [current.c.isp, current.c[book.key]]
        added = select(*own).join(versions, versions.c.current_id == current.c.id)
        named = select(DeliveryRow.isp, rows.key).join(rows, rows.delivery_id == DeliveryRow.id)
        closing, key = deciding.closings(book.feed), current.c[book.key]
        decided_seq = deciding.decided_seq(current.c, key, closing.c)
        decided = (
            select(*own)
            .outerjoin(closing, closing.c.isp == current.c.isp)
            .join(DeliveryRow, and_(DeliveryRow.isp == current.c.isp, DeliveryRow.seq == decided_seq))
        )
        for query in (
            added.where(versions.c.delivery_id.in_(gone)),
            named.where(DeliveryRow.id.in_(gone), DeliveryRow.feed == book.feed),
            decided.where(DeliveryRow.id.in_(gone), DeliveryRow.feed == book.feed),
        ):
            touched.update((book.feed.value, isp, key) for isp, key in db.execute(query))
    answered = select(ResponseRow.isp, ResponseRow.subscriber_id).where(ResponseRow.delivery_id.in_(gone))
    touched.update((Feed.RESPONSES.value, isp, who) for isp, who in (db.execute(answered) if gone else ()))
    return frozenset(touched)


def _parts(gone: frozenset[int], touched: frozenset[tuple[str, str, str]]) -> list[_Part]:
    rows = DeliveryRowRow
    return [
        *_book_parts(REGISTRATIONS, touched),
        *_book_parts(CLIENTS, touched),
        _answers_part(touched),
        _Part(
            "kept_keys", select(KeptKeyRow.delivery_id, KeptKeyRow.key), keys=2,
            is_left_out=lambda row: row.delivery_id in gone,
        ),
        _Part(
            "deliveries", select(DeliveryRow.id, DeliveryRow.is_closing), keys=1,
            is_left_out=lambda row: row.id in gone,
        ),
        _Part(
            "delivery_rows",
            select(
                rows.delivery_id, rows.row, rows.key, rows.subscriber_id, rows.outcome, rows.effect, DeliveryRow.isp,
                DeliveryRow.feed,
            )
            .join(DeliveryRow, and_(DeliveryRow.id == rows.delivery_id, DeliveryRow.revision == rows.revision))
            .where(
                DeliveryRow.outcome.in_(("accepted", "partial")), DeliveryRow.folder == "incoming",
            ),
            keys=2,
            is_left_out=lambda row: row.delivery_id in gone or (row.feed, row.isp, row.key) in touched,
        ),
    ]  # fmt: skip


def _answers_part(touched: frozenset[tuple[str, str, str]]) -> _Part:
    answer = ResponseRow
    return _Part(
        "responses",
        select(
            answer.delivery_id, answer.row, answer.isp, answer.subscriber_id, answer.notice_no, answer.response,
            answer.responded_on, answer.seq, answer.is_overtaken, answer.content_sha256, answer.reference,
            answer.comment, answer.erased_at,
        ),
        keys=2,
        content=frozenset({"reference", "comment"}),
        is_left_out=lambda row: (Feed.RESPONSES.value, row.isp, row.subscriber_id) in touched,
    )  # fmt: skip


def _book_parts(book: Book, touched: frozenset[tuple[str, str, str]]) -> tuple[_Part, _Part]:
    current, versions = book.current, book.versions
    numbered = [current.c.national_no.is_not(None).label("has_number")] if "national_no" in current.c else []
    closing, key = deciding.closings(book.feed), current.c[book.key]
    shown = current.outerjoin(versions, versions.c.id == current.c.version_id).outerjoin(
        closing, closing.c.isp == current.c.isp
    )
    stands = (
        select(
            current.c.isp, key, current.c.is_in_force,
            deciding.decided_seq(current.c, key, closing.c).label("decided_seq"),
            deciding.content_seq(current.c, key, closing.c).label("content_seq"),
            current.c.content_sha256, current.c.closed_on, *numbered,
            versions.c.delivery_id.label("shown_delivery_id"), versions.c.row.label("shown_row"),
        )
        .select_from(shown)
    )  # fmt: skip
    history = select(
        current.c.isp, current.c[book.key], versions.c.delivery_id, func.coalesce(versions.c.row, 0).label("row"),
        versions.c.seq, versions.c.action, versions.c.is_overtaken, versions.c.content_sha256,
        *(versions.c[name] for name in book.content), versions.c.erased_at,
    ).select_from(versions.join(current, current.c.id == versions.c.current_id))  # fmt: skip

    def is_left_out(row: Any) -> bool:
        return (book.feed.value, row[0], row[1]) in touched

    return (
        _Part(current.name, stands, keys=2, is_left_out=is_left_out),
        _Part(versions.name, history, keys=4, content=frozenset(book.content), is_left_out=is_left_out),
    )
