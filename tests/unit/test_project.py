"""What holds for the tree as a whole: settings, suppressions, pins and tables tell the truth."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from vpn_registry import airflow_services, roster, settings
from vpn_registry.model import ConfigurationError

ROOT = settings.PROJECT
OURS = ("dags", "include", "plugins", "tests", "docs")
# The front of these files is Airflow's, whose settings are environment variables, or the test runner's.
READ_THE_ENVIRONMENT = {"include/vpn_registry/settings.py", "tests/commands.py", "tests/dags/conftest.py"}
SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma:\s*no cover)[^-#]*(?P<rest>.*)")
REASON = re.compile(r"[-#]\s*\S.{6,}")
EXPIRY = re.compile(r"\b20\d\d-[01]\d-[0-3]\d\)?$")


def python_files() -> list[Path]:
    files = [path for folder in OURS for path in (ROOT / folder).rglob("*.py")]
    assert files
    return sorted(files)


def comments(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as source:
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def table(markdown: str, heading: str) -> list[list[str]]:
    """The cells of the first table below `heading`, without its two header lines."""
    below = markdown.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip().strip("|").split("|") for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def setting_names() -> set[str]:
    """What settings.load() knows: found by asking it about each name that its source mentions."""
    source = (ROOT / "include/vpn_registry/settings.py").read_text(encoding="utf-8")
    candidates = set(re.findall(r'"([A-Z][A-Z_]{2,})"', source))
    return {settings.PREFIX + name for name in candidates if _is_known(settings.PREFIX + name)}


def _is_known(name: str) -> bool:
    try:
        settings.load({name: "7"})
    except ConfigurationError as error:
        return "is not a setting" not in str(error)
    return True


def test_env_example_names_every_setting_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?(VPN_REGISTRY_\w+)=", text, flags=re.MULTILINE)) == setting_names() != set()


def test_the_defaults_in_env_example_are_the_defaults() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^#(VPN_REGISTRY_\w+)=(.*)$", text, flags=re.MULTILINE))
    del shown["VPN_REGISTRY_DATABASE_URL"]  # the example of production; the default is SQLite
    for name in ("VPN_REGISTRY_HOME", "VPN_REGISTRY_ISPS", "VPN_REGISTRY_KEY_FILE"):
        shown[name] = str(ROOT / shown[name])
    assert replace(settings.load(shown), database_url="") == replace(settings.load({}), database_url="")


def test_the_readme_explains_every_setting_and_no_other() -> None:
    rows = table((ROOT / "README.md").read_text(encoding="utf-8"), "## Settings")
    assert {row[0].strip("`") for row in rows} == setting_names()


def test_the_readme_lists_every_make_target_with_its_own_words() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = dict(re.findall(r"^([a-z]+):.*?## (.+)$", makefile, flags=re.MULTILINE))
    phony = re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == set(targets)
    rows = table((ROOT / "README.md").read_text(encoding="utf-8"), "## Commands for developers")
    assert {row[0].strip("`").removeprefix("make "): row[1] for row in rows} == targets


def test_the_readmes_links_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{named(document)} links to {target}, which is not there"


def operations() -> str:
    return (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_the_connections_in_the_operations_page_are_json_with_real_booleans() -> None:
    examples = [json.loads(block) for block in re.findall(r"```json\n(.+?)```", operations(), flags=re.DOTALL)]
    assert [example["conn_type"] for example in examples] == ["sftp", "smtp"]
    for example in examples:
        assert set(example) <= {"conn_type", "host", "port", "login", "password", "extra"}
        assert not [key for key, value in example["extra"].items() if value in ("true", "false")]


def test_the_operations_page_names_the_pools_that_set_up_makes() -> None:
    rows = [[cell.strip("`") for cell in row] for row in table(operations(), "## Pools")]
    assert rows == [[name, str(pool["slots"]), pool["description"]] for name, pool in airflow_services.POOLS.items()]


def test_one_command_makes_every_secret_that_the_compose_file_reads_and_keeps_what_is_there(tmp_path: Path) -> None:
    if shutil.which("openssl") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("openssl or ssh-keygen is not installed")
    env = settings.environment("") | {"AIRFLOW_USERS": "amna:admin,bilal:op"}

    def made(*arguments: str) -> dict[str, str]:
        script = ROOT / "include/deploy/make-secrets"
        subprocess.run([str(script), *arguments], cwd=tmp_path, env=env, capture_output=True, check=True)
        return {
            str(path.relative_to(tmp_path)): path.read_text() for path in sorted(tmp_path.rglob("*")) if path.is_file()
        }

    first = made()
    compose = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
    wanted = re.findall(r"file: \$\{SECRETS:-\./secrets\}/(\S+)", compose)
    assert {f"secrets/{name}" for name in wanted} <= set(first)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").glob("*") if path.is_file()} == {0o600}
    (tmp_path / "secrets/zones/indus.pub").write_text(first["secrets/zones/selftest.pub"])
    again = made("--rehearsal")
    connections = json.loads(again.pop("secrets/connections.json"))
    assert set(connections) == {"sftp_selftest", "sftp_indus", "smtp_default"}
    assert connections["sftp_indus"]["login"] == "indus-c"
    assert connections["sftp_indus"]["extra"]["private_key"] == first["secrets/collector_key"]
    assert {name: first[name] for name in again if name in first} == {
        name: again[name] for name in again if name in first
    }
    assert roster.load_isps(tmp_path / "isps", tmp_path)["selftest"].check_only


def test_only_settings_reads_the_environment() -> None:
    readers = {
        named(path)
        for path in python_files()
        if re.search(r"\bos \. (?:environ|getenv|putenv)\b", _code(path)) and named(path) != named(Path(__file__))
    }
    assert readers <= READ_THE_ENVIRONMENT


def _code(path: Path) -> str:
    """The source without comments and strings: what is executed."""
    with tokenize.open(path) as source:
        tokens = tokenize.generate_tokens(source.readline)
        return " ".join(token.string for token in tokens if token.type in (tokenize.NAME, tokenize.OP))


def test_nothing_of_ours_talks_smtp_by_itself() -> None:
    talkers = [named(path) for path in python_files() if "smtplib" in imported_modules(path)]
    assert talkers == [], "mail leaves through Airflow's SMTP provider only"


def test_every_suppression_says_why_and_outside_the_tests_until_when() -> None:
    bare = [
        f"{named(path)}:{line}"
        for path in python_files()
        for line, comment in comments(path)
        if (found := SUPPRESSION.search(comment)) and not is_explained(found["rest"], path)
    ]
    assert bare == [], "write `# noqa: CODE - why; until YYYY-MM-DD`, the day being when to look at it again"


def is_explained(rest: str, path: Path) -> bool:
    may_last = named(path).startswith("tests/")
    return bool(REASON.search(rest)) and (may_last or bool(EXPIRY.search(rest)))


def test_no_warning_is_silenced_for_the_whole_suite_without_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    silenced = [line for line in lines if re.match(r'\s*["\'](?:ignore|once)(?::|["\'])', line)]
    assert [line for line in silenced if not EXPIRY.search(line)] == []


def test_plugins_hold_at_most_one_python_file_and_let_only_it_in() -> None:
    programs = sorted(path.name for path in (ROOT / "plugins").rglob("*.py"))
    assert len(programs) <= 1
    lines = (ROOT / "plugins/.airflowignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules == ["*", *(f"!{name}" for name in programs)]


def test_no_file_names_a_persons_home_directory() -> None:
    places = re.compile(rb"(?:^|[\s\"'=(:])/(?:root|Users|home/(?!registry\b|airflow\b|\$))/?[a-z]", re.MULTILINE)
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git work tree")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert [named(path) for path in files if path.is_file() and places.search(path.read_bytes())] == []


def requirement_lines() -> list[str]:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def locked_versions() -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        name, version = line.split(";")[0].strip().split("==")
        versions.setdefault(name, set()).add(version)
    return versions


def test_every_direct_dependency_is_pinned_with_a_reason() -> None:
    for line in requirement_lines():
        assert re.fullmatch(r"[a-z0-9-]+(?:\[[a-z,]+\])?==[0-9][\w.]*\s+#\s.{10,}", line), line


def test_the_lock_holds_every_pinned_version() -> None:
    locked = locked_versions()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pins = [*requirement_lines(), *re.findall(r'^\s+"([a-z-]+==[^"]+)"', project, flags=re.MULTILINE)]
    for pin in pins:
        found = re.match(r"([a-z0-9-]+)(?:\[[a-z,]+\])?==([\w.]+)", pin)
        assert found is not None
        assert found[2] in locked.get(found[1], set()), f"requirements.lock has another {found[1]}: make lock"


def test_the_commit_hook_finds_a_key_that_somebody_is_about_to_commit(tmp_path: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    command = shlex.split(next(hook["entry"] for hook in hooks if hook["id"] == "detect-secrets"))
    slip = tmp_path / "upload.py"
    slip.write_text('aws_key = "AKIA' + 'IOSFODNN7EXAMPLZ"\n', encoding="utf-8")
    found = subprocess.run([*command, slip], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert f"{slip}:1" in found.stdout + found.stderr
    slip.write_text("aws_key = ask_the_operator()\n", encoding="utf-8")
    assert subprocess.run([*command, slip], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_no_package_index_or_registry_is_named() -> None:
    """Where packages come from is the machine's own setting."""
    places = re.compile(r"--(?:extra-)?index-url|--find-links|pypi\.org/simple|pythonhosted")
    for name in ("Makefile", "Dockerfile", "pyproject.toml", "requirements.txt", "requirements.lock", ".ci/run"):
        assert not places.search((ROOT / name).read_text(encoding="utf-8")), name


def test_migrations_are_one_chain_in_the_order_of_their_names() -> None:
    versions = ROOT / "include/vpn_registry/registry/migrations/versions"
    told = [re.findall(r'^(?:down_)?revision = (?:"(\d{4})"|None)$', path.read_text("utf-8"), re.MULTILINE)
            for path in sorted(versions.glob("r*.py"))]  # fmt: skip
    numbers = [path.name[1:5] for path in sorted(versions.glob("r*.py"))]
    assert told == [[number, before] for before, number in zip(["", *numbers], numbers, strict=False)]
    assert len(set(numbers)) == len(numbers)
