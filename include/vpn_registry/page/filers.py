"""The page of the chase: whose client list is overdue since when, who was reminded of it, and what is in the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from vpn_registry.model import Feed
from vpn_registry.page.desk import Desk, Sitting
from vpn_registry.page.lists import sheet
from vpn_registry.page.room import Room
from vpn_registry.pipeline.silence import Filer, filers
from vpn_registry.roster import Isp

_FILERS: Final = {
    "isp": "isp", "name": "name", "list_on": "newest client list", "due_on": "next one in time until",
    "overdue_since": "silent since", "is_too_old": "too old to compare", "waiting": "list in work, delivery",
    "reminded_on": "last reminder", "reminder_no": "notice", "next_on": "next reminder", "hindrance": "in the way",
    "registrations_at": "registrations last received", "responses_at": "responses last received",
}  # fmt: skip


def router(room: Room, _clients: Callable[..., Any]) -> APIRouter:
    routes = APIRouter()

    @routes.get("/filers")
    def chased(request: Request, show: str = "", form: str = "") -> Response:
        with room.sit_down() as (desk, sitting):
            every = of_roster(desk, sitting)
            silent = [one for one in every if one.is_silent]
            shown = sorted(silent if show == "silent" else every, key=_urgency)
            rows = [_row(one, desk.isps[one.isp]) for one in shown]
            if form == "csv":
                return sheet("filers", _FILERS, rows, len(rows))
            return room.page(
                request, "filers.html", desk, sitting, filers=shown, show=show, silent=len(silent), every=len(every),
            )  # fmt: skip

    return routes


def of_roster(desk: Desk, sitting: Sitting, isps: Mapping[str, Isp] | None = None) -> list[Filer]:
    """How the ISPs of the roster file, or some of them."""
    return filers(sitting.db, desk.isps if isps is None else isps, sitting.campaign, desk.holidays, sitting.now)


def _urgency(one: Filer) -> tuple[object, ...]:
    """Silent ones first, those that have been so for longest at the top."""
    return not one.is_silent, one.overdue_since is None, one.overdue_since or one.due_on or one.list_on or "", one.isp


def _row(one: Filer, isp: Isp) -> dict[str, Any]:
    received = {
        f"{feed}_at": one.last[feed].received_at if feed in one.last else None
        for feed in (Feed.REGISTRATIONS, Feed.RESPONSES)
    }
    told = {name: getattr(one, name) for name in Filer.__slots__ if name != "last"}
    return {**told, **received, "name": isp.name, "is_too_old": "yes" if one.is_too_old else ""}
