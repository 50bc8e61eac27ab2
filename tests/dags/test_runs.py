"""Each DAG runs to its end through Airflow's own dag.test(), on folder zones and a simulated home."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from vpn_registry import settings
from vpn_registry.demo import samples
from vpn_registry.demo.mail_sink import MailSink, connection, read_mails
from vpn_registry.model import NoticeState
from vpn_registry.one_pass import no_sftp
from vpn_registry.pipeline import collect, notify
from vpn_registry.pipeline.exchange import open_exchange
from vpn_registry.registry import audit, home, outbox

pytestmark = pytest.mark.airflow

ISP = """
name = "{name}"
folder = "zones/{slug}"
sample = true
prefixes = ["192.0.2.0/24", "2001:db8::/32"]
[[contacts]]
name = "Compliance"
email = "compliance@{slug}.example"
role = "compliance"
"""


@pytest.fixture
def here(tmp_path: Path, airflow_db: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[settings.Settings]:
    """A simulated home of two ISPs with folder zones, and a mail sink behind `smtp_default`."""
    isps = tmp_path / "isps"
    isps.mkdir()
    for slug in ("indus", "kirana"):
        (isps / f"{slug}.toml").write_text(ISP.format(name=slug.title(), slug=slug), "utf-8")
        for folder in ("incoming", "check", "outgoing"):
            (tmp_path / "home" / "zones" / slug / folder).mkdir(parents=True)
    monkeypatch.setenv("VPN_REGISTRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VPN_REGISTRY_ISPS", str(isps))
    monkeypatch.setenv("VPN_REGISTRY_SETTLE_SECONDS", "0")
    with MailSink(tmp_path / "mail") as sink:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection(sink.port, "registry@registry.example")))
        made = settings.load()
        home.open_home(made, as_of=samples.INSTANT)
        yield made


@pytest.fixture
def run(here: settings.Settings) -> Callable[..., dict[str, Any]]:
    def run_dag(dag: str, **conf: Any) -> dict[str, Any]:
        import airflow_defaults

        return airflow_defaults.run_dag(dag, conf)

    return run_dag


def drop(here: settings.Settings, slug: str) -> None:
    for name, content in samples.sample().files(slug).items():
        (here.home / "zones" / slug / "incoming" / name).write_bytes(content)


def outgoing(here: settings.Settings, slug: str) -> set[str]:
    folder = here.home / "zones" / slug / "outgoing"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_with_nothing_to_collect_every_dag_succeeds(run: Callable[..., dict[str, Any]]) -> None:
    for dag in ("collect_deliveries", "reconcile_clients", "send_notices", "chase_filers", "keep_house"):
        assert run(dag) == {"state": "success", "failed": []}


def test_files_become_answers_statuses_and_letters(
    here: settings.Settings, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    drop(here, "indus")
    drop(here, "kirana")
    assert run("collect_deliveries")["state"] == "success"
    assert {f"{name}.result.json" for name in samples.sample().files("indus")} <= outgoing(here, "indus")
    assert run("reconcile_clients")["state"] == "success"

    assert run("send_notices", dry_run=True)["state"] == "success"
    assert notify.approve(home.open_home(here), actor="tester", reason="nothing was planned") == []
    assert run("send_notices", dry_run=False)["state"] == "success"
    assert list((tmp_path / "mail").glob("*.eml")) == []
    approved = notify.approve(home.open_home(here), actor="tester", reason="figures checked")
    assert approved == ["N-2026-000001", "N-2026-000002"]
    assert run("send_notices", dry_run=False)["state"] == "success"
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 2
    assert "notices/N-2026-000001.html" in outgoing(here, "indus")
    assert run("keep_house", dry_run=False)["state"] == "success"
    assert "extract/indus_registry_20260616.csv" in outgoing(here, "indus")

    before = outgoing(here, "indus")
    for dag in ("collect_deliveries", "reconcile_clients", "send_notices"):
        assert run(dag, **({"dry_run": False} if dag == "send_notices" else {}))["state"] == "success"
    assert outgoing(here, "indus") == before
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 2


def test_silent_filers_are_reminded_and_the_data_team_gets_its_report(
    run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    run("collect_deliveries")
    assert run("chase_filers", dry_run=True) == {"state": "success", "failed": []}
    assert list((tmp_path / "mail").glob("*.eml")) == []
    for _ in range(2):
        assert run("chase_filers", dry_run=False) == {"state": "success", "failed": []}
        mails = read_mails(tmp_path / "mail")
        assert sorted(mail.to[0] for mail in mails) == [
            "compliance@indus.example",
            "compliance@kirana.example",
            "data-team@regulator.example",
        ]


def test_a_held_notice_is_approved_from_the_form_in_the_name_of_who_asked(
    here: settings.Settings, run: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    drop(here, "indus")
    run("collect_deliveries")
    run("send_notices", dry_run=False)
    assert run("approve_notices", reason="figures checked by hand", isp="kirana")["state"] == "success"
    assert list(notify.held(home.open_home(here))) == ["N-2026-000001"]
    assert run("approve_notices", reason="figures checked by hand", isp="indus")["state"] == "success"
    assert notify.held(home.open_home(here)) == {}
    registry = home.open_home(here)
    with registry.reading() as db:
        (notice,) = outbox.notices(db, NoticeState.APPROVED)
        approved = db.execute(text("SELECT actor FROM audit_events WHERE action = 'notice_approved'")).scalars().all()
    assert notice.reason == "figures checked by hand"
    assert approved == ["dag_test"]
    run("send_notices", dry_run=False)
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def test_a_case_is_decided_from_the_form_and_the_answer_follows(
    here: settings.Settings, run: Callable[..., dict[str, Any]]
) -> None:
    drop(here, "indus")
    run("collect_deliveries")
    (name,) = (name for name in samples.sample().files("indus") if "clients" in name)
    header, *rows = samples.sample().files("indus")[name].splitlines(keepends=True)
    shorter = name.replace("_0001.", "_0002.")
    (here.home / "zones" / "indus" / "incoming" / shorter).write_bytes(header + b"".join(rows[:5]))
    run("collect_deliveries")
    form = {"case": 1, "reason": "the ISP confirmed it by telephone"}
    assert run("decide_case", outcome="exempt", **form) == {"state": "failed", "failed": ["decide"]}
    assert run("decide_case", outcome="release", **form)["state"] == "success"
    run("collect_deliveries")
    result = json.loads((here.home / "zones" / "indus" / "outgoing" / f"{shorter}.result.json").read_text("utf-8"))
    assert (result["outcome"], result["revision"]) == ("accepted", 2)
    with home.open_home(here).reading() as db:
        decided = db.execute(text("SELECT outcome, actor FROM decisions")).all()
    assert [tuple(one) for one in decided] == [("release", "dag_test")]


def test_an_extension_is_entered_from_the_form_and_waits_for_another_person(
    here: settings.Settings, run: Callable[..., dict[str, Any]]
) -> None:
    form = {"source": "Letter 12 of 15 June 2026", "reason": "the floods of June"}
    assert run("extend_deadline", ends_on="2026-06-29", **form) == {"state": "failed", "failed": ["enter"]}
    assert run("extend_deadline", ends_on="2026-07-31", **form)["state"] == "success"
    own = run("decide_case", case=1, outcome="approve", reason="I entered it myself")
    assert own == {"state": "failed", "failed": ["decide"]}
    muted = run("mute_notices", isp="nobody", until="2026-06-20", reason="the floods of June")
    assert muted == {"state": "failed", "failed": ["enter"]}
    assert list((here.home.parent / "mail").glob("*.eml")) == []  # what was refused is told to who asked, by its log
    with home.open_home(here).reading() as db:
        entered = db.execute(text("SELECT kind, subject, opened_by, closed_at FROM cases")).all()
    assert [tuple(one) for one in entered] == [("extension", "2026-07-31", "dag_test", None)]


def test_a_broken_audit_chain_stops_the_erasing_and_shows(
    here: settings.Settings, run: Callable[..., dict[str, Any]]
) -> None:
    drop(here, "indus")
    run("collect_deliveries")
    audit.seal(home.open_home(here), samples.INSTANT)
    with home.open_home(here).writing() as db:
        db.execute(text("DROP TRIGGER guard_audit_events_update_kept"))
        db.execute(text("UPDATE audit_events SET actor = 'nobody' WHERE id = 1"))
    assert run("keep_house", dry_run=False) == {"state": "failed", "failed": ["verify_audit"]}


def test_one_broken_zone_fails_alone_and_the_run_shows_it(
    here: settings.Settings, run: Callable[..., dict[str, Any]]
) -> None:
    drop(here, "kirana")
    (here.home / "zones" / "indus" / "incoming").rmdir()
    result = run("collect_deliveries")
    assert result == {"state": "failed", "failed": ["one_isp.take indus"]}
    assert run("collect_deliveries")["state"] == "failed"
    [mail] = read_mails(here.home.parent / "mail")
    assert (mail.to, mail.subject) == (
        ("data-team@regulator.example",),
        "[Simulation] VPN registry: collect_deliveries.take failed for indus",
    )
    assert {f"{name}.result.json" for name in samples.sample().files("kirana")} <= outgoing(here, "kirana")


def test_what_is_stored_is_judged_although_the_zone_is_gone_and_the_run_still_shows_it(
    here: settings.Settings, run: Callable[..., dict[str, Any]]
) -> None:
    drop(here, "indus")
    drop(here, "kirana")
    registry = open_exchange(here, open_sftp=no_sftp)
    assert collect.zones_with_mail(registry) == ["indus", "kirana"]
    assert collect.take(registry, "indus", holder="a pass that ends here")
    (here.home / "zones" / "indus" / "incoming").rename(here.home / "zones" / "indus" / "gone")
    assert run("collect_deliveries") == {"state": "failed", "failed": ["one_isp.take indus"]}
    for slug in ("indus", "kirana"):
        assert {f"{name}.result.json" for name in samples.sample().files(slug)} <= outgoing(here, slug)


def test_a_scheduled_run_leaves_an_isp_to_an_earlier_run_and_one_by_hand_does_not(
    here: settings.Settings, run: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(here, "indus")
    registry = open_exchange(here, open_sftp=no_sftp)
    assert collect.reserve(registry, collect.zones_with_mail(registry), holder="an earlier run") == ["indus"]
    results = {f"{name}.result.json" for name in samples.sample().files("indus")}
    with monkeypatch.context() as scheduled:
        scheduled.setattr("airflow_defaults.is_by_hand", lambda: False)
        assert run("collect_deliveries")["state"] == "success"
    assert not results & outgoing(here, "indus")
    assert run("collect_deliveries")["state"] == "success"
    assert results <= outgoing(here, "indus")


def test_a_registry_that_cannot_be_read_stops_the_run_at_its_first_task(
    run: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "zones_with_mail", lambda _exchange: 1 / 0)
    assert run("collect_deliveries") == {"state": "failed", "failed": ["zones_with_mail"]}


def test_a_relay_that_is_down_leaves_the_letters_waiting(
    here: settings.Settings, run: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drop(here, "indus")
    run("collect_deliveries")
    run("send_notices", dry_run=False)
    notify.approve(home.open_home(here), actor="tester", reason="figures checked")
    working = settings.environment("AIRFLOW_CONN_SMTP_DEFAULT")["AIRFLOW_CONN_SMTP_DEFAULT"]
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection(1, "registry@registry.example")))
    assert run("send_notices", dry_run=False) == {"state": "failed", "failed": ["send indus"]}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", working)
    assert run("send_notices", dry_run=False)["state"] == "success"
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
