"""A form filled in: the mail, its attachment, and the copy for the ISP's zone. The only user of Jinja.

Names of clients stand only in the zone's copy; no mail holds a CNIC, NTN, address or contact of a client, and no
header holds anything from an ISP's files (contract section 8).
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from vpn_registry.campaign import Campaign
from vpn_registry.model import percentage
from vpn_registry.notices.contents import COLUMNS, Parts, Progress, Tally
from vpn_registry.notices.letters import Form, Letters
from vpn_registry.roster import Isp
from vpn_registry.spreadsheet import safe_cell

MAIL_DOMAIN: Final = "vpn-registry.invalid"
"""The right-hand side of our Message-IDs where the caller names none; it can belong to nobody."""

_NOTICE_NO: Final = re.compile(r"[A-Z]-[0-9]{4}-[0-9]{6}")
_LOOKS_LIKE_CNIC: Final = re.compile(r"(?<![0-9])[0-9]{5}-?[0-9]{7}-?[0-9](?![0-9])")
_LATIN: Final = re.compile(
    r"\+[0-9][0-9 ]+[0-9]"  # a telephone number
    r"|(?<![&#\w])\.?(?=[\d_.@/+-]*[A-Za-z])[A-Za-z0-9](?:[\w.@/+-]*[A-Za-z0-9/])?(?: [A-Za-z0-9](?:[\w.@/+-]*\w)?)*",
    re.ASCII,
)
"""A telephone number, or names of files, folders, columns or mailboxes among words of another script; not the entities
of escaped text."""
_TEXT_WIDTH: Final = 76
_PARAGRAPH: Final = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class NoticeData:
    """Everything one letter says. `form` is the form's stage ("T-14", "extended", "nothing-outstanding", "silent")."""

    notice_no: str
    form: str
    dated_on: date
    deadline_on: date
    isp: Isp
    campaign: Campaign
    tally: Tally
    parts: Parts
    progress: Progress | None = None  # None in an ISP's first notice
    list_on: date | None = None  # the day the compared client list describes
    previous_deadline_on: date | None = None  # what the ISP had been told before an extension
    decision: str = ""  # what set the later date, in a letter about an extension
    due_on: date | None = None  # since when a client list is overdue, in a letter about that
    only: str = ""  # the one client it is about, where a deadline of his own holds
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """The mail (`subject`, `text`, `html`, the attachment) and the copy for `outgoing/notices/`."""

    subject: str
    text: str
    html: str
    csv_name: str
    csv_bytes: bytes
    zone_text: str
    zone_html: str
    zone_csv: bytes


def render(letters: Letters, data: NoticeData) -> Letter:
    """Fill the letter in, in the ISP's language where it is written in it, else in English.

    Raises jinja2.UndefinedError when a letter uses a word that is not there, ValueError for a malformed number.
    """
    if not _NOTICE_NO.fullmatch(data.notice_no):
        raise ValueError(f"{data.notice_no!r} is not a notice number such as N-2026-000123.")
    form = letters.forms[data.form]
    language = data.isp.language if data.isp.language in form.body else "en"
    facts = _facts(data, form, letters.words[language])
    body = _template(form.body[language]).render(facts)
    facts["paragraphs"] = [" ".join(paragraph.split()) for paragraph in _PARAGRAPH.split(body.strip())]
    facts["words"] = _filled({**letters.words[language], "spelt": {}}, facts)
    facts["subject"] = header_text(_subject(form.subject[language], data, facts))
    mail: dict[str, Any] = facts | {"lists": None}
    zone: dict[str, Any] = facts | {"lists": {"a": _rows(data.parts.to_register), "b": _rows(data.parts.to_check)}}
    html, text = _template(letters.frame_html, is_html=True), _template(letters.frame_text)
    marks = _directed if facts["words"]["dir"] == "rtl" else dict
    return Letter(
        subject=facts["subject"],
        text=text.render(marks(mail)),
        html=html.render(mail),
        csv_name=f"{data.notice_no}.csv",
        csv_bytes=_csv(data.parts, ("subscriber_id", "status", "reason"), hide_cnics=True),
        zone_text=text.render(marks(zone)),
        zone_html=html.render(zone),
        zone_csv=_csv(data.parts, COLUMNS, hide_cnics=False),
    )


def message_id(notice_no: str, recipient: str, domain: str = MAIL_DOMAIN) -> str:
    """The Message-ID of one copy: the same at every attempt, so that mail stores can see a repeated one."""
    if not _NOTICE_NO.fullmatch(notice_no):
        raise ValueError(f"{notice_no!r} is not a notice number such as N-2026-000123.")
    digest = hashlib.sha256(f"{notice_no} {recipient.strip().lower()}".encode()).hexdigest()
    return f"<{notice_no.lower()}.{digest[:20]}@{domain}>"


def header_text(text: str) -> str:
    """Text fit for a mail header: one line without control, format or line-separating characters."""
    shown = "".join(" " if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} else char for char in text)
    return " ".join(shown.split())


def in_words(day: date, words: Mapping[str, Any]) -> dict[str, str]:
    """A day in figures and its parts spelt out, from the language's `spelt` table of words."""
    spelt = words["spelt"]
    return {
        "weekday": spelt["weekdays"][day.weekday()],
        "ordinal": spelt["days"][day.day - 1],
        "month": spelt["months"][day.month - 1],
        "year": spelt["years"].get(str(day.year), str(day.year)),
        "figures": f"{day.day} {spelt['months'][day.month - 1]} {day.year}",
    }


