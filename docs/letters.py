"""`make pictures`: the catalogue of letters, docs/letters.md, and a picture of each letter in each language.

What is photographed is what `vpnreg preview` prints.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from vpn_registry import notices, roster, settings
from vpn_registry.campaign import ENDING, EXTENDED, SILENT
from vpn_registry.model import LANGUAGES
from vpn_registry.notices import NOTHING_OUTSTANDING, Form, Letters

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGE: Final = Path(__file__).resolve().parent / "letters.md"
FOLDER: Final = Path(__file__).resolve().parent / "letters"
ISP: Final = "kirana"
ONE_CLIENT: Final = "one-client"
"""The letter `extended` about one client alone; letters of stages about him have the same frame."""
CLIENT: Final = "C-1004"

_LANGUAGE: Final = {"en": "English", "ur": "Urdu"}
_WHEN: Final = {
    EXTENDED: "after an extension, to each ISP that had been told the old date",
    NOTHING_OUTSTANDING: "in a stage's place, once, when all clients named before have been resolved",
    SILENT: "when the client list is overdue",
    ENDING: "when registrations end within 30 days and nothing follows them",
}


def write(browser: Browser) -> None:
    """Photograph every letter and write the page that shows them."""
    here = settings.load()
    isp = roster.load_isps(here.isps, here.home)[ISP]
    letters, told = notices.load_letters(), roster.load_campaign()
    FOLDER.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": 700, "height": 600}, device_scale_factor=0.75)
    shown = [*((stage, stage, "") for stage in letters.forms), (ONE_CLIENT, EXTENDED, CLIENT)]
    for name, stage, client in shown:
        for language in LANGUAGES:
            page.set_content(notices.specimen(letters, stage, isp, told, language, client=client).html)
            page.screenshot(path=FOLDER / picture(name, language), full_page=True, type="jpeg", quality=60)
    page.close()
    PAGE.write_text(catalogue(letters), encoding="utf-8")


def picture(stage: str, language: str) -> str:
    """The file name of a letter's picture."""
    return f"{stage.lower()}.{language}.jpg"


def catalogue(letters: Letters) -> str:
    """docs/letters.md."""
    lines = [
        "# The letters",
        "",
        "Every letter as its recipient sees it, filled with invented clients and marked as a simulation.",
        "`vpnreg preview STAGE --isp ISP` prints any of them; `make pictures` takes the pictures and writes this page.",
        "The texts stand in [include/notices](../include/notices); [include/README.md](../include/README.md) says how",
        "to add one.",
        "",
        "| letter | when | to |",
        "|---|---|---|",
    ]
    forms = sorted(letters.forms.values(), key=lambda form: (form.offset is None, form.offset or 0, form.stage))
    lines += [f"| [{form.stage}](#{anchor(form.stage)}) | {_when(form)} | {_to(form)} |" for form in forms]
    lines += [f"| [{ONE_CLIENT}](#{ONE_CLIENT}) | after an extension for one client alone | compliance |"]
    for form in forms:
        lines += ["", f"## {form.stage}", "", f"{_when(form).capitalize()}; to {_to(form)}.", ""]
        lines += _pictures(form.stage, form.stage)
    lines += ["", f"## {ONE_CLIENT}", "", "The letter `extended` about one client who was given a deadline of his own;"]
    lines += [
        f"`vpnreg preview {EXTENDED} --isp ISP --client {CLIENT}` prints it.",
        "",
        *_pictures(ONE_CLIENT, EXTENDED),
    ]
    return "\n".join(lines) + "\n"


def _pictures(name: str, stage: str) -> list[str]:
    return [
        f"![The letter {stage} in {_LANGUAGE[language]}](letters/{picture(name, language)})" for language in LANGUAGES
    ]


def anchor(stage: str) -> str:
    """Where a heading stands on the page: lower case, without the plus sign."""
    return stage.lower().replace("+", "")


def _when(form: Form) -> str:
    if form.offset is None:
        return _WHEN.get(form.stage, "on its own occasion")
    side = "before" if form.offset < 0 else "after"
    return f"{abs(form.offset)} {'day' if abs(form.offset) == 1 else 'days'} {side} the deadline"


def _to(form: Form) -> str:
    return " and ".join(sorted(form.roles))
