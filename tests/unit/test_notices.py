"""Notices: who is named, what waits for a person, and what the letter says and never says."""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import pytest

from vpn_registry import campaign, notices, roster, settings
from vpn_registry.model import ConfigurationError, Contact, ContactRole, Status
from vpn_registry.notices import Parts, Progress, Purpose, Tally
from vpn_registry.notices.contents import COLUMNS, REGISTERING
from vpn_registry.notices.letters import FOLDER
from vpn_registry.roster import Isp

TODAY = date(2026, 6, 16)
HOLIDAYS = roster.load_holidays()
LETTERS = notices.load_letters()
CAMPAIGN = roster.load_campaign()
ISP = Isp(
    slug="indus",
    name="Indus <Link> & Co",
    name_ur="انڈس",
    licence="CVAS",
    sftp="sftp_indus",
    folder=None,
    contacts=(Contact("Secret Person", "secret@indus.example", ContactRole.COMPLIANCE),),
    sample=True,
)


def statuses(*rows: tuple[str, str]) -> pd.DataFrame:
    """A status frame from (subscriber, status)."""
    return pd.DataFrame(
        [(who, f"Firm {who} <b>", status, f"Because of {who}.") for who, status in rows],
        columns=list(COLUMNS),
        dtype="str",
    )


def select(*rows: tuple[str, str], **more: Any) -> Parts:
    settings: dict[str, Any] = {"offset": -30, "today": TODAY, "holidays": HOLIDAYS} | more
    return notices.select_parts(statuses(*rows), **settings)


def data(form: str = "T-14", parts: Parts | None = None, **more: Any) -> notices.NoticeData:
    named = select(("C2", "unregistered"), ("C1", "unregistered"), ("C3", "mismatch")) if parts is None else parts
    plain = notices.NoticeData(
        notice_no="N-2026-000123",
        form=form,
        dated_on=TODAY,
        deadline_on=date(2026, 6, 30),
        isp=ISP,
        campaign=CAMPAIGN,
        tally=Tally(2, 1, 4),
        parts=named,
        progress=Progress(1, 2, "N-2026-000099", date(2026, 5, 29)),
        list_on=date(2026, 6, 10),
    )
    return replace(plain, **more)


# Who is named


def test_each_status_stands_in_its_part_or_in_none() -> None:
    parts = select(*[(f"C-{status}", status.value) for status in Status])
    assert parts.to_register["status"].tolist() == ["unregistered", "expired", "withdrawn", "rejected"]
    assert parts.to_check["status"].tolist() == ["expiring", "mismatch", "undeclared"]


def test_a_client_being_registered_is_asked_about_and_not_accused_for_ten_working_days() -> None:
    answered = {"C1": date(2026, 6, 1), "C2": date(2026, 6, 2), "C3": date(2026, 6, 2)}
    parts = select(("C1", "unregistered"), ("C2", "expired"), ("C3", "registered"), registering=answered)
    assert parts.to_register["subscriber_id"].tolist() == ["C1"]
    assert parts.to_check[["subscriber_id", "status"]].to_numpy().tolist() == [["C2", REGISTERING]]


def test_an_undecided_review_is_put_to_the_isp_from_two_weeks_before_the_deadline() -> None:
    since = {"C1": date(2026, 6, 1), "C2": date(2026, 6, 3)}
    rows = [("C1", "review"), ("C2", "review"), ("C3", "review")]
    assert select(*rows, review_since=since, offset=-30).to_check.empty
    assert select(*rows, review_since=since, offset=-14).to_check["subscriber_id"].tolist() == ["C1"]
    assert select(*rows, review_since=since, offset=7).to_check["subscriber_id"].tolist() == ["C1"]


def test_a_notice_goes_out_when_somebody_is_named() -> None:
    frame = statuses(("C1", "expiring"))
    assert notices.purpose_of(select(("C1", "expiring")), frame, []) is Purpose.NOTICE


@pytest.mark.parametrize(
    ("status", "named_before", "purpose"),
    [
        ("registered", ["C1"], Purpose.NOTHING_OUTSTANDING),
        ("exempt", ["C1"], Purpose.NOTHING_OUTSTANDING),
        ("registered", ["C0"], Purpose.NOTHING_OUTSTANDING),  # left the client list
        ("registered", [], Purpose.NOTHING_TO_TELL),
        ("disputed", ["C1"], Purpose.NOTHING_TO_TELL),
        ("review", ["C1"], Purpose.NOTHING_TO_TELL),
        ("not_comparable", ["C1"], Purpose.NOTHING_TO_TELL),
    ],
)
def test_nothing_outstanding_is_said_once_and_only_when_all_are_resolved(
    status: str, named_before: list[str], purpose: Purpose
) -> None:
    frame = statuses(("C1", status))
    assert notices.purpose_of(select(("C1", status)), frame, named_before) is purpose


