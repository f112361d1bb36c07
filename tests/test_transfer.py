"""``users import``, ``export`` and ``hashes`` on the command line: refusals first."""

import asyncio
import csv
import json
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests import databases
from tests.imports import FILES, SALT, WERKZEUG
from tests.server import ROOT, environment
from tests.shell import Shell

USERS = f"""email,username,password_hash,role,confirmed,blocked,created_at
anna@example.com,anna,{WERKZEUG},Moderator,true,false,2020-02-02T10:00:00Z
'=bert@example.com,,{WERKZEUG},,false,true,
cleo@example.com,,,User,true,false,2021-02-02
"""
BAD = """email,username,password_hash,Role,shoe_size
anna@example.com,anna,plain,,42
bert@example.com,b r t,,,
cleo@example.com,cleo,,Emperor,
=x@example.com,xxx,too,few
dora@example.com,dora,,,
DORA@example.com,dora2,,,
"""


@pytest.fixture
def url(worker_database: URL) -> URL:
    """Return a database without people."""
    _run(worker_database, databases.EMPTY)
    return worker_database


@pytest.fixture
def shell(url: URL) -> Shell:
    return Shell(environment(url))


def _run(url: URL, statement: str) -> int | None:
    """Run a statement, return the number that it finds, if any."""

    async def run() -> int | None:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.begin() as connection:
            found = await connection.execute(text(statement))
            return int(found.scalar_one()) if found.returns_rows else None

    return asyncio.run(run())


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(USERS)
    return path


def users(shell: Shell) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = json.loads(shell.run("users", "list", "--json"))
    return found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-such-file.csv"], "exist"),
        (["README.md"], "Add --format"),
        (["README.md", "--format", "csv", "--map", "shoe=size"], "COLUMN=NAME"),
        (["README.md", "--format", "csv", "--map", "email"], "COLUMN=NAME"),
        (["-"], "Add --format"),
        (["README.md", "--format", "xml"], "'xml' is not one of"),
        (["mysql://root@localhost/x"], "must be an address like postgresql://"),
        (["postgresql://localhost/x", "--format", "csv"], "--format only works"),
        (["README.md", "--format", "csv", "--table", "user"], "--table only works"),
        (["README.md", "--format", "csv", "--report", "/no/such/place"], "Couldn't write"),
    ],
)
def test_what_cannot_be_meant_is_refused(shell: Shell, arguments: list[str], words: str) -> None:
    assert words in shell.run("users", "import", *arguments, status=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["README.md", "--format", "csv"], "name the columns"),
        (["postgresql://nobody@127.0.0.1:1/x"], "reach the source database"),
    ],
)
def test_what_cannot_be_read_is_refused(shell: Shell, arguments: list[str], words: str) -> None:
    assert words in shell.run("users", "import", *arguments, status=1)


def test_every_problem_is_told_by_its_line_and_nobody_comes_in(
    shell: Shell, tmp_path: Path
) -> None:
    source, report = tmp_path / "bad.csv", tmp_path / "report.csv"
    source.write_text(BAD)
    for option in ("--dry-run", "--report"):
        given = [option] if option == "--dry-run" else [option, str(report)]
        said = shell.run("users", "import", str(source), *given, status=1)
        for words in (
            "line 2, anna@example.com, password_hash: This isn't a known kind of password hash",
            "line 3, bert@example.com, username: The username “b r t” contains “ ”",
            "line 4, cleo@example.com, role: The role “Emperor” doesn't exist",
            "line 5: This line has 4 columns, but the first line names 5.",
            "line 7, DORA@example.com, email: This email address is already in line 6.",
        ):
            assert words in said
    assert users(shell) == []
    written = list(csv.DictReader(report.read_text().splitlines()))
    assert sorted(int(row["line"]) for row in written) == [2, 3, 4, 5, 7]
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_the_others_come_in_if_bad_ones_are_skipped(shell: Shell, tmp_path: Path) -> None:
    source = tmp_path / "bad.csv"
    source.write_text(BAD)
    shell.run("users", "import", str(source), "--skip-bad", status=1)
    assert [user["username"] for user in users(shell)] == ["dora"]


