"""What each sample ISP drops, and why: every status and every way of being refused, small enough to follow by hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from vpn_registry.demo.sample_cast import Cast, Client, Place, Row, moved, withdrawal
from vpn_registry.demo.sample_files import BadRow, Counts, Drop, file_name, to_csv
from vpn_registry.model import Feed, Mode, Outcome, Status, ZoneFolder

_SINDH: Final = (("Karachi", "SD", "021"), ("Hyderabad", "SD", "022"), ("Sukkur", "SD", "071"))
_PUNJAB: Final = (("Lahore", "PB", "042"), ("Faisalabad", "PB", "041"), ("Sargodha", "PB", "048"))
_NORTH: Final = (
    *(("Islamabad", "IS", "051"), ("Rawalpindi", "PB", "051"), ("Peshawar", "KP", "091")),
    *(("Muzaffarabad", "JK", "05822"), ("Gilgit", "GB", "05811")),
)
_COAST: Final = (("Gwadar", "BA", "086"), ("Quetta", "BA", "081"), ("Karachi", "SD", "021"))
_SOUTH: Final = (("Multan", "PB", "061"), ("Sialkot", "PB", "052"), ("Gujrat", "PB", "053"))

PLACES: Final = {
    place.slug: place
    for place in (
        Place("indus", 1, ("192.0.2", 0), "2001:db8:1", _SINDH),
        Place("kirana", 2, ("192.0.2", 128), "2001:db8:2", _PUNJAB),
        Place("margalla", 3, ("198.51.100", 0), "2001:db8:3", _NORTH),
        Place("sahil", 4, ("198.51.100", 128), "2001:db8:4", _COAST),
        Place("chenab", 5, ("203.0.113", 0), "2001:db8:5", _SOUTH),
    )
}
"""The blocks are those of include/isps/<isp>.toml; a test compares them."""

ABOUT: Final = {
    "indus": "Everything is in order: a full book, two deltas (one says that there is nothing to report), a list.",
    "kirana": "A file with bad rows is taken in part. The correction is tried in `check/` first, then filed `again/`.",
    "margalla": "Two broken files are refused as a whole and corrected under the next number. BOM, CRLF, a checksum.",
    "sahil": "A missing number, a file for another zone, an unreadable name; then a duplicate and a number used twice.",
    "chenab": "Registrations, but no client list: its clients cannot be compared.",
    "ravi": "Sent nothing at all.",
}


@dataclass(slots=True)
class Story:
    """One ISP's part while it is being told. `second` holds only the statuses that change in the second round."""

    cast: Cast
    book: list[Row] = field(default_factory=list)
    listed: list[Row] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    clients: dict[str, Client] = field(default_factory=dict)
    first: dict[str, Status] = field(default_factory=dict)
    second: dict[str, Status] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        return self.cast.place.slug

    def lists(self, client: Client, status: Status, **changes: str) -> Client:
        """Put a client on the client list, with the status expected of it."""
        self.listed.append(self.cast.on_list(client, **changes))
        self.clients[client.subscriber_id] = client
        self.first[client.subscriber_id] = status
        return client

    def registers(self, client: Client, **changes: str) -> Row:
        """Put a registration of this client into the book."""
        self.book.append(self.cast.registration(client, **changes))
        return self.book[-1]

    def registered(self, count: int) -> None:
        """Clients whose registration carries their subscriber id; every seventh has three end points."""
        for number in range(count):
            mobile = number % 5 == 3
            client = self.lists(self.cast.client("freelancer" if mobile else "", mobile=mobile), Status.REGISTERED)
            self.registers(client)
            if number % 7 == 6:
                for _ in range(2):
                    self.registers(client, connection_type="static_ip", msisdn="", local_ip=self.cast.address())

    def registered_otherwise(self, by_ntn: int, by_cnic: int) -> None:
        """Clients whose registration names an older subscriber id, so that another number has to pair them."""
        for category, count in (("company", by_ntn), ("freelancer", by_cnic)):
            for _ in range(count):
                client = self.lists(self.cast.client(category), Status.REGISTERED)
                self.registers(client, subscriber_id=f"OLD-{client.number}")

    def ending(self, status: Status, count: int, valid_to: int) -> None:
        """Clients whose registration ends so many days from today."""
        for _ in range(count):
            self.registers(self.lists(self.cast.client(), status), valid_to=self.cast.on(valid_to))

    def mismatched(self, count: int) -> None:
        """Clients registered with an address which the client list doesn't know them by."""
        for _ in range(count):
            client = self.cast.client("company")
            self.registers(client)
            self.lists(moved(client, self.cast.address()), Status.MISMATCH)

    def exempt(self, no_vpn: int, suspended: int) -> None:
        for _ in range(no_vpn):
            self.lists(self.cast.client(), Status.EXEMPT, vpn_use="no")
        for _ in range(suspended):
            self.lists(self.cast.client(), Status.EXEMPT, service_status="suspended")

    def open(self, undeclared: int, unregistered: int) -> None:
        for _ in range(undeclared):
            self.lists(self.cast.client(), Status.UNDECLARED, vpn_use="unknown")
        for _ in range(unregistered):
            self.lists(self.cast.client(), Status.UNREGISTERED)

    def name(self, feed: Feed, mode: Mode, age: int, seq: int) -> str:
        return file_name(self.slug, feed, mode, self.cast.day, age, seq)

    def drop(self, feed: Feed, mode: Mode, age: int, seq: int, rows: list[Row], about: str) -> Drop:
        """A good file: every row is accepted."""
        name, content = self.name(feed, mode, age, seq), to_csv(feed, rows).encode("utf-8")
        self.drops.append(Drop(self.slug, name, content, about, rows=Counts(len(rows), len(rows))))
        return self.drops[-1]