def test_progress_counts_new_and_resolved_clients() -> None:
    rows = [("C1", "unregistered"), ("C2", "registered"), ("C3", "disputed"), ("C4", "undeclared")]
    last: dict[str, Any] = {"number": "N-2026-000099", "dated_on": date(2026, 5, 29)}
    progress = notices.since_last(select(*rows), statuses(*rows), ["C1", "C2", "C3", "C9"], **last)
    assert progress == Progress(1, 2, "N-2026-000099", date(2026, 5, 29))


def test_the_tally_follows_the_contracts_sums() -> None:
    frame = statuses(*[(f"{status}{number}", status.value) for status in Status for number in range(2)])
    assert notices.tally(frame) == Tally(to_register=8, covered=4, comparable=14)


# Brakes


@pytest.mark.parametrize(
    ("now", "offset", "last", "held"),
    [
        (Tally(1, 9, 10), -14, None, "first notice"),
        (Tally(1, 9, 10), 1, Tally(1, 9, 10), "after the deadline"),
        (Tally(15, 85, 100), -14, Tally(5, 95, 100), "5 of 100 in its last notice to 15 of 100"),
        (Tally(14, 86, 100), -14, Tally(5, 95, 100), None),
        (Tally(5, 5, 10), -14, Tally(1, 9, 10), None),
        (Tally(6, 4, 10), -14, Tally(1, 9, 10), "1 of 10"),
        (Tally(10, 111, 121), -14, Tally(10, 90, 100), "from 100 to 121"),
        (Tally(10, 110, 120), -14, Tally(10, 90, 100), None),
        (Tally(0, 15, 15), -14, Tally(0, 10, 10), None),
        (Tally(0, 16, 16), -14, Tally(0, 10, 10), "from 10 to 16"),
        (Tally(0, 0, 0), -14, Tally(0, 6, 6), "from 6 to 0"),
        (Tally(0, 0, 0), -14, Tally(0, 0, 0), None),
        (Tally(3, 97, 100), -14, Tally(5, 95, 100), None),
    ],
)
def test_the_brake_holds_what_is_out_of_the_ordinary(
    now: Tally, offset: int, last: Tally | None, held: str | None
) -> None:
    reason = notices.brake(now, offset=offset, last_sent=last)
    assert (reason is None) == (held is None)
    assert (held or "") in (reason or "")


@pytest.mark.parametrize(
    ("now", "last", "is_held"),
    [(121, 100, True), (120, 100, False), (30, 10, False), (31, 10, True), (50, 100, False), (500, None, False)],
)
def test_the_stage_brake_watches_the_national_count(now: int, last: int | None, is_held: bool) -> None:
    assert (notices.stage_brake(now, last) is not None) is is_held


# Letters


def test_the_stages_are_the_contracts() -> None:
    expected = {"T-60": -60, "T-30": -30, "T-14": -14, "T-7": -7, "T-3": -3, "T-1": -1, "T+1": 1, "T+7": 7}
    assert LETTERS.offsets == expected
    for stage, offset in expected.items():
        assert (ContactRole.ESCALATION in LETTERS.roles(stage)) == (offset >= -3)
        assert ContactRole.COMPLIANCE in LETTERS.roles(stage)
    others = {campaign.EXTENDED, notices.NOTHING_OUTSTANDING, *campaign.REMINDERS}
    assert set(LETTERS.forms) - set(expected) == others


def test_both_languages_share_the_same_sentences() -> None:
    def shape(words: Any) -> Any:
        if isinstance(words, dict):
            return {key: shape(value) for key, value in words.items()}
        return [shape(word) for word in words] if isinstance(words, list) else type(words)

    assert shape(LETTERS.words["en"]) == shape(LETTERS.words["ur"])
    assert all({"en", "ur"} == set(form.body) == set(form.subject) for form in LETTERS.forms.values())


