"""The project keeps its own promises: lock files, README, migrations, words."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from packaging.requirements import Requirement
from packaging.version import Version
from sqlalchemy import URL, make_url

from app import schema
from app.config import Config
from tests import databases

ROOT = Path(__file__).parents[2]
FLOORS = {"h11": "0.16", "h2": "4.3", "werkzeug": "3.1.6", "flask": "3.1.3", "quart": "0.20"}
LOCKS = ["requirements.lock", "requirements-laptop.lock", "requirements-dev.lock"]


def locked(name: str) -> dict[str, Version]:
    pins = re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {package: Version(version) for package, version in pins}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_locked_with_hashes_and_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert text.count("==") >= 25
    for block in re.split(r"\n(?=\S)", text):
        if "==" in block:
            assert "--hash=sha256:" in block, block
    assert not re.search(r"https?://|--index|--find-links|file:", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_locked_is_above_the_known_holes(lock: str) -> None:
    versions = locked(lock)
    for package, floor in FLOORS.items():
        assert versions[package] >= Version(floor), package
    assert "passlib" not in versions
    assert "libpass" in versions
    assert "greenlet" in versions


def test_what_is_declared_is_locked() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    declared = [
        Requirement(line)
        for line in re.findall(r'^  "([^"]+)",', text, re.MULTILINE)
        if re.match(r"[a-z]", line) and ("=" in line or line.startswith("types-"))
    ]
    versions = locked("requirements-dev.lock")
    assert len(declared) > 20
    for requirement in declared:
        assert versions[requirement.name.lower()] in requirement.specifier, requirement


def test_passlib_is_libpass() -> None:
    assert set(importlib.metadata.packages_distributions()["passlib"]) == {"libpass"}


def test_the_readme_lists_every_setting_with_its_default() -> None:
    rows = re.findall(
        r"^\| `([A-Z_0-9]+)` \| (.*?) \| (.*?) \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    told = {name: (default, words) for name, default, words in rows}
    assert set(told) == {name.upper() for name in Config.model_fields}
    for name, field in Config.model_fields.items():
        default, words = told[name.upper()]
        assert words == field.description, name
        wanted = "" if field.default in {None, ()} or field.is_required() else f"`{field.default}`"
        assert default == wanted, name


def test_nothing_committed_names_this_workplace() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    words = [b"pypi" + b".org", b"/" + b"work/", b"/root" + b"/", b"file" + b"://"]
    for name in listed.stdout.split():
        content = (ROOT / name).read_bytes()
        assert not [word for word in words if word in content], name


def test_models_and_migrations_agree(worker_database: URL) -> None:
    command.check(schema.alembic_config(worker_database))


def test_migrations_go_down_and_up_again(worker_database: URL) -> None:
    with databases.fresh(worker_database) as url:
        schema.migrate(url)
        command.downgrade(schema.alembic_config(url), "base")
        schema.migrate(url)


def test_six_migrations_at_once_take_turns(worker_database: URL) -> None:
    with databases.fresh(worker_database) as url:
        environ = {
            "DATABASE_URL": url.render_as_string(hide_password=False),
            "SECRET_KEY": "tests-only-9fK2mQ7xR4tB8wZ1cV6nJ3hL",
            "PATH": "/usr/bin:/bin",
        }
        runs = [
            subprocess.Popen([sys.executable, "-m", "app", "migrate"], cwd=ROOT, env=environ)
            for _ in range(6)
        ]
        assert [run.wait(60) for run in runs] == [0] * 6


def test_alembic_by_hand_works_too(worker_database: URL) -> None:
    with databases.fresh(worker_database) as url:
        environ = {
            "DATABASE_URL": make_url(url)
            .render_as_string(hide_password=False)
            .replace("+asyncpg", ""),
            "SECRET_KEY": "tests-only-9fK2mQ7xR4tB8wZ1cV6nJ3hL",
            "PATH": "/usr/bin:/bin",
        }
        for arguments in (["upgrade", "head"], ["check"]):
            done = subprocess.run(
                [sys.executable, "-m", "alembic", *arguments],
                cwd=ROOT, env=environ, check=False, capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr


def test_files_of_migrations_are_named_by_their_revisions() -> None:
    """``schema`` reads the names alone: workers need none of alembic."""
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    assert schema.OURS.head == scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    assert set(schema.OURS.revisions) == known
