"""What a person may decide on a case, and what each decision does. A new kind of case is one entry in KINDS.

A decision is added to the case in the transaction of its consequences and never changed; a later one on the same case
replaces it, as far as what it did can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from vpn_registry.campaign import working_day_after
from vpn_registry.model import NoticeState, iso_utc, pakistani_day
from vpn_registry.pipeline import extension
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, cases, contests, locks, messages, mutes, responses, reviews
from vpn_registry.registry.cases import Case, Decision, DecisionRefusedError

__all__ = ["KINDS", "DecisionRefusedError", "Kind", "Option", "Waiting", "decide", "waiting"]

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WORKING_DAYS: Final = 10
"""How long the data team has for a case."""
_NUMBERS: Final = range(1, 2**63)
"""What may be the number of a case: a database takes no larger one."""
ISP_WORKING_DAYS: Final = 5
"""How long the ISP has to say more about a case that is its own."""

Record = Callable[["Session"], None]
CarryOut = Callable[[Exchange, Case, Decision, Record], None]


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that may be decided: what it means, what it does beside being recorded, whether it may or must end."""

    means: str
    carry_out: CarryOut
    may_end: bool = False
    must_end: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of case: what may be decided, and whether the ISP has days of its own to say more.

    With `needs_second_person` whoever entered the case may not decide it (contract section 10).
    """

    options: Mapping[str, Option]
    is_isps: bool = False
    needs_second_person: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open case as people see it; `isp_due` is None for cases in which the ISP has nothing to say."""

    case: int
    kind: str
    isp: str
    subject: str
    reason: str
    opened_at: str
    isp_due: str | None
    due: str
    is_overdue: bool
    outcomes: dict[str, str]


def decide(
    exchange: Exchange, case_id: int, *, outcome: str, reason: str, actor: str, until: date | None = None
) -> Case:
    """Decide a case, or decide it anew; the case.

    Raises DecisionRefusedError, in one sentence, when there is no such case or this may not be decided on it.
    """
    with exchange.registry.reading() as db:
        case = cases.get_case(db, case_id) if case_id in _NUMBERS else None
        is_decided = case is not None and bool(cases.decisions_on(db, case_id))
    if case is None:
        raise DecisionRefusedError(f"There is no case {case_id}; `vpnreg cases` lists the open ones.")
    option = _option(case, outcome)
    _refuse_wrong(exchange, case, option, reason, until)
    if KINDS[case.kind].needs_second_person and case.opened_by == actor:
        raise DecisionRefusedError(f"Case {case.id} was entered by {actor}; somebody else has to decide it.")
    if case.closed_at is not None and not is_decided:
        raise DecisionRefusedError(f"Case {case.id} was settled by the ISP's own files; there is nothing to decide.")
    decision = Decision(outcome, reason.strip(), actor, exchange.now(), until)
    option.carry_out(exchange, case, decision, lambda db: _record(db, case, decision))
    return case


def enter(exchange: Exchange, isp: str, kind: str, subject: str, decision: Decision) -> Case:
    """Decide what nobody asked: a case that is decided as it is entered, or the one about the subject decided anew.

    For outcomes that are only recorded. Raises DecisionRefusedError, in one sentence, as `decide` does.
    """
    said: dict[str, Any] = {"reason": decision.reason, "at": decision.decided_at, "opened_by": decision.actor}
    with exchange.registry.writing() as db:
        locks.hold_isp(db, isp)
        known = cases.cases_about(db, isp, [subject], [kind])
        number = known[0].id if known else cases.open_case(db, isp, kind, subject, **said)
        (case,) = cases.get_cases(db, [number])
        _refuse_wrong(exchange, case, _option(case, decision.outcome), decision.reason, decision.until_on)
        _record(db, case, decision)
    return case


def _record(db: Session, case: Case, decision: Decision) -> None:
    cases.record_decision(db, case, decision)
    audit.record(
        db,
        actor=decision.actor,
        action="decide",
        object_type="case",
        object_id=str(case.id),
        detail={
            "isp": case.isp,
            "kind": case.kind,
            "outcome": decision.outcome,
            "until": None if decision.until_on is None else decision.until_on.isoformat(),
        },
        at=decision.decided_at,
    )


def waiting(exchange: Exchange) -> list[Waiting]:
    """The open cases, oldest first, each with its clock and what may be decided."""
    with exchange.registry.reading() as db:
        found = cases.open_cases(db)
    return [_waiting(exchange, case) for case in found]


def _waiting(exchange: Exchange, case: Case) -> Waiting:
    kind = KINDS.get(case.kind, Kind({}))
    opened_on = pakistani_day(case.opened_at)
    due = working_day_after(opened_on, WORKING_DAYS, exchange.holidays)
    isp_due = working_day_after(opened_on, ISP_WORKING_DAYS, exchange.holidays) if kind.is_isps else None
    return Waiting(
        case=case.id,
        kind=case.kind,
        isp=case.isp,
        subject=case.subject,
        reason=case.reason,
        opened_at=iso_utc(case.opened_at),
        isp_due=None if isp_due is None else isp_due.isoformat(),
        due=due.isoformat(),
        is_overdue=pakistani_day(exchange.now()) > due,
        outcomes={name: option.means for name, option in kind.options.items()},
    )


