"""The end of the ladder (contract section 8): what people need who decide about an ISP; nothing decides for them.

Which letters it got and when, what it filed and answered, and for each client that is still to register which letters
named it. Clients stand by their subscriber ids; names and identity numbers are not in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from vpn_registry.campaign import Deadline, deadline_in_force
from vpn_registry.model import TO_REGISTER, Feed, Status, iso_utc, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import cases, chronicle, mutes, statuses, successions
from vpn_registry.registry.chronicle import Fate, Filed, Opened, Reply
from vpn_registry.registry.mutes import Mute
from vpn_registry.roster import Isp


@dataclass(frozen=True, slots=True)
class Sent:
    """One letter that left: its number, day, stage, the deadline it told, how many it named, and its recipients, each
    with the state of his copy."""

    notice_no: str
    sent_on: date
    stage: str
    deadline: date
    to_register: int
    to_check: int
    recipients: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outstanding:
    """One client that is still to register, or whose dispute nobody has decided."""

    subscriber_id: str
    status: str
    since: date
    reason: str
    letters: tuple[str, ...]
    answers: tuple[str, ...]
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything about one ISP in one campaign, as it stands at `as_of`."""

    isp: str
    name: str
    licence: str
    campaign: str
    legal_base: str
    as_of: datetime
    is_simulated: bool
    deadline: date
    deadlines: tuple[Deadline, ...]
    list_on: date | None
    letters: tuple[Sent, ...]
    not_sent: tuple[str, ...]
    mutes: tuple[str, ...]
    clients: tuple[Outstanding, ...]
    filings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        values: dict[str, Any] = _plain(asdict(self))
        return values

    def lines(self) -> Iterator[str]:
        """The same for people to read."""
        yield f"{self.name} ({self.isp}), licence {self.licence or 'not on file'}"
        yield f"{self.campaign}; as of {iso_utc(self.as_of)}{' (simulated)' if self.is_simulated else ''}"
        yield f"Legal base: {self.legal_base}"
        yield f"Client list compared: {self.list_on or 'none accepted'}"
        yield "\nDeadlines"
        for one in self.deadlines:
            whose = f" for {one.only} alone" if one.only else ""
            yield f"  {one.ends_on}{whose}, entered {one.entered_on}: {one.source}"
        yield f"\nLetters ({len(self.letters)})"
        for letter in self.letters:
            copies = ", ".join(f"{email} {state}" for email, state in letter.recipients.items())
            about = f"{letter.to_register} to register, {letter.to_check} to check, by {letter.deadline}"
            yield f"  {letter.sent_on} {letter.notice_no} {letter.stage}: {about}; {copies}"
        yield from (f"  not sent: {one}" for one in self.not_sent)
        yield from (f"  kept back: {one}" for one in self.mutes)
        yield f"\nClients still to register, or disputed ({len(self.clients)})"
        for client in self.clients:
            yield f"  {client.subscriber_id}: {client.status} since {client.since}. {client.reason}"
            yield f"    named in {len(client.letters)} letters" + (
                f": {', '.join(client.letters)}" if client.letters else ""
            )
            yield from (f"    answered {answer}" for answer in client.answers)
            yield from (f"    {case}" for case in client.cases)
        yield f"\nFilings ({len(self.filings)})"
        yield from (f"  {filing}" for filing in self.filings)
        yield "\nThis is a record for people to decide on. Nothing has been disconnected or blocked."


