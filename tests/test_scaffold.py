"""``site new`` writes a package that works: its tests pass, and its tables grow by migrations."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app import schema
from app.site import Site
from tests import databases
from tests.conftest import SETTINGS

ROOT = Path(__file__).parent.parent
NAME = "shop"
HEAD = f"""from alembic import op

revision = "{NAME}_0003"
down_revision = "{NAME}_0002"
"""
BROKEN = {
    "op.no_such_thing": "AttributeError: module 'alembic.op' has no attribute 'no_such_thing'",
    "def upgrade() -> None:\n    undefined()": "NameError: name 'undefined' is not defined",
    'def upgrade() -> None:\n    op.drop_table("nowhere")': (
        'ProgrammingError: table "nowhere" does not exist'
    ),
}


def run(cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environ = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(cwd), **environ}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=cwd, env=environ, check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the package was written."""
    folder = tmp_path_factory.mktemp("owner")
    done = run(folder, "app", "site", "new", NAME)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", ["app", "json", "My-Site", "../x", NAME])
def test_a_name_that_is_taken_or_none_is_refused(folder: Path, name: str) -> None:
    done = run(folder, "app", "site", "new", name)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_every_file_is_as_good_as_ours(folder: Path) -> None:
    for check in (["format", "--check"], ["check", "--ignore", "S101,S105,D,INP001,PLR2004"]):
        done = run(folder, "ruff", *check, "--config", str(ROOT / "pyproject.toml"), NAME)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_its_own_tests_pass(folder: Path) -> None:
    server = os.environ["VESTIBULE_TEST_SERVER"]
    options = ["-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", "."]
    done = run(folder, "pytest", *options, NAME, TEST_DATABASE_URL=server)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout


@pytest.mark.slow
def test_a_first_migration_is_written_whole_and_readiness_knows_both(tmp_path: Path) -> None:
    assert run(tmp_path, "app", "site", "new", NAME).returncode == 0
    (tmp_path / NAME / "migrations" / f"{NAME}_0001_notes.py").unlink()
    with databases.fresh(make_url(os.environ["VESTIBULE_TEST_SERVER"])) as url:
        settings = settings_for(url)
        made = run(tmp_path, "app", "site", "migration", "Notes", **settings)
        assert made.returncode == 0, made.stderr
    with databases.fresh(make_url(os.environ["VESTIBULE_TEST_SERVER"])) as url:
        settings = settings_for(url)
        done = run(tmp_path, "app", "migrate", **settings)
        assert done.returncode == 0, done.stderr
        found = databases.in_thread(asyncio.run, at(url))
        site = Site(NAME, tmp_path / NAME)
        assert found == {schema.OURS.head, f"{NAME}_0001"}
        assert not schema.is_behind(found, site)
        assert schema.is_behind({f"{NAME}_0001"}, site)
        assert schema.is_behind({str(schema.OURS.head)}, site)


async def at(url: URL) -> frozenset[str]:
    """Return where a database is."""
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        return await schema.revisions(engine)
    finally:
        await engine.dispose()


def settings_for(url: URL) -> dict[str, str]:
    return {
        "SITE": NAME,
        "DATABASE_URL": url.render_as_string(hide_password=False).replace("+asyncpg", ""),
        "SECRET_KEY": str(SETTINGS["secret_key"]),
    }


@pytest.mark.slow
def test_the_script_of_the_docs_runs(tmp_path: Path) -> None:
    assert run(tmp_path, "app", "site", "new", NAME).returncode == 0
    text = (ROOT / "docs" / "extending.md").read_text()
    (script,) = (
        each for each in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "run_sc" in each
    )
    (tmp_path / NAME / "remind.py").write_text(script)
    with databases.fresh(make_url(os.environ["VESTIBULE_TEST_SERVER"])) as url:
        settings = settings_for(url)
        assert run(tmp_path, "app", "migrate", **settings).returncode == 0
        run(tmp_path, "app", "users", "create", "ann@example.com", **settings)
        done = run(tmp_path, f"{NAME}.remind", **settings)
        assert done.stdout == "ann@example.com\n", done.stderr


@pytest.mark.slow
def test_its_tables_grow_by_migrations_beside_ours(tmp_path: Path) -> None:
    folder = tmp_path
    assert run(folder, "app", "site", "new", NAME).returncode == 0
    with databases.fresh(make_url(os.environ["VESTIBULE_TEST_SERVER"])) as url:
        settings = settings_for(url)
        assert "up to date" in run(folder, "app", "migrate", **settings).stdout
        models = folder / NAME / "models.py"
        models.write_text(models.read_text() + "    colour: Mapped[str | None]\n")
        lacking = run(folder, "app", "migrate", **settings)
        assert "shop/models.py: the column shop_notes.colour has no migration." in lacking.stderr
        made = run(folder, "app", "site", "migration", "A colour", **settings)
        assert made.returncode == 0, made.stderr
        written = (folder / NAME / "migrations" / f"{NAME}_0002_a_colour.py").read_text()
        assert 'op.add_column("shop_notes"' in written.replace("'", '"')
        assert "users" not in written, "our tables are no business of it"
        for arguments in (["migrate"], ["migrate"]):
            done = run(folder, "app", *arguments, **settings)
            assert done.returncode == 0
            assert "has no migration" not in done.stderr
        doctor = run(folder, "app", "doctor", **settings).stdout
        assert f"✓ migrations: up to date ({schema.OURS.head}, {NAME}_0002)" in doctor
        nothing = run(folder, "app", "site", "migration", "Nothing", **settings)
        assert "nothing to write" in nothing.stdout
        assert len(list((folder / NAME / "migrations").glob("*.py"))) == 2
        newest = folder / NAME / "migrations" / f"{NAME}_0002_a_colour.py"
        kept = newest.read_text()
        newest.unlink()
        lost = run(folder, "app", "migrate", **settings)
        assert f"{NAME}/migrations/ lacks {NAME}_0002: bring its file back." in lost.stderr
        newest.write_text(kept)
        for text, why in BROKEN.items():
            broken = folder / NAME / "migrations" / f"{NAME}_0003_broken.py"
            broken.write_text(HEAD + text)
            failed = run(folder, "app", "migrate", **settings)
            assert failed.returncode == 2
            line = (HEAD + text).count("\n") + 1
            place = f"SITE: {NAME}/migrations/{broken.name}, line {line}"
            assert failed.stderr.strip() == f"{place}: {why}"
            broken.unlink()
        without = run(folder, "app", "migrate", **(settings | {"SITE": ""}))
        assert without.returncode == 1
        assert f"set SITE={NAME}" in without.stderr
        assert "Traceback" not in without.stderr