def indus(day: date) -> Story:
    """The ISP that does everything right."""
    story = Story(Cast(PLACES["indus"], day))
    story.registered(18)
    story.registered_otherwise(by_ntn=3, by_cnic=3)
    story.ending(Status.EXPIRING, 2, valid_to=20)
    story.ending(Status.EXPIRED, 1, valid_to=-10)
    story.mismatched(1)
    withdrawn = story.registers(story.lists(story.cast.client("company"), Status.WITHDRAWN))
    story.exempt(no_vpn=2, suspended=1)
    story.open(undeclared=2, unregistered=6)
    story.registers(story.cast.client("company"))  # left the ISP: on no list any more
    full, late = story.book[3:], story.book[:3]
    changed = [row | {"action": "update", "vpn_protocol": "wireguard"} for row in full[:2]]
    story.drop(Feed.REGISTRATIONS, Mode.FULL, 6, 1, full, "the whole book")
    story.drop(
        Feed.REGISTRATIONS, Mode.DELTA, 3, 2, [*late, *changed, withdrawal(withdrawn)], "3 add, 2 update, 1 withdraw"
    )
    story.drop(Feed.REGISTRATIONS, Mode.DELTA, 1, 3, [], "a header only: nothing to report")
    story.drop(Feed.CLIENTS, Mode.FULL, 2, 1, story.listed, "the client list")
    return story


def kirana(day: date) -> Story:
    """The ISP whose spreadsheet damages rows."""
    story = Story(Cast(PLACES["kirana"], day))
    cast = story.cast
    story.registered(14)
    story.ending(Status.EXPIRING, 1, valid_to=20)
    story.exempt(no_vpn=1, suspended=1)
    story.open(undeclared=1, unregistered=9)
    elsewhere = replace(cast.client("company"), ntn="0100001")  # indus has registered this tax number
    story.lists(elsewhere, Status.REVIEW)
    story.book[2] |= {"contact_phone": "111-555-555"}
    story.book[4] |= {"local_ip": f"{story.book[4]['local_ip']};2001:db8:fff0::/64"}
    good = len(story.book)
    mended, damaged = _damage(story)
    rows = [*story.book[:good], *(row for row, _, _ in damaged)]
    rows.append(story.book[0])
    bad = [BadRow(3, "W105", "telephone without area code"), BadRow(5, "W201", "an address outside the prefixes")]
    bad += [BadRow(good + n, code, what) for n, (_, code, what) in enumerate(damaged, 1)]
    bad.append(BadRow(len(rows), "H301", "the first row once more"))
    # One name holds a comma that nobody quoted: that row has a field too many.
    content = to_csv(Feed.REGISTRATIONS, rows).replace('"Unquoted, Brothers"', "Unquoted, Brothers")
    full = story.name(Feed.REGISTRATIONS, Mode.FULL, 4, 1)
    counts = Counts(len(rows), good, len(damaged), 1)
    about = "the whole book, with damaged rows"
    story.drops.append(Drop("kirana", full, content.encode("utf-8"), about, Outcome.PARTIAL, counts, tuple(bad)))
    story.drop(Feed.CLIENTS, Mode.FULL, 2, 1, story.listed, "the client list")
    correction = story.drop(Feed.REGISTRATIONS, Mode.DELTA, 1, 2, mended, "the damaged rows, mended")
    story.drops.append(replace(correction, again=True))
    story.drops[-2] = replace(correction, folder=ZoneFolder.CHECK, about="the correction, tried out")
    story.second.update({row["subscriber_id"]: Status.REGISTERED for row in mended})
    return story


