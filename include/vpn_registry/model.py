"""The nouns of the registry: what the contract calls things, as frozen dataclasses and string enums.

No I/O, no clock, no other module of ours: everything else imports this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

PAKISTAN: Final = ZoneInfo("Asia/Karachi")
"""Days, deadlines and stages are Asia/Karachi whatever the host's zone (contract section 1)."""

CNIC_IN_WORDS: Final = "[0-9]{5}[ -]?[0-9]{7}[ -]?[0-9]"
"""What reads as an identity card number where people write in words of their own; digits around it make it another."""

ENGLISH: Final = "en"
URDU: Final = "ur"
LANGUAGES: Final = (ENGLISH, URDU)
"""In which answers and letters are written; an ISP's file says which it reads."""

LIST_AGE_DAYS: Final = 35
"""A client list older than this by the date in its name accuses nobody (contract section 7)."""


class ConfigurationError(Exception):
    """A setting or file of ours is wrong; the message is one sentence that names the file and the key."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be (contract section 3); an ISP's file raises it.

    Unpacked it has at most `inflated_bytes`, and at most `inflation` times its size as delivered. `characters` are
    those of one field.
    """

    delivered_bytes: int = 100 * 2**20
    rows: int = 200_000
    columns: int = 64
    characters: int = 4_000
    inflated_bytes: int = 512 * 2**20
    inflation: int = 100


USUAL_LIMITS: Final = Limits()


class Feed(StrEnum):
    REGISTRATIONS = "registrations"
    CLIENTS = "clients"
    RESPONSES = "responses"


class Mode(StrEnum):
    DELTA = "delta"
    FULL = "full"


class ZoneFolder(StrEnum):
    """The two folders an ISP writes to (contract section 2)."""

    INCOMING = "incoming"
    CHECK = "check"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


class DeliveryState(StrEnum):
    """Where a delivery stands; the allowed moves are in registry.ledger.MOVES and in the database."""

    SEEN = "seen"  # listed, not yet settled or not yet claimed
    CLAIMED = "claimed"  # one worker is copying its bytes
    STORED = "stored"  # bytes in the landing store, receipt queued
    JUDGED = "judged"  # verdict, merge and answers committed in one transaction
    ANSWERED = "answered"  # every answer stands in outgoing/, the source is gone
    VANISHED = "vanished"  # the ISP took the file away before it was taken


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    HELD = "held"
    SUPERSEDED = "superseded"


TAKEN: Final = frozenset({Outcome.ACCEPTED, Outcome.PARTIAL})
"""The outcomes by which a delivery's good rows count."""


class Effect(StrEnum):
    """What one accepted registration row did to the registry (contract section 4, accepted.csv)."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    REINSTATED = "reinstated"
    OVERTAKEN = "overtaken"


class Response(StrEnum):
    """What an ISP answers about a client named in a notice (contract section 3, responses)."""

    REGISTERING = "registering"
    REGISTERED_ELSEWHERE = "registered_elsewhere"
    NO_VPN = "no_vpn"
    TERMINATED = "terminated"
    DISPUTE = "dispute"


class Status(StrEnum):
    """What reconciliation says of one client (contract section 7), in no particular order."""

    DISPUTED = "disputed"
    EXEMPT = "exempt"
    REGISTERED = "registered"
    EXPIRING = "expiring"
    MISMATCH = "mismatch"
    NOT_COMPARABLE = "not_comparable"
    REVIEW = "review"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    UNDECLARED = "undeclared"
    UNREGISTERED = "unregistered"


TO_REGISTER: Final = frozenset({Status.UNREGISTERED, Status.EXPIRED, Status.WITHDRAWN, Status.REJECTED})
COVERED: Final = frozenset({Status.REGISTERED, Status.EXPIRING})
COMPARABLE: Final = TO_REGISTER | COVERED | {Status.MISMATCH}


class NoticeState(StrEnum):
    """A notice and its messages share these (contract section 8); `sent` means accepted by the relay."""

    PLANNED = "planned"
    HELD = "held"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"


PENDING: Final = (NoticeState.PLANNED, NoticeState.HELD, NoticeState.APPROVED, NoticeState.SENDING)
"""The states, in order, of what has still to come to something."""

TOLD: Final = (NoticeState.SENT, NoticeState.UNCERTAIN)
"""The states of what a recipient may have read."""


class ContactRole(StrEnum):
    COMPLIANCE = "compliance"
    ESCALATION = "escalation"


TEMPORARY: Final = "temporary"
SIDECAR: Final = "sidecar"
"""Kinds of regular files that are no delivery: an upload in progress, and a checksum without its file."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One entry of one listing of a zone folder, judged by the listing's own mode bits."""

    name: str
    size: int
    mtime: int  # seconds since the epoch, the zone's clock
    kind: str  # "file", "directory", "link", "fifo", "socket", "device", "unknown", TEMPORARY or SIDECAR