class _Balance(HTMLParser):
    """Notes tags that are not closed in order, and everything that would load or run something."""

    void = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"img", "link", "script", "style", "iframe", "form"} or any(
            name in {"src", "href"} for name, _ in attrs
        ):
            self.faults.append(tag)
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"/{tag}")


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("form", sorted(LETTERS.forms))
@pytest.mark.parametrize("parts", ["both", "only B", "none"])
def test_every_letter_renders_in_both_languages(form: str, language: str, parts: str) -> None:
    named = {"both": None, "only B": select(("C3", "mismatch")), "none": notices.no_parts()}[parts]
    isp = replace(ISP, language=language)
    for more in (
        {},
        {"progress": None, "list_on": None, "is_simulated": True, "previous_deadline_on": date(2026, 5, 31)},
    ):
        letter = notices.render(LETTERS, data(form, named, isp=isp, **more))
        for page in (letter.html, letter.zone_html):
            balance = _Balance()
            balance.feed(page)
            assert balance.faults == []
            assert balance.open == []
            assert f'lang="{language}"' in page
        for text in (letter.subject, letter.text, letter.html, letter.zone_text, letter.zone_html):
            assert "{{" not in text
            assert "{%" not in text
            assert "N-2026-000123" in text
        assert not re.search(r"\n{4,}", letter.text)
        assert letter.subject.isprintable()
        assert ("Simulation" in letter.subject) == bool(more)


def test_the_letter_says_what_the_contract_asks_for() -> None:
    letter = notices.render(LETTERS, data())
    text = " ".join(letter.text.split())
    for words in (
        "Notice N-2026-000123, 16 June 2026",
        "Tuesday, the thirtieth of June two thousand and twenty-six (30 June 2026, 23:59:59 Pakistan time)",
        "Regulations 2010, regulation 6",
        "2 to register",
        "1 to check",
        "1 registered (25.0 % covered)",
        "Since our last notice to you, N-2026-000099 of 29 May 2026, 1 client is new on this list",
        "and 2 have been resolved",
        CAMPAIGN.office.authority,
        "valid without a signature",
        "indus_registrations_delta_YYYYMMDD_NNNN.csv",
        "indus_responses_delta_YYYYMMDD_NNNN.csv",
        "dispute",
        CAMPAIGN.office.email,
    ):
        assert words in text
    assert "30 June 2026" in letter.html
    assert letter.csv_name == "N-2026-000123.csv"


def test_names_stand_in_the_zones_copy_only() -> None:
    letter = notices.render(LETTERS, data())
    for mailed in (letter.subject, letter.text, letter.html, letter.csv_bytes.decode()):
        assert "Firm" not in mailed
        assert "ecret" not in mailed
    assert "Firm C1 <b>" in letter.zone_text
    assert "Firm C1 &lt;b&gt;" in letter.zone_html
    assert "<b>" not in letter.zone_html
    assert "Indus &lt;Link&gt; &amp; Co" in letter.html
    assert "ecret" not in letter.zone_html + letter.zone_text + letter.zone_csv.decode()


def test_the_attachment_lists_subscriber_status_and_reason() -> None:
    letter = notices.render(LETTERS, data())
    rows = list(csv.reader(io.StringIO(letter.csv_bytes.decode())))
    assert rows[0] == ["subscriber_id", "status", "reason"]
    assert rows[1:] == [
        ["C1", "unregistered", "Because of C1."],
        ["C2", "unregistered", "Because of C2."],
        ["C3", "mismatch", "Because of C3."],
    ]
    assert letter.zone_csv.decode().splitlines()[0] == "subscriber_id,client_name,status,reason"


def test_no_identity_card_number_is_mailed_even_as_a_subscriber_id() -> None:
    parts = select(("35202-1234567-1", "unregistered"), ("3520212345679", "unregistered"), ("-C1", "unregistered"))
    letter = notices.render(LETTERS, data(parts=parts))
    assert not re.search(r"\d{5}-?\d{7}-?\d", letter.csv_bytes.decode())
    assert '"13 digits, ..71"' in letter.csv_bytes.decode()
    assert "35202-1234567-1" in letter.zone_csv.decode()
    assert "\n'-C1,unregistered" in letter.csv_bytes.decode()


def test_the_extension_names_both_dates() -> None:
    extended = data(campaign.EXTENDED, deadline_on=date(2026, 7, 31), previous_deadline_on=date(2026, 6, 30))
    letter = notices.render(LETTERS, replace(extended, decision="Notification No. 17 of 10 June 2026"))
    assert "Extended by: Notification No. 17 of 10 June 2026" in letter.text
    assert "extended from 30 June 2026 to 31 July 2026" in " ".join(letter.text.split())
    assert letter.subject == "VPN registration: deadline extended to 31 July 2026 (notice N-2026-000123)"


