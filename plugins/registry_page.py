"""The data team's page inside Airflow: an entry in the navigation, a tab on each DAG, and the application behind both.

Airflow executes this file in every process, each task's parent included, so it imports next to nothing: the library and
Airflow's own login checks are loaded when somebody opens the page, in the api-server, and nowhere else.
"""

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

PREFIX = "/vpn-registry"
BASE = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")
ICON = f"{BASE}{PREFIX}/static/icon.svg"


@cache
def application() -> Any:
    """The page with Airflow's own checks: to look takes access to plugins, to see clients the right to start runs."""
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag, requires_access_view
    from fastapi import Depends, Request

    from vpn_registry.page import Guards, make_app
    from vpn_registry.page.desk import open_desk

    may_look = requires_access_view(AccessView.PLUGINS)

    # This file takes no annotations from the future: FastAPI could not resolve these, whose names are local.
    def look(request: Request, user: Annotated[BaseUser, Depends(get_user)]) -> None:
        may_look(request, user)
        request.state.actor = user.get_name()

    guards = Guards(look=look, clients=requires_access_dag("POST", DagAccessEntity.RUN))
    return make_app(Path(__file__).with_name("registry_page"), guards, open_desk)


async def page(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """The application as Airflow mounts it; made by its first request, beside the server's own work."""
    made = await to_thread(application)
    await made(scope, receive, send)


APPS = [{"app": page, "url_prefix": PREFIX, "name": "VPN registry"}]
VIEWS = [
    {
        "name": "Registry",
        "href": f"{BASE}{PREFIX}/",
        "destination": "nav",
        "url_route": "vpn-registry",
        "icon": ICON,
        "nav_top_level": True,
    },
    {
        "name": "Registry",
        "href": f"{BASE}{PREFIX}/dags/{{DAG_ID}}",
        "destination": "dag",
        "url_route": "vpn-registry-of-dag",
        "icon": ICON,
    },
]


class RegistryPage(AirflowPlugin):
    """What Airflow mounts, and where its own pages lead to it."""

    name = "vpn_registry"
    fastapi_apps = APPS
    external_views = VIEWS
