"""The pages of the outbox: notices, and one of them exactly as its recipients got it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from vpn_registry.model import NoticeState
from vpn_registry.page.lists import chosen, paging, sheet, window
from vpn_registry.page.rendering import address
from vpn_registry.page.room import Room, actor
from vpn_registry.registry import browse

_STATES: Final = tuple(state.value for state in NoticeState)
_NOTICES: Final = {
    "notice_no": "notice", "isp": "isp", "stage": "stage", "stage_on": "stage day", "ends_on": "deadline told",
    "state": "state", "reason": "reason", "approved_by": "approved by", "planned_at": "planned",
    "settled_at": "settled",
}  # fmt: skip
_NAMED: Final = {"subscriber_id": "subscriber", "part": "part", "status": "status", "reason": "reason"}
LETTER_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-downloads"
)
"""A letter is shown as it was sent, inline styles included, but nothing in it can run or load anything."""


def router(room: Room, clients: Callable[..., Any]) -> APIRouter:
    routes = APIRouter()

    @routes.get("/notices")
    def notices(
        request: Request,
        isp: str = "",
        state: str = "",
        stage: str = "",
        page: int = 1,
        form: str = "",
    ) -> Response:
        with room.sit_down() as (desk, sitting):
            stages, asked = browse.stages(sitting.db), window(page, form)
            isp, state, stage = chosen(isp, list(desk.isps)), chosen(state, _STATES), chosen(stage, stages)
            found = browse.notices(
                sitting.db, isp=isp, state=state, stage=stage, offset=asked.offset, limit=asked.limit
            )  # fmt: skip
            if asked.is_sheet:
                return sheet("notices", _NOTICES, found.rows, found.total)
            return room.page(
                request, "notices.html", desk, sitting, rows=found.rows, isp_filter=isp, state=state, stage=stage,
                states=_STATES, stages=stages, paging=paging(asked, len(found.rows), found.total),
            )  # fmt: skip

    @routes.get("/notices/{notice_no}", dependencies=[Depends(clients)])
    def notice(
        request: Request,
        notice_no: str,
        part: str = "",
        page: int = 1,
        form: str = "",
    ) -> Response:
        asked, part = window(page, form), chosen(part, ("A", "B"))
        with room.sit_down() as (desk, sitting):
            one = browse.notice(sitting.db, notice_no)
            if one is None:
                raise HTTPException(404)
            named = browse.named_clients(sitting.db, one["id"], part=part, offset=asked.offset, limit=asked.limit)
            messages = browse.messages(sitting.db, one["id"])
            runs = browse.runs_behind(sitting.db, "message", [row["id"] for row in messages])
            events = browse.events(sitting.db, "notice", notice_no)
        desk.record(actor(request), "look_at_notice", "notice", notice_no, isp=one["isp"], rows=len(named.rows))
        if asked.is_sheet:
            return sheet(f"{notice_no}-clients", _NAMED, named.rows, named.total)
        return room.page(
            request, "notice.html", desk, sitting, one=one, named=named.rows, messages=messages, part=part,
            runs=runs, events=events, paging=paging(asked, len(named.rows), named.total),
        )  # fmt: skip

    _add_messages(routes, room, clients)
    return routes


def _add_messages(routes: APIRouter, room: Room, clients: Callable[..., Any]) -> None:
    @routes.get("/messages/{message_id}", dependencies=[Depends(clients)])
    def owner(request: Request, message_id: int) -> Response:
        """Where a message's number leads: its notice."""
        with room.sit_down() as (_, sitting):
            notice_no = browse.notice_of(sitting.db, message_id) if 0 < message_id < 2**62 else None
        if notice_no is None:
            raise HTTPException(404)
        return RedirectResponse(request.scope.get("root_path", "") + address("notices", notice_no), status_code=303)

    @routes.get("/messages/{message_id}/{what}", dependencies=[Depends(clients)])
    def message(request: Request, message_id: int, what: str) -> Response:
        """The frozen bytes of one message: its HTML as the recipient sees it, or its attachment."""
        if what not in ("letter", "attachment") or not 0 < message_id < 2**62:
            raise HTTPException(404)
        with room.sit_down() as (desk, sitting):
            frozen = browse.frozen(sitting.db, message_id)
        if frozen is None:
            raise HTTPException(404)
        desk.record(actor(request), f"look_at_{what}", "message", str(message_id), isp=frozen["isp"])
        if what == "letter":
            headers = {"Content-Security-Policy": LETTER_POLICY}
            return Response(frozen["body_html"], media_type="text/html; charset=utf-8", headers=headers)
        headers = {"Content-Disposition": f'attachment; filename="{frozen["notice_no"]}.csv"'}
        return Response(frozen["attachment"], media_type="text/csv; charset=utf-8", headers=headers)
