"""Great Expectations' pages on stored verdicts: they tell what failed, and name nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.installation import Cast, Installation, clients, registrations
from vpn_registry.registry import judgements
from vpn_registry.validation import data_docs


@pytest.fixture(autouse=True)
def verdicts() -> None:
    """Those of Great Expectations itself."""


def test_the_pages_tell_what_failed_and_hold_no_value_of_the_files(
    house: Installation, indus: Cast, tmp_path: Path
) -> None:
    good = indus.registered(4)
    rows = [*good, {**good[0], "registration_ref": "IND-R-0099", "province": "XX", "cnic": "3520212345671"}]
    listed = indus.listed
    house.drop(registrations("indus", 1, rows))
    house.drop(clients("indus", 1, listed))
    house.run()
    with house.exchange.registry.reading() as db:
        judged = [data_docs.Judged(*found) for found in judgements.stored_results(db, isp="indus", limit=10)]
    assert len(judged) == 2
    index = data_docs.write(tmp_path / "docs", judged)
    pages = {path: path.read_text(encoding="utf-8") for path in index.parent.rglob("*.html")}
    assert len(pages) >= 3
    everything = "".join(pages.values())
    assert "H118" in everything
    told = {"registration_ref", "subscriber_id", "client_name", "ntn", "cnic", "contact_phone", "contact_email"}
    values = {row[name] for row in (*rows, *listed) for name in told & row.keys() if len(row[name]) > 4}
    assert len(values) > 10
    assert {value for value in values if value in everything} == set()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep")
    with pytest.raises(ValueError, match="nothing was written"):
        data_docs.write(tmp_path, [data_docs.Judged(1, 1, "indus", datetime(2026, 6, 16, tzinfo=UTC), {})])
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
