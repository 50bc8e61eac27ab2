"""The pages of the ledger: deliveries, and one of them with its way through the pipeline and its findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from vpn_registry.model import DeliveryState, Feed, Outcome, ZoneFolder
from vpn_registry.page.lists import chosen, paging, sheet, window
from vpn_registry.page.room import Room, actor
from vpn_registry.registry import browse, outages
from vpn_registry.rulebook import rule

_TOLD: Final = (*(outcome.value for outcome in Outcome), *(state.value for state in DeliveryState))
_FEEDS: Final = tuple(feed.value for feed in Feed)
_FOLDERS: Final = tuple(folder.value for folder in ZoneFolder)
_DELIVERIES: Final = {
    "id": "delivery", "isp": "isp", "folder": "folder", "file_name": "file", "told": "outcome", "state": "state",
    "rows_total": "rows", "rows_accepted": "accepted", "rows_rejected": "rejected", "rows_duplicate": "duplicate",
    "rows_warned": "warned", "first_listed_at": "first listed", "received_at": "received", "judged_at": "judged",
}  # fmt: skip
_FINDINGS: Final = {
    "row": "row", "line": "line", "key": "key", "column_name": "column", "code": "code", "severity": "severity",
    "value": "value", "message": "message", "remedy": "remedy", "suggestion": "suggestion",
}  # fmt: skip


def router(room: Room, clients: Callable[..., Any]) -> APIRouter:
    routes = APIRouter()

    @routes.get("/deliveries")
    def deliveries(
        request: Request,
        isp: str = "",
        told: str = "",
        feed: str = "",
        folder: str = "",
        code: str = "",
        since: date | None = None,
        page: int = 1,
        form: str = "",
    ) -> Response:
        with room.sit_down() as (desk, sitting):
            wanted = browse.DeliveryFilter(
                chosen(isp, list(desk.isps)), chosen(told, _TOLD), chosen(feed, _FEEDS), chosen(folder, _FOLDERS),
                code, since,
            )  # fmt: skip
            asked = window(page, form)
            found = browse.deliveries(sitting.db, wanted, offset=asked.offset, limit=asked.limit)
            if asked.is_sheet:
                return sheet("deliveries", _DELIVERIES, found.rows, found.total)
            return room.page(
                request, "deliveries.html", desk, sitting, rows=found.rows, wanted=wanted, told_values=_TOLD,
                feeds=_FEEDS, folders=_FOLDERS, paging=paging(asked, len(found.rows), found.total),
            )  # fmt: skip

    @routes.get("/deliveries/{delivery_id}")
    def delivery(request: Request, delivery_id: int) -> Response:
        with room.sit_down() as (desk, sitting):
            one = _existing(sitting.db, delivery_id)
            counts = one["counts_by_code"] or {}
            return room.page(
                request, "delivery.html", desk, sitting, one=one, counts=sorted(counts.items()), rule=rule,
                events=browse.events(sitting.db, "delivery", str(delivery_id)),
                answers=browse.answers(sitting.db, delivery_id),
                punctuality=outages.punctuality(
                    sitting.db, one["isp"], one["first_listed_at"], sitting.deadline_of(one["isp"])
                ),
            )  # fmt: skip

    @routes.get("/deliveries/{delivery_id}/findings", dependencies=[Depends(clients)])
    def findings(
        request: Request,
        delivery_id: int,
        code: str = "",
        page: int = 1,
        form: str = "",
    ) -> Response:
        """Findings quote cells and name clients: who looked is recorded before they are shown."""
        asked = window(page, form)
        with room.sit_down() as (desk, sitting):
            one = _existing(sitting.db, delivery_id)
            found = browse.findings(
                sitting.db, delivery_id, one["revision"], code=code, offset=asked.offset, limit=asked.limit
            )  # fmt: skip
        desk.record(
            actor(request), "look_at_findings", "delivery", str(delivery_id), isp=one["isp"], rows=len(found.rows)
        )  # fmt: skip
        if asked.is_sheet:
            return sheet(f"findings-{delivery_id}", _FINDINGS, found.rows, found.total)
        return room.page(
            request, "findings.html", desk, sitting, one=one, rows=found.rows, code=code,
            codes=sorted(one["counts_by_code"] or {}), paging=paging(asked, len(found.rows), found.total),
        )  # fmt: skip

    return routes


def _existing(db: Any, delivery_id: int) -> browse.Record:
    found = browse.delivery(db, delivery_id) if 0 < delivery_id < 2**62 else None
    if found is None:
        raise HTTPException(404)
    return found
