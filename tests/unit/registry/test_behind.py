"""What a DAG run makes names that run; what is made outside of one names none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
from sqlalchemy import select

from tests.unit.registry.filing import AT
from vpn_registry.registry import audit, browse, cases, reviews, status_runs
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import CaseRow, ReconciliationRunRow

RUN = "reconcile_clients/manual__2026-06-16"
FOUND = pd.DataFrame(
    [{"subscriber_id": "1", "status": "review", "reason": "", "key": "name", "registration_ref": "", "candidate": "r"}]
)  # fmt: skip


def make(registry: Registry, who: str) -> None:
    with registry.writing() as db:
        status_runs.store(db, who, FOUND, at=AT, rule_version="1", deadline_on=date(2026, 6, 30))
        reviews.follow(db, who, FOUND, {}, AT)
        cases.open_case(db, who, cases.DOSSIER, "2026/1", reason="why", at=AT)
        audit.record(db, actor="x", action="y", object_type="isp", object_id=who, detail={"n": 1}, at=AT)


def test_comparisons_cases_and_events_lead_to_the_run_that_made_them(registry: Registry) -> None:
    make(replace(registry, run=RUN), "indus")
    make(registry, "ravi")
    with registry.reading() as db:
        comparisons = db.execute(select(ReconciliationRunRow.isp, ReconciliationRunRow.made_in))
        assert dict(comparisons.all()) == {"indus": RUN, "ravi": ""}
        opened = db.execute(select(CaseRow.isp, CaseRow.kind, CaseRow.opened_in))
        assert {tuple(row) for row in opened} == {
            ("indus", "dossier", RUN), ("indus", "review", RUN), ("ravi", "dossier", ""), ("ravi", "review", ""),
        }  # fmt: skip
        assert browse.events(db, "isp", "indus")[0]["detail"] == {"n": 1, "run": RUN}
        assert browse.runs_behind(db, "isp", ["indus", "ravi"]) == {"indus": RUN}