def _option(case: Case, outcome: str) -> Option:
    options: Mapping[str, Any] = KINDS[case.kind].options if case.kind in KINDS else {}
    if outcome not in options:
        allowed = " or ".join(options) or "nothing yet"
        raise DecisionRefusedError(f"On case {case.id} ({case.kind}) may be decided: {allowed}; not {outcome}.")
    option: Option = options[outcome]
    return option


def _refuse_wrong(exchange: Exchange, case: Case, option: Option, reason: str, until: date | None) -> None:
    from vpn_registry.rulebook.responses import struck_out

    if not reason.strip():
        raise DecisionRefusedError("Say why: the reason is kept with the decision.")
    if struck_out(reason) != reason:
        raise DecisionRefusedError("The reason holds what reads as an identity card number; leave it out.")
    if until is not None and not option.may_end:
        raise DecisionRefusedError(f"This decision on case {case.id} ({case.kind}) has no last day; leave `until` out.")
    if until is None and option.must_end:
        raise DecisionRefusedError(
            f"This decision on case {case.id} ({case.kind}) ends by itself: say in `until` when."
        )
    if until is not None and until < pakistani_day(exchange.now()):
        raise DecisionRefusedError(f"{until} has passed; name a later last day.")


def _only_record(exchange: Exchange, case: Case, _decision: Decision, record: Record) -> None:
    """For decisions that others read: statuses follow at the next comparison."""
    with exchange.registry.writing() as db:
        locks.hold_isp(db, case.isp)
        record(db)


def _release(exchange: Exchange, case: Case, decision: Decision, record: Record) -> None:
    # Imported when a file is to be judged: whoever lists what waits would pay for the rules.
    from vpn_registry.pipeline import held_cases

    held_cases.release(exchange, case, decision, record)


def _refuse(exchange: Exchange, case: Case, decision: Decision, record: Record) -> None:
    from vpn_registry.pipeline import held_cases

    held_cases.refuse(exchange, case, decision, record)


def _found_out(state: NoticeState) -> CarryOut:
    """A person has found out what became of a message that was uncertain."""

    def settle(exchange: Exchange, case: Case, decision: Decision, record: Record) -> None:
        with exchange.registry.writing() as db:
            if not messages.find_out(db, int(case.subject), state, at=decision.decided_at):
                raise DecisionRefusedError(f"Message {case.subject} of case {case.id} is not uncertain any more.")
            record(db)

    return settle


_ON_A_CLIENT: Final = {
    responses.EXEMPT: Option("the client need not be registered, until a day if one is given", _only_record, True),
    "uphold": Option("the client is asked for as its files say", _only_record),
}

_ON_CLAIMS: Final = {
    contests.SHARED: Option("they share the addresses: each of the registrations counts", _only_record),
    contests.FIRST: Option("only the registration that was filed first counts for these addresses", _only_record),
    contests.LAST: Option("only the registration that was filed last counts for these addresses", _only_record),
    contests.NOBODY: Option("none of the registrations counts for these addresses", _only_record),
}

_ON_A_REVIEW: Final = {
    responses.EXEMPT: Option("the client need not be registered here, until a day if one is given", _only_record, True),
    reviews.UNPAIRED: Option("what is similar is not this client's: the files alone say what is asked", _only_record),
}

KINDS: Final[Mapping[str, Kind]] = {
    cases.HELD_DELIVERY: Kind(
        {
            "release": Option("the file is judged anew and its good rows are merged", _release),
            "refuse": Option("the file is rejected; the ISP reads the reason", _refuse),
        },
        is_isps=True,
    ),
    cases.DISPUTE: Kind(_ON_A_CLIENT, is_isps=True),
    cases.REGISTERED_ELSEWHERE: Kind(_ON_A_CLIENT, is_isps=True),
    cases.REVIEW: Kind(_ON_A_REVIEW),
    cases.CONTESTED_ADDRESS: Kind(_ON_CLAIMS),
    cases.EXTENSION: Kind(
        {
            "approve": Option(
                "the later deadline is in force, and each ISP it is for that was told another one hears it",
                extension.carry_out,
            ),
            "refuse": Option("the deadline stays as it is", extension.turn_down),
        },
        needs_second_person=True,
    ),
    cases.DOSSIER: Kind(
        {
            "handed_over": Option("the dossier is with the legal section", _only_record),
            "not_needed": Option("nobody needs a dossier, for the reason given", _only_record),
        }
    ),
    cases.MUTE: Kind(
        {
            mutes.MUTE: Option("no letter speaks of it until the day that is given", _only_record, True, must_end=True),
            mutes.LIFT: Option("letters speak of it again from now on", _only_record),
        }
    ),
    cases.UNCERTAIN_MESSAGE: Kind(
        {
            "delivered": Option("the letter arrived: it counts as sent", _found_out(NoticeState.SENT)),
            "not_delivered": Option("the letter never arrived: it counts as failed", _found_out(NoticeState.FAILED)),
        }
    ),
}
"""Which cases there are, and what may be decided on each."""