def assemble(exchange: Exchange, isp: Isp) -> Dossier:
    """The dossier of an ISP, on one snapshot of the registry; nothing is changed by it."""
    now = exchange.now()
    with exchange.registry.reading() as db:
        fates = chronicle.fates(db, exchange.campaign.slug, isp.slug)
        filed = [one for one in chronicle.filed(db) if one.isp == isp.slug]
        opened = [case for case in chronicle.opened_cases(db) if case.isp == isp.slug]
        replies = chronicle.replies(db, isp.slug)
        current = statuses.latest(db, isp.slug)
        list_on = statuses.list_on(db, isp.slug)
        muted = mutes.history(db, isp.slug)
        newest = successions.newest_ids(db, isp.slug)
    ids: dict[str, set[str]] = {}
    for old, new in newest.items():
        ids.setdefault(new, {new}).add(old)
    wanted = current[current["status"].isin([str(status) for status in (*TO_REGISTER, Status.DISPUTED)])]
    return Dossier(
        isp=isp.slug,
        name=isp.name,
        licence=isp.licence,
        campaign=exchange.campaign.name,
        legal_base=exchange.campaign.legal_base,
        as_of=now,
        is_simulated=exchange.registry.is_simulated,
        deadline=deadline_in_force(exchange.campaign, pakistani_day(now), isp.slug).ends_on,
        deadlines=tuple(one for one in exchange.campaign.deadlines if one.isp in ("", isp.slug)),
        list_on=list_on,
        letters=tuple(_sent(fate) for fate in fates if fate.left_at is not None),
        not_sent=tuple(_not_sent(fate) for fate in fates if fate.left_at is None),
        mutes=tuple(_mute(one) for one in muted),
        clients=tuple(
            _outstanding(row, ids.get(str(row.subscriber_id), {str(row.subscriber_id)}), fates, replies, opened)
            for row in wanted.sort_values("subscriber_id").itertuples(index=False)
        ),
        filings=tuple(_filing(one) for one in filed),
    )


def _not_sent(fate: Fate) -> str:
    return f"{fate.stage} of {fate.stage_on}: {fate.reason or fate.state}"


def _mute(one: Mute) -> str:
    whom = f"client {one.subscriber_id}" if one.subscriber_id else "the ISP"
    said = f"muted until {one.until_on}" if one.until_on else "spoken of again"
    return f"{pakistani_day(one.decided_at)} {whom} {said} by {one.actor} (case {one.case_id}), because: {one.reason}"


def _sent(fate: Fate) -> Sent:
    recipients = {email: state.value for email, state, _ in fate.copies}
    left_on = pakistani_day(fate.left_at) if fate.left_at else fate.stage_on
    return Sent(fate.notice_no, left_on, fate.stage, fate.ends_on, fate.named_in("A"), fate.named_in("B"), recipients)


def _outstanding(
    client: Any, ids: Collection[str], fates: Iterable[Fate], replies: Iterable[Reply], opened: Iterable[Opened]
) -> Outstanding:
    """What there is about one client, under any of the `ids` he had."""
    return Outstanding(
        subscriber_id=client.subscriber_id,
        status=str(client.status),
        since=pakistani_day(client.since_at),
        reason=client.reason,
        letters=tuple(
            f"{fate.notice_no} of {pakistani_day(fate.left_at)} ({fate.stage}, part {fate.named[who]})"
            for fate in fates
            for who in ids
            if fate.left_at is not None and who in fate.named
        ),
        answers=tuple(_answer(reply) for reply in replies if reply.subscriber_id in ids),
        cases=tuple(_case(case) for case in opened if case.kind in cases.ABOUT_CLIENTS and case.subject in ids),
    )


def _answer(reply: Reply) -> str:
    words = "; ".join(filter(None, [reply.reference, reply.comment]))
    said = f"{reply.response} on {reply.responded_on}, to {reply.notice_no}"
    return f"{said}: {words}" if words else said


def _case(case: Opened) -> str:
    opened = f"case {case.case_id}, {case.kind}, since {pakistani_day(case.opened_at)}"
    if case.decided_at is None:
        return f"{opened}: not decided yet"
    return f"{opened}: {case.outcome} by {case.actor} on {pakistani_day(case.decided_at)}, because: {case.decision}"


def _filing(one: Filed) -> str:
    rows = f", {one.rows_accepted} of {one.rows_total} rows" if one.rows_total and one.feed in set(Feed) else ""
    return f"{pakistani_day(one.received_at)} {one.file_name}: {one.outcome or 'not judged yet'}{rows}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return iso_utc(value)
    return value.isoformat() if isinstance(value, date) else value
