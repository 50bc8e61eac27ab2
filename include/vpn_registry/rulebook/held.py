"""The rules on files that wait for a person, and on the refusal that may follow (contract section 3)."""

from __future__ import annotations

from typing import Final

from vpn_registry.model import Severity
from vpn_registry.rulebook.rule import CLIENTS, RESPONSES, FileRule

FILE_RULES: Final[tuple[FileRule, ...]] = (
    FileRule(
        code="F302",
        severity=Severity.WARNING,
        title="Held for a person",
        why="A file that removes so much is more often an incomplete export than the truth.",
        message="The file is judged but not taken until a person has looked at it. {reason}",
        remedy="A person releases or refuses it, and the result is sent again; if the file is incomplete, send the"
        " whole list under the next number.",
        example="a client list half as long as the last one",
    ),
    FileRule(
        code="F305",
        severity=Severity.WARNING,
        feeds=RESPONSES,
        title="Held: answers about many clients to register",
        why="Answers that take so many clients out of the letters at once are looked at before they count.",
        message="The file is judged but not taken until a person has looked at it. {reason}",
        remedy="Nothing to send again: a person releases or refuses the file, and the result is sent again.",
        example="answers about 30 of 100 clients to register",
        since="1.1",
    ),
    FileRule(
        code="F306",
        severity=Severity.WARNING,
        feeds=CLIENTS,
        title="Held: many clients turned from yes to no",
        why="A list on which so many clients have stopped using a VPN is looked at before it counts.",
        message="The file is judged but not taken until a person has looked at it. {reason}",
        remedy="A person releases or refuses it, and the result is sent again; if vpn_use is wrong, send the whole list"
        " under the next number.",
        example="a list on which 30 of 100 clients turn from yes to no",
        since="1.1",
    ),
    FileRule(
        code="F307",
        severity=Severity.ERROR,
        title="Refused by a person",
        why="A held file that turns out to be wrong is not taken.",
        message="A person has looked at the held file and refused it: {reason}",
        remedy="Send the corrected file under the next number.",
        example="a client list half as long as the last one, made from an incomplete export",
        since="1.1",
    ),
)
