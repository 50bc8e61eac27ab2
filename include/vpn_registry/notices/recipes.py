"""What a letter was made from, as JSON values: with the clients it named and the same forms it comes out again, byte by
byte. Pure.

No person stands in it: an ISP, its campaign and office, counts and dates. The clients are kept with the notice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Any, Final

from vpn_registry.campaign import Campaign, Office
from vpn_registry.notices.contents import Parts, Progress, Tally
from vpn_registry.notices.letters import Letters
from vpn_registry.notices.rendering import NoticeData
from vpn_registry.roster import Isp

_ISP: Final = ("slug", "name", "name_ur", "licence", "language", "cadence_days")
_CAMPAIGN: Final = ("slug", "name", "name_ur", "legal_base", "legal_base_ur")
_DATES: Final = ("dated_on", "deadline_on", "list_on", "previous_deadline_on", "due_on")


def recipe(letters: Letters, data: NoticeData) -> dict[str, Any]:
    """What this letter is made from, but its clients; `form_sha256` tells whether the forms are still the same."""
    dates = {name: getattr(data, name) for name in _DATES}
    return {
        "form": data.form,
        "form_sha256": form_sha256(letters, data.form, data.isp.language),
        "isp": {name: getattr(data.isp, name) for name in _ISP},
        "campaign": {name: getattr(data.campaign, name) for name in _CAMPAIGN}
        | {"office": asdict(data.campaign.office)},
        "dates": {name: None if day is None else day.isoformat() for name, day in dates.items()},
        "tally": asdict(data.tally),
        "progress": None if data.progress is None else _progress(data.progress),
        "decision": data.decision,
        "only": data.only,
        "is_simulated": data.is_simulated,
    }


def data_of(kept: Mapping[str, Any], notice_no: str, parts: Parts, isp: Isp, campaign: Campaign) -> NoticeData:
    """What the letter said, from its recipe. Of `isp` and `campaign` only what no letter shows is taken."""
    office = Office(**kept["campaign"]["office"])
    shown = {name: kept["campaign"][name] for name in _CAMPAIGN}
    dates: dict[str, Any] = {
        name: None if day is None else date.fromisoformat(day) for name, day in kept["dates"].items()
    }
    return NoticeData(
        notice_no=notice_no,
        form=kept["form"],
        isp=replace(isp, **kept["isp"]),
        campaign=replace(campaign, **shown, office=office),
        tally=Tally(**kept["tally"]),
        parts=parts,
        progress=None if kept["progress"] is None else _progress_of(kept["progress"]),
        # Letters that were composed before clients had deadlines of their own lack these two.
        only=kept.get("only", ""),
        decision=kept.get("decision", ""),
        is_simulated=kept["is_simulated"],
        **dates,
    )


def _progress(told: Progress) -> dict[str, Any]:
    return asdict(told) | {"since_on": None if told.since_on is None else told.since_on.isoformat()}


def _progress_of(kept: Mapping[str, Any]) -> Progress:
    since_on = kept.get("since_on")
    return Progress(**{**kept, "since_on": None if since_on is None else date.fromisoformat(since_on)})


def form_sha256(letters: Letters, stage: str, language: str) -> str:
    """One checksum over everything the office wrote for this letter: form, sentences and frames."""
    form = letters.forms[stage]
    written = language if language in form.body else "en"
    told = [form.subject[written], form.body[written], letters.words[written], letters.frame_html, letters.frame_text]
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
