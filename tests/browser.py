"""A person at a browser: Debian's Chromium, logged in to Airflow, who notes what goes wrong on the pages he opens."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

CHROMIUM: Final = Path("/usr/bin/chromium")
# Without a screen and without a look at the network; --no-sandbox because containers let nobody make one.
FLAGS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PHONE: Final = {"width": 390, "height": 800}
DESK: Final = {"width": 1360, "height": 900}
_GRAVE: Final = ("serious", "critical")


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium without a window; the test is skipped, loudly, where there is none."""
    if not CHROMIUM.exists():
        message = "Chromium is missing: no page is tested in a browser; apt-get install chromium."
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@dataclass
class Visitor:
    """One window; `noticed` collects errors in the console and requests to any other host than `home`."""

    home: str
    page: Page
    noticed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, chromium: Browser, home: str, **options: Any) -> Visitor:
        visitor = cls(home, chromium.new_context(**options).new_page())
        visitor.page.on("console", visitor._read)
        visitor.page.on("pageerror", lambda error: visitor.noticed.append(str(error)))
        visitor.page.on("request", visitor._watch)
        return visitor

    def log_in(self, user: str, password: str) -> None:
        self.page.goto(f"{self.home}/auth/login/")
        self.page.fill("input[name=username]", user)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(f"{self.home}/")

    def open(self, path: str) -> None:
        """Open a page and look at it closely: it answers, fits the window, and keeps nobody out."""
        reply = self.page.goto(self.home + path, wait_until="networkidle")
        assert reply is not None
        assert reply.status == 200, path
        wider = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{path} is {wider} pixels wider than the window"
        found = Axe().run(self.page).response["violations"]
        grave = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in _GRAVE]
        assert grave == [], path

    def _read(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.noticed.append(f"{self.page.url}: {message.text}")

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:", "blob:", "about:")):
            self.noticed.append(f"{self.page.url} asks {request.url}")
