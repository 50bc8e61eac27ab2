"""What a try to send came to, from what the mail library raised. Pure; holds only when the hook itself never retries.

The library's exceptions are told by their attributes, because nothing of ours imports it:
`recipients` (address -> code and words) when the recipient was refused, `smtp_code` when another command was. Both mean
that the message was surely not accepted. Anything else, such as a lost connection or a time-out, may have come after
the data: the message may have been accepted, and nobody can know (RFC 1047).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vpn_registry.model import NoticeState

_LONGEST_REPLY: Final = 500
_PERMANENT: Final = 500


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """`state`: sent, failed (5xx), approved (4xx: again after a pause) or uncertain; `reply`: the server's words."""

    state: NoticeState
    reply: str


def outcome_of(error: BaseException | None) -> SendOutcome:
    """The outcome of one message to one recipient, sent by a hook that doesn't retry."""
    if error is None:
        return SendOutcome(NoticeState.SENT, "")
    code, words = _answer(error)
    if code is None:
        return SendOutcome(NoticeState.UNCERTAIN, f"{type(error).__name__}: {words}"[:_LONGEST_REPLY])
    state = NoticeState.FAILED if code >= _PERMANENT else NoticeState.APPROVED
    return SendOutcome(state, f"{code} {words}"[:_LONGEST_REPLY])


def _answer(error: BaseException) -> tuple[int | None, str]:
    recipients = getattr(error, "recipients", None)
    if isinstance(recipients, Mapping) and recipients:
        code, words = next(iter(recipients.values()))
        return int(code), _text(words)
    code = getattr(error, "smtp_code", None)
    if isinstance(code, int) and code > 0:
        return code, _text(getattr(error, "smtp_error", ""))
    return None, str(error)


def _text(words: object) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
