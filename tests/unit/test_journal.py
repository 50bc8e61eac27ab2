"""The journal: whole lines, durable, and readable after a crash."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vpn_registry.journal import Journal

AT = datetime(2026, 6, 16, 4, 0, tzinfo=UTC)


def test_entries_come_back_by_kind_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "home" / "journal.jsonl")
    assert list(journal.entries("sending")) == []
    journal.note("sending", AT, notice_no="N-2026-000001", contact_name="عائشہ")
    journal.note("numbers", AT, issued={"N-2026": 1})
    journal.note("sending", AT, notice_no="N-2026-000002", contact_name="")
    assert [entry["notice_no"] for entry in journal.entries("sending")] == ["N-2026-000001", "N-2026-000002"]
    assert next(journal.entries("sending")) == {
        "kind": "sending", "at": "2026-06-16T04:00:00Z", "notice_no": "N-2026-000001", "contact_name": "عائشہ",
    }  # fmt: skip
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_a_line_that_a_crash_cut_off_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.note("numbers", AT, issued={"N-2026": 1})
    with journal.path.open("a") as file:
        file.write('{"kind": "numbers", "iss')
    assert len(list(journal.entries("numbers"))) == 1
    journal.note("numbers", AT, issued={"N-2026": 2})
    assert [entry["issued"] for entry in journal.entries("numbers")] == [{"N-2026": 1}, {"N-2026": 2}]


def test_a_line_that_found_room_in_part_only_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:9]))
    with pytest.raises(OSError, match="in part only"):
        journal.note("numbers", AT, issued={"N-2026": 1})
    monkeypatch.undo()
    journal.note("numbers", AT, issued={"N-2026": 2})
    assert [entry["issued"] for entry in journal.entries("numbers")] == [{"N-2026": 2}]