@lru_cache(maxsize=1024)
def _template(text: str, *, is_html: bool = False) -> Template:
    """One compiled template; it stops at a word that is not there. The letters repeat from ISP to ISP."""
    environment = Environment(
        autoescape=is_html,  # noqa: S701 - off for plain text only; until 2027-12-31
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["of"] = _of
    environment.filters["wrapped"] = _wrapped
    environment.filters["isolated"] = _isolated
    return environment.from_string(text)


def _of(count: int, one: str, many: str) -> str:
    """`1 client`, `3 clients`."""
    return f"{count} {one if abs(count) == 1 else many}"


@pass_context
def _isolated(context: Context, text: str) -> Markup:
    """In a letter from right to left: file names, folders and addresses as islands from left to right."""
    escaped = str(escape(text))
    if context["words"]["dir"] != "rtl":
        return Markup(escaped)  # noqa: S704 - escaped one line above; until 2027-12-31
    return Markup(_LATIN.sub(r'<bdi dir="ltr">\g<0></bdi>', escaped))  # noqa: S704 - escaped above; until 2027-12-31


def _directed(facts: Any) -> Any:
    """The same for plain text, by invisible marks, and only where a slash or dot at an end would change sides: whoever
    copies a file name must not copy marks with it."""
    if isinstance(facts, str):
        return _LATIN.sub(lambda found: _island(found[0]), facts)
    if isinstance(facts, list):
        return [_directed(fact) for fact in facts]
    return {name: _directed(fact) for name, fact in facts.items()} if isinstance(facts, dict) else facts


def _island(token: str) -> str:
    return f"\u2066{token}\u2069" if token.endswith("/") or token.startswith((".", "+")) else token


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text,
        _TEXT_WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _facts(data: NoticeData, form: Form, words: Mapping[str, Any]) -> dict[str, Any]:
    dates = {"dated": data.dated_on, "deadline": data.deadline_on}
    dates |= {"previous_deadline": data.previous_deadline_on} if data.previous_deadline_on else {}
    dates |= {"since": data.progress.since_on} if data.progress and data.progress.since_on else {}
    counts = {name: len(part) for name, part in (("a", data.parts.to_register), ("b", data.parts.to_check))}
    facts: dict[str, Any] = {name: in_words(day, words) for name, day in dates.items()}
    return facts | {
        "notice_no": data.notice_no,
        "form": form.stage,
        "isp": data.isp,
        "campaign": data.campaign,
        "tally": data.tally,
        "count": counts,
        "by_status": {"a": _by_status(data.parts.to_register), "b": _by_status(data.parts.to_check)},
        "coverage": percentage(data.tally.covered, data.tally.comparable) if data.tally.comparable else None,
        "progress": data.progress,
        "only": _without_cnics(data.only),
        "decision": _without_cnics(data.decision),
        "due_on": in_words(data.due_on, words) if data.due_on else None,
        "list_on": in_words(data.list_on, words) if data.list_on else None,
        "days_left": (data.deadline_on - data.dated_on).days,
        "csv_name": f"{data.notice_no}.csv",
        "is_simulated": data.is_simulated,
    }


def _subject(template: str, data: NoticeData, facts: dict[str, Any]) -> str:
    """The subject sees our own facts only: nothing an ISP wrote can reach a header."""
    own = {name: facts[name] for name in ("notice_no", "deadline", "days_left")}
    subject = _template(template).render(own, campaign=data.campaign)
    marker = facts["words"]["simulation_mark"]
    return f"[{marker}] {subject}" if data.is_simulated else subject


def _filled(words: Any, facts: dict[str, Any]) -> Any:
    """The shared sentences with the facts in their places; tables and lists keep their shape."""
    if isinstance(words, str):
        return _template(words).render(facts)
    if isinstance(words, list):
        return [_filled(word, facts) for word in words]
    return {key: _filled(word, facts) for key, word in words.items()}


def _by_status(part: pd.DataFrame) -> list[tuple[str, int]]:
    """Status and count, in the order of the part."""
    counts = part.groupby("status", sort=False).size()
    return [(str(status), int(count)) for status, count in counts.items()]


def _rows(part: pd.DataFrame) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in _values(part, COLUMNS)]


def _values(part: pd.DataFrame, columns: Iterable[str]) -> list[tuple[str, ...]]:
    return list(zip(*(part[name].astype("str").fillna("").tolist() for name in columns), strict=True))


def _csv(parts: Parts, columns: tuple[str, ...], *, hide_cnics: bool) -> bytes:
    """The clients of both parts. An ISP that uses CNICs as subscriber ids must not make us mail them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    for part in (parts.to_register, parts.to_check):
        for row in _values(part, columns):
            writer.writerow([safe_cell(_without_cnics(cell) if hide_cnics else cell) for cell in row])
    return out.getvalue().encode()


def _without_cnics(text: str) -> str:
    return _LOOKS_LIKE_CNIC.sub(lambda found: f"13 digits, ..{found[0].replace('-', '')[-2:]}", text)
