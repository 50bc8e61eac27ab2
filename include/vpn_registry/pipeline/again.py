"""A letter once more, as it was sent, and the proof that it follows from what is stored beside it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from vpn_registry import notices
from vpn_registry.notices import COLUMNS, Parts
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.letter import COMPOSED
from vpn_registry.registry import chronicle, messages


@dataclass(frozen=True, slots=True)
class Again:
    """A letter as it left. `differs` names what does not come out the same when it is made anew, `why_not` says why it
    could not be made anew; both are empty for a letter that follows byte by byte from what is stored.
    """

    subject: str
    text: str
    html: str
    csv: bytes
    rule_version: str
    deadline_version: int
    differs: tuple[str, ...]
    why_not: str

    @property
    def is_same(self) -> bool:
        """Whether it was made anew, and every byte came out again."""
        return not self.differs and not self.why_not

    @property
    def verdict(self) -> str:
        """One sentence about the comparison."""
        if self.why_not:
            return f"It can't be made anew. {self.why_not} The letter as it was sent is stored whole."
        by = f"rules {self.rule_version}, deadline version {self.deadline_version}"
        if self.differs:
            return f"Made anew by {by} it differs from what was sent in {', '.join(self.differs)}."
        return f"Made anew by {by} it is what was sent, byte by byte."


def again(exchange: Exchange, notice_no: str) -> Again | None:
    """The letter of a notice, made anew and compared; None when no such letter has left."""
    with exchange.registry.reading() as db:
        letter = messages.told_letter(db, notice_no)
        composed = [event for event in chronicle.events(db, [COMPOSED]) if event.object_id == notice_no]
        named = chronicle.named_clients(db, notice_no)
    if letter is None:
        return None
    told = (letter.subject, letter.text, letter.html, letter.csv_bytes)
    if not composed:
        return Again(*told, "", 0, (), "It was sent before the registry kept what letters are made from.")
    kept = composed[-1].detail
    versions = (kept["rule_version"], kept["deadline_version"])
    letters = notices.load_letters()
    isp = exchange.isps.get(kept["isp"]["slug"])
    if isp is None:
        return Again(*told, *versions, (), f"{kept['isp']['slug']} is no ISP of the roster any more.")
    form = kept["form"]
    if form not in letters.forms or notices.form_sha256(letters, form, kept["isp"]["language"]) != kept["form_sha256"]:
        return Again(
            *told, *versions, (), f"The form {form} has been changed since (it was {kept['form_sha256'][:12]})."
        )
    parts = Parts(_part(named, "A"), _part(named, "B"))
    made = notices.render(letters, notices.data_of(kept, notice_no, parts, isp, exchange.campaign))
    anew = {"subject": made.subject, "text": made.text, "html": made.html, "attachment": made.csv_bytes}
    differs = tuple(name for (name, value), stored in zip(anew.items(), told, strict=True) if value != stored)
    return Again(*told, *versions, differs, "")


def _part(named: list[tuple[str, str, str, str]], part: str) -> pd.DataFrame:
    """The clients of one part, without their names: no mail holds these."""
    rows = [(who, "", status, reason) for letter, who, status, reason in named if letter == part]
    return notices.ordered(pd.DataFrame(rows, columns=list(COLUMNS), dtype="str"))
