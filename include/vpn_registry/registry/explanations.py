"""One client explained: his status, what decided it, and everything that touched him."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select, tuple_
from sqlalchemy.orm import Session

from vpn_registry.campaign import Deadline
from vpn_registry.model import pakistani_day
from vpn_registry.registry import cases, deadlines, mutes, organisations, status_runs, successions
from vpn_registry.registry.cases import Case, Decision
from vpn_registry.registry.history import NOW, Then
from vpn_registry.registry.mutes import Mute
from vpn_registry.registry.tables import (
    ClientRow,
    ClientStatusRow,
    DeliveryRow,
    DeliveryRowRow,
    FindingRow,
    NoticeClientRow,
    NoticeRow,
    ReconciliationRunRow,
    RegistrationRow,
    RegistrationVersionRow,
    ResponseRow,
)
from vpn_registry.registry.views import ViewRow, clients_view, contested_registry, view_rows


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a client has his status: the present one first in `statuses`, and everything that touched him.

    `statuses`: status, reason, decided_by, registration_ref, candidate, since_at, ended_at, status_since_at, the
    deliveries it rests on, and the DAG run that set it (`made_in`). `registrations`: the registry view of his refs, and
    of those his status names. `rows`: what became of rows that named him or decided a registration of his, `findings`
    what was found in them. `notices`: those he stood in, `answers` what the ISP answered to them. `basis`: the last
    comparison of the ISP: run_at, rule_version, deadline_on, list_delivery_id, its file and day.
    `earlier_ids`: under which he was listed before; what touched those is told too. `decisions`:
    what people decided about him, the last one first. `organisation`: the registrations with any ISP that share his
    keys now (organisations.py). `orphans`: those of his refs that pair with no client of the list. `extensions`: later
    deadlines that were given to the ISP alone, or to him. `mutes`: what people said of letters to keep back, about him
    or his whole ISP.
    """

    statuses: list[ViewRow]
    client: list[ViewRow]
    registrations: list[ViewRow]
    rows: list[ViewRow]
    notices: list[ViewRow]
    cases: list[tuple[int, str, str]]
    findings: list[ViewRow]
    basis: list[ViewRow]
    earlier_ids: list[str]
    decisions: list[tuple[Case, Decision]]
    organisation: list[ViewRow]
    answers: list[ViewRow]
    orphans: list[str]
    extensions: list[Deadline]
    mutes: list[Mute]


def explain(db: Session, isp: str, subscriber_id: str, then: Then = NOW) -> Explanation | None:
    """Everything that decides about one client, or decided then; None when neither a list nor a registration had named
    him."""
    at = then.told_by
    earlier = successions.earlier_ids(db, isp, subscriber_id)
    ids = [subscriber_id, *earlier]
    statuses = view_rows(db, _statuses(isp, ids).where(*_until(at, ClientStatusRow.since_at)))
    if at is not None:
        for one in statuses:
            one["ended_at"] = one["ended_at"] if one["ended_at"] and one["ended_at"] <= at else None
    refs = {one[name] for one in statuses[:1] for name in ("registration_ref", "candidate") if one[name]}
    client = clients_view(then).where(ClientRow.isp == isp, ClientRow.subscriber_id == subscriber_id)
    registrations = contested_registry(then).where(
        RegistrationRow.id.in_(_touching(isp, ids, refs)),
        or_(RegistrationVersionRow.subscriber_id.in_(ids), RegistrationRow.registration_ref.in_(refs)),
    )
    book = view_rows(db, registrations.order_by(RegistrationRow.registration_ref))
    contested = {one["contested_case"] for one in book if one["contested_case"]}
    # Not those of a candidate: they are about another client until somebody decides.
    decided = _touching(isp, ids, {one["registration_ref"] for one in statuses[:1] if one["registration_ref"]})
    explanation = Explanation(
        statuses=statuses,
        client=view_rows(db, client),
        registrations=book,
        rows=_told_of(db, _rows(isp), decided, ids, at),
        notices=view_rows(db, _notices(isp, ids).where(*_until(at, NoticeRow.planned_at))),
        cases=[(one.id, one.kind, one.reason) for one in _cases(db, isp, ids, contested, at)],
        findings=_told_of(db, _findings(isp), decided, ids, at),
        basis=view_rows(db, _basis(isp).where(*_until(at, ReconciliationRunRow.run_at))),
        earlier_ids=earlier,
        decisions=[
            (one, decision)
            for one, decision in cases.decisions_about(db, isp, ids, cases.ABOUT_CLIENTS, and_on=contested)
            if at is None or decision.decided_at <= at
        ],
        organisation=organisations.of_client(db, isp, ids),
        answers=view_rows(db, _answers(isp, ids).where(*_until(at, ResponseRow.learnt_at))),
        orphans=status_runs.orphans_among(db, isp, [one["registration_ref"] for one in book]) if at is None else [],
        extensions=[
            one for one in deadlines.given_to(db, isp, ids) if at is None or one.entered_on <= pakistani_day(at)
        ],
        mutes=[one for one in mutes.about(db, isp, ids) if at is None or one.decided_at <= at],
    )
    known = (explanation.client, explanation.registrations, explanation.statuses, explanation.rows)
    return explanation if any(known) else None


