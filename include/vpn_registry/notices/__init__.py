"""Notices: who is told what, when a person has to approve first, and the letter itself. Pure but for reading the
letters of include/notices.
"""

from vpn_registry.notices.brakes import brake, stage_brake
from vpn_registry.notices.contents import (
    COLUMNS,
    Parts,
    Progress,
    Purpose,
    Tally,
    hide,
    no_parts,
    ordered,
    purpose_of,
    select_parts,
    since_last,
    tally,
)
from vpn_registry.notices.letters import NOTHING_OUTSTANDING, SILENT, Form, Letters, load_letters
from vpn_registry.notices.office import OfficeLetter, render_office
from vpn_registry.notices.recipes import data_of, form_sha256, recipe
from vpn_registry.notices.rendering import MAIL_DOMAIN, Letter, NoticeData, header_text, message_id, render
from vpn_registry.notices.specimens import specimen

__all__ = [
    "COLUMNS",
    "MAIL_DOMAIN",
    "NOTHING_OUTSTANDING",
    "SILENT",
    "Form",
    "Letter",
    "Letters",
    "NoticeData",
    "OfficeLetter",
    "Parts",
    "Progress",
    "Purpose",
    "Tally",
    "brake",
    "data_of",
    "form_sha256",
    "header_text",
    "hide",
    "load_letters",
    "message_id",
    "no_parts",
    "ordered",
    "purpose_of",
    "recipe",
    "render",
    "render_office",
    "select_parts",
    "since_last",
    "specimen",
    "stage_brake",
    "tally",
]
