"""The pages that tell of single clients. Each look is in the audit trail before it is shown.

Identity numbers appear as given or not given; nothing here can open them. `vpnreg export --reveal` does, for a reason.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from vpn_registry.model import Status
from vpn_registry.page.lists import chosen, paging, sheet, window
from vpn_registry.page.rendering import address
from vpn_registry.page.room import Room, actor, known_isp
from vpn_registry.reconciliation.remedies import remedy
from vpn_registry.registry import browse, glance, queries

ROWS: Final = 20
"""So many of the last rows are shown: a client on a daily list is named by hundreds."""
_STATUSES: Final = tuple(status.value for status in Status)
_CLIENTS: Final = {
    "subscriber_id": "subscriber", "client_name": "name", "status": "status", "since_at": "since", "reason": "reason",
    "registration_ref": "registration",
}  # fmt: skip


def router(room: Room) -> APIRouter:
    routes = APIRouter()

    @routes.get("/isps/{slug}/clients")
    def clients(
        request: Request,
        slug: str,
        status: str = "",
        page: int = 1,
        form: str = "",
    ) -> Response:
        asked, status = window(page, form), chosen(status, _STATUSES)
        with room.sit_down() as (desk, sitting):
            isp = known_isp(desk, slug)
            standing = glance.standings(sitting.db, slug).get(slug)
            found = browse.clients(sitting.db, slug, status=status, offset=asked.offset, limit=asked.limit)
        desk.record(actor(request), "look_at_clients", "isp", slug, status=status, rows=len(found.rows), page=page)
        if asked.is_sheet:
            return sheet(f"clients-{slug}", _CLIENTS, found.rows, found.total)
        return room.page(
            request, "clients.html", desk, sitting, isp=isp, rows=found.rows, status=status,
            counts=dict(standing.counts) if standing else {}, paging=paging(asked, len(found.rows), found.total),
        )  # fmt: skip

    @routes.get("/isps/{slug}/clients/{subscriber_id:path}")
    def client(request: Request, slug: str, subscriber_id: str) -> Response:
        with room.sit_down() as (desk, sitting):
            isp = known_isp(desk, slug)
            found = queries.explain(sitting.db, slug, subscriber_id)
            responses = browse.responses(sitting.db, slug, subscriber_id)
        desk.record(actor(request), "look_at_client", "client", f"{slug}/{subscriber_id}", isp=slug)
        if found is None:
            raise HTTPException(404)
        present = next((one for one in found.statuses[:1] if not one["ended_at"]), None)
        to_do = remedy(Status(present["status"]), present["decided_by"], present["candidate"]) if present else ""
        return room.page(
            request, "client.html", desk, sitting, isp=isp, subscriber_id=subscriber_id, present=present, to_do=to_do,
            past=found.statuses[1:] if present else found.statuses, client=next(iter(found.client), None),
            registrations=found.registrations, rows=found.rows[: -ROWS - 1 : -1], rows_total=len(found.rows),
            findings=found.findings[: -ROWS - 1 : -1], notices=found.notices, cases=found.cases, responses=responses,
            decisions=found.decisions, extensions=found.extensions, earlier_ids=found.earlier_ids,
            orphans=found.orphans, basis=next(iter(found.basis), None),
            mutes=[one for one in found.mutes if one.holds_at(sitting.now)],
            elsewhere=[one for one in found.organisation if one["isp"] != slug],
            standing=partial(queries.standing, today=sitting.today),
        )  # fmt: skip

    @routes.get("/find")
    def find(request: Request, q: str = "") -> Response:
        """Where a number leads: a notice, a delivery, or whom a subscriber id or registration means."""
        text = q.strip()[:64]
        with room.sit_down() as (desk, sitting):
            target = _document(sitting.db, text)
            whose = browse.whose(sitting.db, text, list(desk.isps)) if text and target is None else []
        if target is None and whose:
            desk.record(actor(request), "find_client", "client", text, hits=len(whose))
        if target is None and len(whose) == 1:
            target = _client(*whose[0])
        if target is not None:
            return RedirectResponse(request.scope.get("root_path", "") + target, status_code=303)
        hits = [(isp, subscriber, _client(isp, subscriber)) for isp, subscriber in whose]
        return room.page(request, "find.html", desk, sitting, text=text, hits=hits)

    return routes


def _client(isp: str, subscriber_id: str) -> str:
    return address("isps", isp, "clients", subscriber_id)


def _document(db: Any, text: str) -> str | None:
    if text.upper().startswith("N-") and browse.notice(db, text.upper()) is not None:
        return address("notices", text.upper())
    is_delivery = text.isascii() and text.isdigit() and len(text) < 10 and browse.delivery(db, int(text)) is not None
    return address("deliveries", text) if is_delivery else None
