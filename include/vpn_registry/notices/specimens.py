"""What a letter looks like, on sample data: for the office that writes letters, and for the catalogue. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pandas as pd

from vpn_registry.campaign import ENDING, EXTENDED, SILENT, Campaign
from vpn_registry.model import ConfigurationError, Status
from vpn_registry.notices.contents import COLUMNS, REGISTERING, Parts, Progress, Tally, no_parts
from vpn_registry.notices.letters import NOTHING_OUTSTANDING, Letters
from vpn_registry.notices.rendering import Letter, NoticeData, render
from vpn_registry.roster import Isp

NOTICE_NO: Final = "N-2026-000123"
_LAST_NO: Final = "N-2026-000098"
_DECISION: Final = "Notification No. 17 of 10 June 2026"

_TO_REGISTER: Final = (
    ("C-1004", "Khyber Steel Mills", Status.UNREGISTERED, "On the client list as using a VPN; nothing pairs with it."),
    ("C-1011", "نیلم فوڈز", Status.UNREGISTERED, "On the client list as using a VPN; nothing pairs with it."),
    ("C-1007", "Soan Data Labs", Status.EXPIRED, "Registration R-0031 ended on 2026-05-31."),
)
_TO_CHECK: Final = (
    ("C-1015", "Bolan Logistics", Status.MISMATCH, "Registration R-0017 names other addresses than the client list."),
    ("C-1019", "Hina Malik", Status.UNDECLARED, "The client list does not say whether a VPN is used."),
    ("C-1002", "Makran Voice Services", REGISTERING, "You answered on 2026-06-10 that it is being registered."),
)
_ENDING: Final = (
    ("C-1023", "Hunza Softworks", Status.EXPIRING, "Registration R-0044 (VPN-2026-0000231) ends on 2026-07-10."),
)


def specimen(letters: Letters, stage: str, isp: Isp, told: Campaign, language: str = "", *, client: str = "") -> Letter:
    """The letter of a stage as this ISP would get it, with invented clients, marked as simulated.

    `language` replaces the ISP's own; with `client` it is about that one alone. Raises ConfigurationError for a stage
    without a letter.
    """
    if stage not in letters.forms:
        raise ConfigurationError(f"There is no letter {stage!r}; there are {', '.join(letters.forms)}.")
    offset = letters.forms[stage].offset
    deadline = told.deadlines[-1].ends_on
    dated_on = deadline + timedelta(days=-14 if offset is None else offset)
    new = 0 if stage == NOTHING_OUTSTANDING else 1
    data = NoticeData(
        notice_no=NOTICE_NO,
        form=stage,
        dated_on=dated_on,
        deadline_on=deadline,
        isp=replace(isp, language=language or isp.language),
        campaign=told,
        tally=Tally(0, 29, 29) if stage == NOTHING_OUTSTANDING else Tally(to_register=3, covered=25, comparable=29),
        parts=_parts(stage, client),
        progress=None if client else Progress(new, 4, _LAST_NO, dated_on - timedelta(days=7)),
        list_on=None if stage == SILENT else deadline - timedelta(days=20),
        previous_deadline_on=deadline - timedelta(days=15) if stage == EXTENDED else None,
        decision=_DECISION if stage == EXTENDED else "",
        due_on=dated_on - timedelta(days=3) if stage == SILENT else None,
        only=client,
        is_simulated=True,
    )
    return render(letters, data)


def _parts(stage: str, client: str) -> Parts:
    nobody = no_parts()
    if client:
        return Parts(_frame(((client, *_TO_REGISTER[0][1:]),)), nobody.to_check)
    if stage == ENDING:
        return Parts(nobody.to_register, _frame(_ENDING))
    if stage in (NOTHING_OUTSTANDING, SILENT):
        return nobody
    return Parts(_frame(_TO_REGISTER), _frame(_TO_CHECK))


def _frame(rows: tuple[tuple[str, str, str, str], ...]) -> pd.DataFrame:
    return pd.DataFrame([list(map(str, row)) for row in rows], columns=list(COLUMNS), dtype="str")