def test_many_problems_are_told_in_part(shell: Shell, tmp_path: Path) -> None:
    source = tmp_path / "bad.jsonl"
    source.write_text("{}\n" * 200)
    said = shell.run("users", "import", str(source), status=1)
    assert said.count("The email address is missing.") == 50
    assert "--report FILE" in said


def test_what_came_in_is_summed_up(shell: Shell, csv_file: Path) -> None:
    said = shell.run("users", "import", str(csv_file), "--dry-run")
    assert "Would import 3 users." in said
    assert users(shell) == []
    said = shell.run("users", "import", str(csv_file))
    for words in (
        "Imported 3 users.",
        "Not confirmed: 1 of them",
        "Without a password: 1 of them",
        "2 users with an outdated hash. Each is replaced at the next sign-in.",
    ):
        assert words in said
    by_name = {user["username"]: user for user in users(shell)}
    assert by_name["anna"]["role"] == "Moderator"
    assert by_name["user__bert"]["email"] == "=bert@example.com"
    assert by_name["user__bert"]["confirmed_at"] is None
    assert by_name["user__bert"]["blocked_at"] is not None
    said = shell.run("users", "import", str(csv_file))
    assert "Already here, unchanged: 3 users." in said
    assert len(users(shell)) == 3


def test_a_database_of_sqlite_is_read_by_its_name_alone(shell: Shell, tmp_path: Path) -> None:
    garbled, empty = tmp_path / "x.db", tmp_path / "empty.sqlite3"
    garbled.write_bytes(b"SQLite format 3\0" + b"garbage" * 999)
    empty.touch()
    assert "reported" in shell.run("users", "import", str(garbled), status=1)
    assert "no table" in shell.run("users", "import", str(empty), status=1)
    course = str(FILES / "course.db")
    assert "no table “people”" in shell.run(
        "users", "import", course, "--table", "people", status=1
    )
    said = shell.run("users", "import", course)
    assert "Imported 2 users." in said
    assert "Ignored columns: about_me, avatar_hash, location, name." in said
    by_name = {user["username"]: user for user in users(shell)}
    assert by_name["anna"]["role"] == "Moderator"
    assert by_name["bert"]["confirmed_at"] is None


def test_a_column_that_may_matter_stops_it_until_it_is_mapped_or_ignored(shell: Shell) -> None:
    source = ["users", "import", str(FILES / "approval.csv")]
    assert "--ignore account_status" in shell.run(*source, status=1)
    assert "--map is_approved=" in shell.run(*source, "--ignore", "account_status", status=1)
    said = shell.run(*source, "--ignore", "Account_Status", "--map", "is_approved=active")
    assert "Ignored columns: account_status." in said
    assert users(shell)[0]["blocked_at"] is not None


@pytest.mark.parametrize(
    "mistyped", [["--map", "is_aproved=active"], ["--ignore", "is_aproved"]], ids=["map", "ignore"]
)
def test_an_option_with_a_column_that_is_not_there_is_refused(
    shell: Shell, mistyped: list[str]
) -> None:
    rest = ["--ignore", "account_status", "--map", "is_approved=active"]
    said = shell.run("users", "import", str(FILES / "approval.csv"), *rest, *mistyped, status=1)
    assert "There is no column “is_aproved” to map or to ignore, only account_status, " in said
    assert users(shell) == []


def test_flask_securitys_people_need_its_salt(shell: Shell) -> None:
    source = ["users", "import", str(FILES / "flask-security.csv")]
    assert "SECURITY_PASSWORD_SALT" in shell.run(*source, status=1)
    assert "Imported 3 users." in shell.run(*source, "--flask-security-salt", SALT)
    assert "bcrypt (Flask-Security)" in shell.run("users", "hashes")