def test_a_letter_speaks_of_clients_under_review_only_when_it_names_one() -> None:
    told = "Part B also names clients that a person has been looking at"
    named = [("C1", "unregistered"), ("C2", "review")]
    for since, is_told in ((date(2026, 6, 1), True), (TODAY, False)):
        parts = select(*named, review_since={"C2": since}, offset=-14)
        assert (told in " ".join(notices.render(LETTERS, data(parts=parts)).text.split())) is is_told


def test_the_letter_says_how_a_registration_is_extended_and_whom_it_leaves_out() -> None:
    text = " ".join(notices.render(LETTERS, data()).text.split())
    assert "one that was filed already is extended or corrected by an update row" in text
    assert "A client registered before it was sent is not in Part A." in text


def test_a_letter_about_one_client_alone_says_nothing_of_the_others() -> None:
    one = select(("C2", "unregistered"))
    letter = notices.render(LETTERS, data(campaign.EXTENDED, one, only="C2", tally=Tally(1, 0, 1), progress=None))
    text = " ".join(letter.text.split())
    assert "This letter is about your client C2 alone, which was given a deadline of its own." in text
    assert "The deadline of this client has been extended to 30 June 2026." in text
    assert "Earlier letters named the old date" not in text
    assert "covered" not in text


def test_a_decision_keeps_its_own_direction_in_an_urdu_letter() -> None:
    decision = "Notification No. 17 of 10 June 2026"
    letter = notices.render(LETTERS, data(campaign.EXTENDED, decision=decision, isp=replace(ISP, language="ur")))
    assert f'<bdi dir="auto">{decision}</bdi>' in letter.html


def test_the_subject_holds_nothing_of_the_isp() -> None:
    hostile = replace(ISP, name="Hi\r\nBcc: x@y.example", slug="indus")
    for form in LETTERS.forms:
        subject = notices.render(LETTERS, data(form, isp=hostile)).subject
        assert subject.isprintable()
        assert "Bcc" not in subject
        assert "indus" not in subject.lower()


def test_header_text_is_one_line_without_control_characters() -> None:
    assert notices.header_text("Hi\r\nBcc: x\x00\u202e\u2028y ") == "Hi Bcc: x y"


def test_template_text_in_a_name_stays_text() -> None:
    named = statuses(("C1", "unregistered")).assign(client_name="{{ 31337 * 3 }}")
    parts = notices.select_parts(named, offset=-14, today=TODAY, holidays=HOLIDAYS)
    letter = notices.render(LETTERS, data(parts=parts, isp=replace(ISP, name="{{ 31337 * 3 }}")))
    assert "{{ 31337 * 3 }}" in letter.zone_text
    assert "94011" not in letter.zone_text + letter.zone_html + letter.html


def test_an_unknown_word_in_a_letter_stops_it(tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "t-14.md").write_text(
        '+++\nstage = "T-14"\noffset = -14\nroles = ["compliance"]\nsubject = "x"\n+++\n{{ nobody }}'
    )
    with pytest.raises(jinja2.UndefinedError):
        notices.render(notices.load_letters(tmp_path), data())


@pytest.mark.parametrize(
    ("front", "complaint"),
    [
        ('stage = "T-60"\nroles = ["compliance"]\nsubject = "x"', "has a letter already"),
        ('stage = "T-2"\nroles = ["boss"]\nsubject = "x"', "roles takes a list"),
        ('stage = "T-2"\nroles = ["compliance"]', "subject is missing"),
        ('stage = "T-2"\nroles = ["compliance"]\nsubject = "x"\noffsets = 1', "offsets is not a key"),
        ('stage = "T-2"\nroles = ["compliance"]\nsubject = "x"\noffset = "1"', "offset is '1'"),
    ],
)
def test_a_wrong_letter_file_is_refused(tmp_path: Path, front: str, complaint: str) -> None:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "u-2.md").write_text(f"+++\n{front}\n+++\nBody")
    with pytest.raises(ConfigurationError, match=complaint) as refusal:
        notices.load_letters(tmp_path)
    assert "u-2.md" in str(refusal.value)


