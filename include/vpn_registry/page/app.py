"""The page as one FastAPI application: every route asks who may look, and every answer carries the same guards.

There is no route without the check of the login, the static files and the answer for unknown addresses included.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from jinja2 import Environment
from starlette.exceptions import HTTPException as AnyHTTPException

from vpn_registry.model import ConfigurationError
from vpn_registry.page import clients, deliveries, filers, mail, rendering, summaries
from vpn_registry.page.desk import Desk
from vpn_registry.page.room import Room
from vpn_registry.registry.reader import NotAuditedError

log = logging.getLogger(__name__)

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
"""Nothing inline, nothing from another host, shown in no other site's frame."""

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_TITLES: Final = {
    401: ("Please log in", "The login has ended. Log in to Airflow again, then reload this page."),
    403: ("Not for this role", "Your role in Airflow may not see this. Whoever may start DAG runs may see clients."),
    404: ("Nothing here", "There is nothing under this address."),
    422: ("This address can't be read", "A part of the address has the wrong form, such as a word for a number."),
}


@dataclass(frozen=True, slots=True)
class Guards:
    """Who may look, as FastAPI dependencies of the host; each raises HTTPException 401 or 403 otherwise.

    `look` for figures, ledger and notices' states; `clients` also for what tells of single clients. `look` leaves the
    user's name in `request.state.actor`.
    """

    look: Callable[..., Any]
    clients: Callable[..., Any]


def make_app(folder: Path, guards: Guards, open_desk: Callable[[], Desk]) -> FastAPI:
    """The application; `folder` holds `templates/` and `static/`. Opens nothing until the first request."""
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(guards.look)], redirect_slashes=False
    )
    room = Room(rendering.environment(folder / "templates"), open_desk)
    for module in (summaries, filers, deliveries, mail):
        app.include_router(module.router(room, guards.clients))
    app.include_router(clients.router(room), dependencies=[Depends(guards.clients)])
    _serve_static(app, folder / "static")
    _guard_answers(app)
    _explain_problems(app, room.templates)
    return app


def _serve_static(app: FastAPI, folder: Path) -> None:
    files = {path.name: path for path in sorted(folder.iterdir()) if path.suffix in _TYPES}

    @app.get("/static/{name}")
    def static(name: str) -> FileResponse:
        """One of our own files by its name: a route, because a mount would pass the login by."""
        if name not in files:
            raise HTTPException(404)
        headers = {"Cache-Control": "private, max-age=300"}
        return FileResponse(files[name], media_type=_TYPES[files[name].suffix], headers=headers)

    @app.api_route("/{rest:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def unknown(rest: str) -> None:
        """Whatever else: the login is asked for before anything is said about what exists."""
        raise HTTPException(404)


def _guard_answers(app: FastAPI) -> None:
    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _explain_problems(app: FastAPI, templates: Environment) -> None:
    def problem(request: Request, status: int, title: str, text: str) -> Response:
        root = request.scope.get("root_path", "")
        html = templates.get_template("problem.html").render(root=root, title=title, text=text, is_known=status != 401)
        return Response(html, status_code=status, media_type="text/html")

    @app.exception_handler(AnyHTTPException)
    def http(request: Request, error: AnyHTTPException) -> Response:
        title, text = _TITLES.get(error.status_code, ("This did not work", str(error.detail)))
        return problem(request, error.status_code, title, text)

    @app.exception_handler(RequestValidationError)
    def unreadable(request: Request, _error: RequestValidationError) -> Response:
        return problem(request, 422, *_TITLES[422])

    @app.exception_handler(ConfigurationError)
    def misconfigured(request: Request, error: ConfigurationError) -> Response:
        return problem(request, 503, "The registry can't be opened", str(error))

    @app.exception_handler(NotAuditedError)
    def not_audited(request: Request, error: NotAuditedError) -> Response:
        log.error("Client data was not shown: %s.", error)
        text = (
            "Each look at client data is written to the audit trail first, and that failed or took too long. "
            "Nothing is shown; try again in a minute, and tell the operators if it stays so."
        )
        return problem(request, 503, "Not shown, because it could not be recorded", text)

    @app.exception_handler(Exception)
    def broken(request: Request, _error: Exception) -> Response:
        # The traceback is in the api-server's log: Starlette raises the error again after this answer.
        return problem(request, 500, "The page failed", "This is our own fault and stands in the api-server's log.")
