"""`make pictures`: runs the demo in a temporary home and photographs what a visitor would see of it.

Writes docs/pictures/grid.png (one run of collect_deliveries in Airflow, its mapped tasks named after the ISPs),
docs/pictures/page.png (the data team's page inside Airflow), docs/pictures/letter.png (one letter as its recipient
sees it), and the catalogue of all letters (letters.py); with the argument `letters` nothing but the catalogue. Needs
Debian's chromium, for Urdu fonts-noto-core, and two to three minutes.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote

import letters
from playwright.sync_api import Browser, Page, sync_playwright

from vpn_registry import airflow_services, settings, terminal
from vpn_registry.airflow_services import Airflow
from vpn_registry.demo import samples, story
from vpn_registry.demo.services import Services, services

FOLDER: Final = Path(__file__).resolve().parent / "pictures"
CHROMIUM: Final = Path("/usr/bin/chromium")
# Without a screen and without a look at the network; --no-sandbox because containers let nobody make one.
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DAG: Final = "collect_deliveries"
ADDRESSEE: Final = "compliance@kirana.example"


def main() -> None:
    """Run the demo, start Airflow on its state, take the pictures."""
    if not CHROMIUM.exists():
        sys.exit(f"docs/pictures.py: {CHROMIUM} is missing; on Debian: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        letters.write(browser)
        browser.close()
    if sys.argv[1:] == ["letters"]:
        return
    with tempfile.TemporaryDirectory(prefix="vpn-registry-pictures-") as folder:
        _of_its_own(folder)
        here = settings.load()
        if story.tell(here, terminal.console()):
            sys.exit("docs/pictures.py: the demo failed; nothing was photographed")
        with services(here.home, samples.SLUGS) as servers, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            _photograph_letter(browser, servers)
            _photograph_airflow(browser, here.home, servers)
            browser.close()


def _of_its_own(home: str) -> None:
    """No registry that the caller's environment may name is touched."""
    provided = {"HOME": home, "DATABASE_URL": "", "KEY_FILE": ""}
    settings.provide({f"{settings.PREFIX}{name}": value for name, value in provided.items()})


def _photograph_letter(browser: Browser, servers: Services) -> None:
    letter = next(mail for mail in servers.mails() if ADDRESSEE in mail.to)
    page = browser.new_page(viewport={"width": 740, "height": 600})
    page.set_content(letter.html)
    page.screenshot(path=FOLDER / "letter.png", full_page=True)


def _photograph_airflow(browser: Browser, home: Path, servers: Services) -> None:
    airflow = airflow_services.prepare(
        home, settings.environment(""), port=airflow_services.free_port(), extra=servers.environment
    )
    airflow_services.migrate(airflow)
    with airflow_services.running(airflow):
        page = browser.new_page(viewport={"width": 1380, "height": 1390}, color_scheme="light")
        page.set_default_timeout(120_000)  # a busy machine loads Airflow's front end slowly
        _log_in(page, airflow)
        _photograph_page(page, airflow)
        page.goto(f"{airflow.url}/dags/{DAG}/runs/{quote(_first_run(page, airflow), safe='')}")
        page.get_by_role("link", name="chenab").first.wait_for()
        page.get_by_label("Expand all task groups").click()
        page.get_by_text(re.compile(r"^judge_and_merge")).first.wait_for()
        page.mouse.move(0, 0)
        page.wait_for_timeout(1_500)  # animations and the last icons
        page.screenshot(path=FOLDER / "grid.png")


def _photograph_page(page: Page, airflow: Airflow) -> None:
    page.set_viewport_size({"width": 1380, "height": 940})
    page.goto(f"{airflow.url}/plugin/vpn-registry")
    page.frame_locator("iframe").get_by_role("heading", name="Overview").wait_for()
    page.wait_for_timeout(1_500)
    page.screenshot(path=FOLDER / "page.png")
    page.set_viewport_size({"width": 1380, "height": 1390})


def _log_in(page: Page, airflow: Airflow) -> None:
    page.goto(f"{airflow.url}/auth/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", airflow_services.password(airflow))
    page.click("button[type=submit]")
    page.wait_for_url(f"{airflow.url}/")


def _first_run(page: Page, airflow: Airflow) -> str:
    """The run that took what the ISPs dropped first."""
    login = {"username": "admin", "password": airflow_services.password(airflow)}
    token = page.request.post(f"{airflow.url}/auth/token", data=login).json()["access_token"]
    runs = page.request.get(
        f"{airflow.url}/api/v2/dags/{DAG}/dagRuns",
        params={"order_by": "run_after", "limit": 1},
        headers={"Authorization": f"Bearer {token}"},
    )
    return str(runs.json()["dag_runs"][0]["dag_run_id"])


if __name__ == "__main__":
    main()
