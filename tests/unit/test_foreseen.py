"""Judging without Great Expectations: the same stored result, in a process that never loads it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.generated_files import GeneratedFile, generated_files
from tests.unit.test_cases import CASES, CODES, judged
from tests.unit.test_validation import CONTEXT, csv_of
from vpn_registry import validation
from vpn_registry.model import Feed, Mode
from vpn_registry.validation import judge, read

OFFLINE = """
import sys, datetime
from vpn_registry import validation
from vpn_registry.model import Feed, Mode
from vpn_registry.rulebook import Context
decoded, found = validation.read(sys.stdin.buffer.read(), "csv", Feed.REGISTRATIONS)
context = Context(isp="indus", today=datetime.date(2026, 6, 15), mode=Mode.DELTA)
verdict = validation.judge(
    decoded, found, feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=context, with_suite=False
)
print(verdict.outcome, len(validation.row_findings(verdict)))
sys.exit(bool(sys.modules.keys() & {"great_expectations", "airflow", "sqlalchemy", "alembic", "jinja2"}))
"""


def test_judging_offline_loads_no_heavy_package() -> None:
    data = csv_of([{}, {"province": "Punjab"}])
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], input=data, env={"PYTHONPATH": "include"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.split() == [b"partial", b"1"]


@pytest.mark.parametrize("code", CODES)
def test_the_foreseen_result_is_the_suites_over_every_case(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def both(*args: Any, **named: Any) -> validation.Verdict:
        verdict, foreseen = judge(*args, **named | {"with_suite": True}), judge(*args, **named)
        compared.append((verdict.result, verdict.outcome) == (foreseen.result, foreseen.outcome))
        return foreseen

    monkeypatch.setattr(validation, "judge", both)
    told = judged(CASES / code)
    assert told
    assert all(compared)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(file=generated_files())
def test_the_foreseen_result_is_the_suites_over_generated_files(file: GeneratedFile) -> None:
    decoded, found = file.read()
    named: dict[str, Any] = {"feed": file.feed, "mode": file.context.mode, "context": file.context}
    verdict = judge(decoded, found, tolerance=file.tolerance, **named)
    foreseen = judge(decoded, found, tolerance=file.tolerance, with_suite=False, **named)
    assert foreseen.result == verdict.result
    assert (foreseen.outcome, foreseen.rows) == (verdict.outcome, verdict.rows)


def test_withdrawals_do_not_narrow_the_tolerance_of_a_code_list() -> None:
    rows = [{"action": "withdraw"}] * 60 + [{"province": "Punjab"}] * 15 + [{}] * 25
    decoded, found = read(csv_of(rows), "csv", Feed.REGISTRATIONS)
    for with_suite in (True, False):
        verdict = judge(
            decoded, found, feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=CONTEXT, with_suite=with_suite
        )
        assert verdict.outcome == "partial"
        assert verdict.rows.rejected == 15