def _damage(story: Story) -> tuple[list[Row], list[tuple[Row, str, str]]]:
    """Rows as they should be, and the same as a spreadsheet or a hurried hand left them: (row, code, what is wrong)."""
    cast = story.cast
    kinds = ("company", "freelancer", *["company"] * 8)
    mended = [cast.registration(story.lists(cast.client(kind), Status.REJECTED)) for kind in kinds]
    story.first[mended[8]["subscriber_id"]] = Status.UNREGISTERED  # its row can't be read, so nobody knows it was tried
    changes: tuple[tuple[Row, str, str], ...] = (
        ({"ntn": mended[0]["ntn"][1:7]}, "H108", "ntn lost its leading zero"),
        ({"cnic": "3.52E+12"}, "H109", "cnic became a rounded number"),
        ({"undertaking_ref": ""}, "H129", "no undertaking"),
        ({"province": "Punjab"}, "H118", "unknown province code"),
        ({"local_ip": "10.20.30.40"}, "H210", "a private address"),
        ({"valid_to": cast.on(-400)}, "H207", "ends before it begins"),
        ({"valid_from": f"{cast.day:%d/%m/%Y}"}, "H127", "not an ISO date"),
        ({"ntn": ""}, "H201", "no identifier of the client"),
        ({"client_name": "Unquoted, Brothers"}, "H101", "a comma without quotes: one field too many"),
        ({"city": "Lahore"}, "H302", "two different rows for one reference"),
        ({"city": "Kasur"}, "H302", "two different rows for one reference"),
    )
    sources = [*mended, mended[-1]]
    return mended, [(row | change, code, what) for row, (change, code, what) in zip(sources, changes, strict=True)]


def margalla(day: date) -> Story:
    """The ISP whose files arrive broken and are corrected under the next number."""
    story = Story(Cast(PLACES["margalla"], day))
    story.registered(16)
    story.registered_otherwise(by_ntn=2, by_cnic=2)
    story.ending(Status.EXPIRING, 1, valid_to=25)
    story.mismatched(1)
    story.exempt(no_vpn=1, suspended=0)
    story.open(undeclared=2, unregistered=7)
    neighbour = replace(story.cast.client("company"), ips=story.book[0]["local_ip"])
    story.lists(neighbour, Status.REVIEW)
    feed = Feed.REGISTRATIONS
    latin = to_csv(feed, [row | {"client_name": "Café Soan"} for row in story.book[:3]]).encode("latin-1")
    text = to_csv(feed, story.book, newline="\r\n").encode("utf-8-sig")
    name = story.name(feed, Mode.FULL, 3, 2)
    digest = f"{hashlib.sha256(text).hexdigest()}  {name}\n".encode("ascii")
    rows = Counts(len(story.book), len(story.book))
    lame = to_csv(Feed.CLIENTS, story.listed, without=["service_status"]).encode("utf-8")
    story.drops += [
        _refused("margalla", story.name(feed, Mode.FULL, 5, 1), latin, "not UTF-8"),
        Drop("margalla", f"{name}.sha256", digest, "the checksum of the next file", None),
        Drop("margalla", name, text, "the whole book, with BOM and CRLF", rows=rows),
        _refused("margalla", story.name(Feed.CLIENTS, Mode.FULL, 4, 1), lame, "without the column service_status"),
    ]
    story.drop(Feed.CLIENTS, Mode.FULL, 2, 2, story.listed, "the client list")
    return story


def sahil(day: date) -> Story:
    """The ISP that muddles names and numbers."""
    story = Story(Cast(PLACES["sahil"], day))
    story.registered(8)
    story.ending(Status.EXPIRED, 2, valid_to=-30)
    gone = [story.registers(story.lists(story.cast.client("company"), Status.WITHDRAWN)) for _ in range(2)]
    story.exempt(no_vpn=0, suspended=1)
    story.open(undeclared=2, unregistered=9)
    story.drop(Feed.REGISTRATIONS, Mode.FULL, 6, 1, story.book, "the whole book")
    update = story.book[0] | {"action": "update", "vpn_protocol": "ssl"}
    delta = [*map(withdrawal, gone), update]
    story.drop(Feed.REGISTRATIONS, Mode.DELTA, 2, 3, delta, "2 withdraw, 1 update; number 2 is missing (a warning)")
    listed = story.drop(Feed.CLIENTS, Mode.FULL, 3, 1, story.listed, "the client list")
    strange = to_csv(Feed.REGISTRATIONS, []).encode("ascii")
    stranger = file_name("chenab", Feed.REGISTRATIONS, Mode.DELTA, day, 3, 1)
    used = to_csv(Feed.REGISTRATIONS, [update]).encode("utf-8")
    story.drops += [
        _refused("sahil", stranger, strange, "a name of another zone"),
        _refused("sahil", "clients june (final).csv", listed.content, "a name nobody can read"),
        replace(listed, again=True, about="dropped a second time", outcome=Outcome.DUPLICATE, rows=None),
        replace(
            _refused(
                "sahil", story.name(Feed.REGISTRATIONS, Mode.DELTA, 1, 1), used, "number 1 again, with other bytes"
            ),
            again=True,
        ),
    ]
    return story


def chenab(day: date) -> Story:
    """The ISP that files registrations and no client list."""
    story = Story(Cast(PLACES["chenab"], day))
    story.registered(10)
    story.first.clear()
    story.drop(Feed.REGISTRATIONS, Mode.FULL, 2, 1, story.book, "the whole book")
    return story


def _refused(isp: str, name: str, content: bytes, about: str) -> Drop:
    return Drop(isp, name, content, about, Outcome.REJECTED)
