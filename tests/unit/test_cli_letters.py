"""`vpnreg preview`: a letter before it is sent."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from vpn_registry.cli.app import app


def vpnreg(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_preview_shows_the_letter_as_text_marked_as_a_simulation() -> None:
    done = vpnreg("preview", "T-14", "--isp", "kirana")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Subject: [Simulation] VPN registration: 14 days left (notice N-2026-000123)\n")
    assert "To: Kirana Broadband (kirana)" in done.output


def test_a_preview_for_a_browser_may_be_in_urdu() -> None:
    done = vpnreg("preview", "extended", "--isp", "kirana", "--lang", "ur", "--format", "html")
    assert done.exit_code == 0, done.output
    assert '<html lang="ur" dir="rtl">' in done.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("T-14", "--isp", "nobody"), "'nobody' is not an ISP of the roster"),
        (("T-14", "--isp", "kirana", "--lang", "fr"), "--lang takes en or ur, not 'fr'"),
        (("T-14", "--isp", "kirana", "--format", "pdf"), "--format takes text or html, not 'pdf'"),
        (("T-15", "--isp", "kirana"), "There is no letter 'T-15'; there are"),
    ],
)
def test_what_there_is_not_ends_with_two(arguments: tuple[str, ...], complaint: str) -> None:
    done = vpnreg("preview", *arguments)
    assert done.exit_code == 2
    assert complaint in " ".join(done.output.replace("│", " ").split())


def test_a_dossier_is_put_together_for_somebody() -> None:
    assert vpnreg("dossier", "kirana").exit_code == 2
    done = vpnreg("dossier", "kirana", "--reason", " ")
    assert done.exit_code == 2
    assert "it is kept in the audit trail" in " ".join(done.output.replace("│", " ").split())
