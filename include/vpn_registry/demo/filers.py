"""The sample ISPs through a whole campaign: what each has still to register, and the files it writes on a day.

They begin with the sample story (`sample_stories`); file names, numbers and dates follow the day on which they file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from vpn_registry.demo import sample_stories
from vpn_registry.demo.sample_cast import Row
from vpn_registry.demo.sample_files import file_name, to_csv
from vpn_registry.demo.sample_stories import Story
from vpn_registry.model import Feed, Mode, Response, Status

Files = dict[str, bytes]
"""Name -> bytes, in the order in which they are dropped."""

_OPEN: Final = (Status.UNREGISTERED, Status.EXPIRED, Status.WITHDRAWN, Status.EXPIRING, Status.MISMATCH)
"""What an ISP can set right by a registration, in the order in which it does."""


@dataclass(slots=True)
class Filer:
    """One ISP. `todo` are its clients to register or to mend, `seqs` the number each feed used last."""

    story: Story
    seqs: dict[Feed, int]
    todo: list[str] = field(default_factory=list)
    listed_on: date | None = None

    def registers(self, day: date, count: int) -> Files:
        """A delta with the next clients of `todo`; a header alone when none is left."""
        rows = [self._registration(who) for who in self.todo[:count]]
        del self.todo[:count]
        return self._file(Feed.REGISTRATIONS, Mode.DELTA, day, rows)

    def sets_right(self, day: date) -> Files:
        """Everything that is left, and a list that says of every undeclared client that it uses no VPN."""
        for row in self.story.listed:
            if row["vpn_use"] == "unknown":
                row["vpn_use"] = "no"
        return self.registers(day, len(self.todo)) | self.lists(day)

    def lists(self, day: date, without: int = 0) -> Files:
        """The client list of the day; `without` so many of its clients, as an incomplete export would be."""
        self.listed_on = day
        return self._file(Feed.CLIENTS, Mode.FULL, day, self.story.listed[: len(self.story.listed) - without])

    def answers(self, day: date, notice_no: str, said: Iterable[tuple[str, Response]]) -> Files:
        """What the ISP says about clients whom the notice names."""
        rows = [
            {
                "subscriber_id": who,
                "notice_no": notice_no,
                "response": response.value,
                "reference": "",
                "comment": "Says our sales desk.",
                "responded_on": day.isoformat(),
            }
            for who, response in said
        ]
        return self._file(Feed.RESPONSES, Mode.DELTA, day, rows)

    def _registration(self, who: str) -> Row:
        """A new registration of the client, or its registration as it should be."""
        booked = next((row for row in self.story.book if row["subscriber_id"] == who), None)
        if booked is None:
            return self.story.registers(self.story.clients[who])
        addresses = next(row["service_ips"] for row in self.story.listed if row["subscriber_id"] == who)
        action = "add" if self.story.first[who] is Status.WITHDRAWN else "update"
        return booked | {"action": action, "valid_to": "", "local_ip": addresses}

    def _file(self, feed: Feed, mode: Mode, day: date, rows: list[Row]) -> Files:
        self.seqs[feed] = self.seqs.get(feed, 0) + 1
        name = file_name(self.story.slug, feed, mode, day, 0, self.seqs[feed])
        return {name: to_csv(feed, rows).encode("utf-8")}


def filers(day: date) -> dict[str, Filer]:
    """The ISPs that file anything, as the sample story leaves them on `day`; chenab has clients, and no list yet."""
    tellers = (sample_stories.indus, sample_stories.kirana, sample_stories.margalla, sample_stories.sahil)
    stories = [teller(day) for teller in (*tellers, sample_stories.chenab)]
    stories[-1].open(undeclared=1, unregistered=6)
    used = {"indus": (3, 1), "kirana": (2, 1), "margalla": (2, 2), "sahil": (3, 1), "chenab": (1, 0)}
    return {story.slug: _filer(story, day, *used[story.slug]) for story in stories}


def _filer(story: Story, day: date, registrations: int, lists: int) -> Filer:
    now = {**story.first, **story.second}
    todo = sorted((who for who in now if now[who] in _OPEN), key=lambda who: _OPEN.index(now[who]))
    seqs = {Feed.REGISTRATIONS: registrations, Feed.CLIENTS: lists}
    return Filer(story, seqs, todo, day if lists else None)