def test_adding_a_stage_is_adding_a_file(tmp_path: Path) -> None:
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    front = 'stage = "T-21"\noffset = -21\nroles = ["compliance"]\nsubject = "Three weeks ({{ notice_no }})"'
    (tmp_path / "t-21.md").write_text(f"+++\n{front}\n+++\nThree weeks are left.")
    letters = notices.load_letters(tmp_path)
    assert list(letters.offsets)[:3] == ["T-60", "T-30", "T-21"]
    letter = notices.render(letters, data("T-21", isp=replace(ISP, language="ur")))
    assert "Three weeks are left." in letter.text
    assert 'lang="en"' in letter.html


def test_a_message_id_is_stable_per_notice_and_recipient() -> None:
    first = notices.message_id("N-2026-000123", "desk@indus.example")
    assert first == notices.message_id("N-2026-000123", "Desk@indus.example ")
    assert first != notices.message_id("N-2026-000123", "head@indus.example")
    assert first != notices.message_id("N-2026-000124", "desk@indus.example")
    assert re.fullmatch(r"<[a-z0-9.-]+@[a-z.-]+>", first)
    assert "indus" not in first


@pytest.mark.parametrize("notice_no", ["", "N-2026-1", "N-2026-000123\r\nBcc: x", "../N-2026-000123"])
def test_a_malformed_notice_number_is_refused(notice_no: str) -> None:
    with pytest.raises(ValueError, match="not a notice number"):
        notices.message_id(notice_no, "desk@indus.example")
    with pytest.raises(ValueError, match="not a notice number"):
        notices.render(LETTERS, data(notice_no=notice_no))


# Letters from right to left, and letters shown before they are sent


def test_names_of_files_and_numbers_keep_their_order_in_urdu() -> None:
    letter = notices.render(LETTERS, data(isp=replace(ISP, language="ur")))
    for kept in ("incoming/", "indus_responses_delta_YYYYMMDD_NNNN.csv", ".txt", "+92 51 000 0000"):
        assert f'<bdi dir="ltr">{kept}</bdi>' in letter.html
    assert "\u2066incoming/\u2069" in letter.text
    assert "\u2066+92 51 000 0000\u2069" in letter.text
    # Whoever copies the name of a file from the text must not copy a mark with it.
    assert " indus_responses_delta_YYYYMMDD_NNNN.csv " in " ".join(letter.text.split())


@pytest.mark.parametrize("form", sorted(LETTERS.forms))
def test_urdu_letters_have_no_latin_comma(form: str) -> None:
    letter = notices.render(LETTERS, data(form, notices.no_parts(), isp=replace(ISP, language="ur", name_ur="انڈس")))
    shown = " ".join(re.sub("<[^>]+>", " ", letter.html).split()) + " ".join(letter.text.split())
    assert re.findall(r"[^.]{0,20}[,;?][^.]{0,20}", html.unescape(shown)) == []


def test_english_letters_hold_no_marks() -> None:
    letter = notices.render(LETTERS, data())
    assert '<bdi dir="ltr">' not in letter.html
    assert not {"\u2066", "\u2069"} & set(letter.text)


def test_markup_of_an_isp_stays_text_in_urdu() -> None:
    letter = notices.render(LETTERS, data(isp=replace(ISP, language="ur", name_ur="<b>&amp;</b>")))
    assert "<b>" not in letter.html
    assert "<b>&amp;</b>" in html.unescape(re.sub("<[^>]+>", "", letter.html))


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("form", sorted(LETTERS.forms))
def test_every_letter_can_be_looked_at_before_it_is_sent(form: str, language: str) -> None:
    letter = notices.specimen(LETTERS, form, ISP, CAMPAIGN, language)
    assert notices.specimen(LETTERS, form, ISP, CAMPAIGN, language) == letter
    assert f"[{LETTERS.words[language]['simulation_mark']}]" in letter.subject


def test_the_catalogue_shows_every_letter_in_both_languages() -> None:
    page = (settings.PROJECT / "docs/letters.md").read_text(encoding="utf-8")
    shown = sorted(re.findall(r"\]\(letters/([^)]+)\)", page))
    wanted = [*(form.lower() for form in LETTERS.forms), "one-client"]
    assert shown == sorted(f"{name}.{language}.jpg" for name in wanted for language in ("en", "ur"))
    assert shown == sorted(path.name for path in (settings.PROJECT / "docs/letters").iterdir())
    assert all((settings.PROJECT / "docs/letters" / name).stat().st_size < 200_000 for name in shown)