def standing(one: ViewRow, today: date) -> str:
    """What the book says of a registration (state, valid_from, valid_to), and what its own dates make of it."""
    if one["state"] != "in_force":
        return str(one["state"])
    if one["valid_to"] and str(one["valid_to"]) < today.isoformat():
        return "ended"
    return "not begun" if str(one["valid_from"]) > today.isoformat() else "in force"


def _touching(isp: str, ids: list[str], refs: set[str]) -> Any:
    """The ISP's registrations that named the client in any version, or are named by his status: two searches, no walk
    through its book."""
    version = RegistrationVersionRow
    named = select(RegistrationRow.id).join(version, version.current_id == RegistrationRow.id)
    named = named.where(RegistrationRow.isp == isp, version.subscriber_id.in_(ids))
    return named.union_all(
        select(RegistrationRow.id).where(RegistrationRow.isp == isp, RegistrationRow.registration_ref.in_(sorted(refs)))
    )


def _cases(db: Session, isp: str, ids: list[str], contested: set[int], at: datetime | None) -> list[Case]:
    """The cases about the client that were open then, and those in which his registrations are contested."""
    found = [*cases.cases_about(db, isp, ids, cases.ABOUT_CLIENTS), *cases.get_cases(db, contested)]
    if at is None:
        return [one for one in found if one.closed_at is None]
    return [one for one in found if one.opened_at <= at and (one.closed_at is None or one.closed_at > at)]


def _until(at: datetime | None, column: Any) -> list[Any]:
    return [] if at is None else [column <= at]


def _statuses(isp: str, ids: list[str]) -> Any:
    status = ClientStatusRow
    return (
        select(
            status.status, status.reason, status.decided_by, status.registration_ref, status.candidate,
            status.since_at, status.ended_at,
            func.coalesce(status.status_since_at, status.since_at).label("status_since_at"),
            status.client_delivery_id, status.registration_delivery_id, ReconciliationRunRow.made_in,
        )
        .join(ReconciliationRunRow, ReconciliationRunRow.id == status.since_run_id)
        .where(status.isp == isp, status.subscriber_id.in_(ids))
        .order_by(status.id.desc())
    )  # fmt: skip


def _told_of(db: Session, query: Any, decided: Any, ids: list[str], at: datetime | None) -> list[ViewRow]:
    """What a query on rows of deliveries tells of those that named the client, and of those that decided one of these
    registrations: a withdrawal names the ref alone."""
    told, version = DeliveryRowRow, RegistrationVersionRow
    query = query.where(*_until(at, DeliveryRow.judged_at))
    deciding = select(version.delivery_id, version.row).where(version.current_id.in_(decided))
    # Two searches, each over its own index: of an OR a database makes a walk through all rows.
    found = view_rows(db, query.where(told.subscriber_id.in_(ids)))
    found += view_rows(
        db, query.where(tuple_(told.delivery_id, told.row).in_(deciding), told.subscriber_id.not_in(ids))
    )
    return sorted(found, key=lambda one: (one["delivery_id"], one["row"]))


def _rows(isp: str) -> Any:
    told = DeliveryRowRow
    return (
        select(
            DeliveryRow.id.label("delivery_id"), DeliveryRow.file_name, told.row, told.key, told.outcome, told.effect,
            told.codes,
        )
        .join(DeliveryRow, _of_its_revision(told))
        .where(DeliveryRow.isp == isp)
    )  # fmt: skip


def _findings(isp: str) -> Any:
    """What was found in rows; identity numbers were masked before they were stored."""
    row, finding = DeliveryRowRow, FindingRow
    return (
        select(
            DeliveryRow.id.label("delivery_id"), finding.row, finding.column_name.label("column"), finding.code,
            finding.value, finding.message, finding.remedy,
        )
        .select_from(row)
        .join(DeliveryRow, _of_its_revision(row))
        .join(finding, and_(finding.delivery_id == row.delivery_id, finding.revision == row.revision,
                            finding.row == row.row))
        .where(DeliveryRow.isp == isp, row.codes != "")
        .order_by(finding.id)
    )  # fmt: skip


def _of_its_revision(row: type[DeliveryRowRow]) -> Any:
    return and_(DeliveryRow.id == row.delivery_id, DeliveryRow.revision == row.revision)


def _notices(isp: str, ids: list[str]) -> Any:
    return (
        select(NoticeRow.notice_no, NoticeRow.stage, NoticeRow.state, NoticeClientRow.part, NoticeClientRow.status)
        .join(NoticeRow, NoticeRow.id == NoticeClientRow.notice_id)
        .where(NoticeClientRow.isp == isp, NoticeClientRow.subscriber_id.in_(ids))
        .order_by(NoticeRow.notice_no)
    )


def _answers(isp: str, ids: list[str]) -> Any:
    said = ResponseRow
    overtaken = case((said.is_overtaken, "overtaken"), else_="").label("standing")
    return (
        select(said.response, said.notice_no, said.responded_on, said.delivery_id, said.row, overtaken)
        .where(said.isp == isp, said.subscriber_id.in_(ids))
        .order_by(said.seq, said.row)
    )


def _basis(isp: str) -> Any:
    run = ReconciliationRunRow
    return (
        select(
            run.run_at, run.rule_version, run.deadline_on, run.list_delivery_id,
            DeliveryRow.file_name.label("list_file"), DeliveryRow.content_on.label("list_on"),
        )
        .outerjoin(DeliveryRow, DeliveryRow.id == run.list_delivery_id)
        .where(run.isp == isp)
        .order_by(run.id.desc())
        .limit(1)
    )  # fmt: skip
