"""What every route needs: the desk, the templates, and how a page is put together from both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from vpn_registry.page.desk import Desk, Sitting
from vpn_registry.roster import Isp


@dataclass(frozen=True, slots=True)
class Room:
    templates: Environment
    open_desk: Callable[[], Desk]

    @contextmanager
    def sit_down(self) -> Iterator[tuple[Desk, Sitting]]:
        """The desk and one look at the registry."""
        desk = self.open_desk()
        with desk.sitting() as sitting:
            yield desk, sitting

    def page(self, request: Request, template: str, desk: Desk, sitting: Sitting, **more: Any) -> HTMLResponse:
        """A template filled with what all pages show and what this one adds."""
        root = request.scope.get("root_path", "")
        shown = {
            "root": root,
            "airflow": root.rpartition("/")[0],  # the page is mounted one level below Airflow
            "isps": desk.isps,
            "dags": desk.dags,
            "sitting": sitting,
            "query": dict(request.query_params),
            "here": request.url.path.removeprefix(root),
            "paging": None,
        }
        html = self.templates.get_template(template).render(shown | more)
        return HTMLResponse(html)


def known_isp(desk: Desk, slug: str) -> Isp:
    """The ISP of the roster; 404 for another."""
    if slug not in desk.isps:
        raise HTTPException(404)
    return desk.isps[slug]


def actor(request: Request) -> str:
    """Who looks, as Airflow knows him."""
    return str(request.state.actor)