def test_columns_that_are_not_read_and_confirmation_that_is_not_told_are_named(
    shell: Shell, tmp_path: Path
) -> None:
    source = tmp_path / "few.csv"
    source.write_text("email,shoe_size,pasword_hash\na@example.com,42,x\n")
    said = shell.run("users", "import", str(source))
    assert "Ignored columns: pasword_hash, shoe_size." in said
    assert "all count as confirmed" in said


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_is_exported_comes_in_elsewhere_as_it_was(
    shell: Shell, worker_database: URL, csv_file: Path, tmp_path: Path, ending: str
) -> None:
    shell.run("users", "import", str(csv_file))
    first, second = tmp_path / f"first.{ending}", tmp_path / f"second.{ending}"
    shell.run("users", "export", str(first))
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert WERKZEUG in first.read_text()
    with databases.migrated(worker_database) as url:
        elsewhere = Shell(environment(url))
        elsewhere.run("users", "import", str(first))
        elsewhere.run("users", "export", str(second))
        assert second.read_text() == first.read_text()
        assert elsewhere.run("users", "export", "--format", ending) == first.read_text()


def test_no_cell_of_an_export_is_a_formula(shell: Shell, csv_file: Path) -> None:
    shell.run("users", "import", str(csv_file))
    said = shell.run("users", "export")
    cells = [cell for row in csv.reader(said.splitlines()) for cell in row]
    assert "'=bert@example.com" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_an_export_overwrites_nothing_and_says_what_it_is(shell: Shell, csv_file: Path) -> None:
    assert "already" in shell.run("users", "export", str(csv_file), status=2)
    assert csv_file.read_text() == USERS
    assert "Add --format" in shell.run("users", "export", "people", status=2)
    done = subprocess.run(
        [sys.executable, "-m", "app", "users", "export"],
        cwd=ROOT, env=shell.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Exported 0 users with their password hashes" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk here")
def test_a_full_disk_is_told(shell: Shell) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "app", "users", "export"],
            cwd=ROOT, env=shell.environ, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode != 0
    assert "t write the users: No space left" in done.stderr


def test_hashes_are_counted(shell: Shell, csv_file: Path) -> None:
    assert "No user has a password yet." in shell.run("users", "hashes")
    shell.run("users", "import", str(csv_file))
    assert "2  outdated: replaced at the next sign-in" in shell.run("users", "hashes")
    (kind,) = json.loads(shell.run("users", "hashes", "--json"))
    assert kind == {"name": "scrypt (werkzeug)", "users": 2, "is_old": True}


def test_an_import_that_is_killed_while_it_writes_leaves_nothing(
    shell: Shell, url: URL, tmp_path: Path
) -> None:
    source = tmp_path / "many.csv"
    lines = [f"p{number}@example.com,person{number}" for number in range(7000)]
    source.write_text("\n".join(["email,username", *lines]))

    async def kill() -> None:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.begin() as connection:  # somebody late in the file registers, slowly
            await connection.execute(
                text(
                    "INSERT INTO users (email, email_key, username, username_key, role_id) "
                    "VALUES ('q', 'p6000@example.com', 'slow', 'slow', 1)"
                )
            )
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app", "users", "import", str(source),
                cwd=ROOT, env=shell.environ,
            )  # fmt: skip
            waits = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND datname = current_database()"
            )
            for _ in range(600):
                await asyncio.sleep(0.05)
                async with engine.connect() as other:
                    if await other.scalar(text(waits)):
                        break
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL

    asyncio.run(kill())
    deadline = time.monotonic() + 10
    while _run(url, "SELECT count(*) FROM users") != 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _run(url, "SELECT count(*) FROM users") == 1
    assert _run(url, "SELECT count(*) FROM audit_events") == 0
    said = shell.run("users", "import", str(source))
    assert "Imported 6,999 users." in said


def test_who_looks_on_sees_a_bar(shell: Shell, csv_file: Path) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "app", "users", "import", str(csv_file)],
        cwd=ROOT, env=shell.environ | {"TERM": "xterm"}, stderr=theirs,
        stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    os.close(theirs)
    assert b"Reading" in os.read(ours, 10000)
    os.close(ours)


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["csv", "jsonl"]), st.binary(max_size=300))
def test_garbage_never_ends_in_a_traceback(shell: Shell, form: str, data: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "users", "import", "-", "--format", form, "--dry-run"],
        cwd=ROOT, env=shell.environ, input=b"email,username\n" + data, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in {0, 1}
    assert b"Traceback" not in done.stderr