@dataclass(frozen=True, slots=True)
class DeliveryName:
    """A readable file name, `<isp>_<feed>_<mode>_<yyyymmdd>_<seq>.<ext>` (contract section 3)."""

    text: str
    isp: str
    feed: Feed
    mode: Mode
    content_on: date
    seq: int
    ext: str

    @property
    def stem(self) -> str:
        """The name without its extension: what the one member of an archive is called."""
        return self.text.removesuffix(f".{self.ext}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the ledger: a file of one feed from its first listing to its last state."""

    id: int
    isp: str
    folder: ZoneFolder
    file_name: str
    state: DeliveryState
    size_bytes: int
    mtime: int
    first_listed_at: datetime
    claim_no: int
    sha256: str | None = None
    declared_sha256: str | None = None  # by the `.sha256` file beside it; '' equals no checksum
    received_at: datetime | None = None
    name: DeliveryName | None = None  # None while unread or when the name is unreadable
    owns_number: bool = False  # the first delivery that used its (isp, feed, seq) up
    outcome: Outcome | None = None
    revision: int = 1

    @property
    def is_check_only(self) -> bool:
        return self.folder is ZoneFolder.CHECK


@dataclass(frozen=True, slots=True)
class NumberUse:
    """How a delivery's sequence number relates to those used before (contract section 3).

    `first_use` is the earlier delivery that used the number up, None when this one does.
    `missing` are the unused numbers below it, counted from 1, as inclusive ranges.
    """

    first_use: int | None = None
    first_use_same_bytes: bool = False
    missing: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement on a file as a whole; judgements on rows live in frames (validation.Verdict).

    `facts` are what was filled into the rule's texts: from them it can be told in another language.
    """

    code: str
    severity: Severity
    message: str
    remedy: str
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


FINDING_COLUMNS: Final = (
    *("row", "line", "key", "column", "code", "severity", "value", "message", "remedy", "suggestion"),
)
"""Judgements on rows, as frames hold them and as findings.csv tells them (contract section 4)."""


@dataclass(frozen=True, slots=True)
class RowCounts:
    """accepted + rejected + duplicate = total; warned rows are among the accepted."""

    total: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicate: int = 0
    warned: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One file for the ISP's `outgoing/`, whole; `path` is relative to it, with `/`.

    One without content takes away what an earlier answer put there.
    """

    path: str
    content: bytes

    @property
    def is_removal(self) -> bool:
        return not self.content


@dataclass(frozen=True, slots=True)
class Contact:
    name: str
    email: str
    role: ContactRole


def percentage(part: int, whole: int) -> str:
    """`74.2 %`, rounded down: nothing is called 100 % while a client is left. A dash when there is no whole."""
    return f"{part * 1000 // whole / 10:.1f} %" if whole else "-"


def counted(count: int, noun: str) -> str:
    """`1 day`, `3 days`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def iso_utc(moment: datetime) -> str:
    """`2026-06-16T04:00:00Z`: how times are exchanged (contract section 1). Naive times are refused."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%SZ")


def pakistani_day(moment: datetime) -> date:
    """The calendar day in Pakistan on which `moment` falls."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(PAKISTAN).date()
