"""The command line: refusals first, each with a sentence and an exit status."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from tests import databases
from tests.server import ROOT, environment
from tests.shell import Shell

COMMANDS = [
    [], ["serve"], ["migrate"], ["mailer"], ["secret-key"], ["users"], ["users", "create"],
    ["users", "list"], ["users", "block"], ["users", "unblock"], ["users", "set-role"],
    ["roles"], ["sessions"], ["audit"], ["registrations"], ["emails"], ["housekeeping"],
    ["doctor"], ["shell"],
    ["users", "import"], ["users", "export"], ["users", "hashes"],
]  # fmt: skip


class Processes(Shell):
    """Runs each command in a process of its own."""

    def _do(self, arguments: tuple[str, ...], environ: dict[str, str]) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def shell(worker_database: URL) -> Iterator[Shell]:
    with databases.fresh(worker_database) as url:
        shell = Shell(environment(url))
        shell.run("migrate")
        yield shell


@pytest.fixture(scope="module")
def processes(shell: Shell) -> Processes:
    return Processes(shell.environ)


def test_it_works_as_a_process_too(processes: Processes) -> None:
    """The others run in the tests' own process."""
    assert "Usage: python -m app" in processes.run("--help")
    assert processes.run("users", "list", "--json") == "[]\n"
    assert "No user" in processes.run("users", "block", "nobody", status=1)
    assert "WORKERS: " in processes.run("users", "list", status=2, WORKERS="many")
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    assert "Can't reach" in processes.run("users", "list", status=1, DATABASE_URL=nowhere)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(shell: Shell, command: list[str]) -> None:
    assert "Usage: python -m app" in shell.run(*command, "--help")


def test_an_unknown_command_is_refused(shell: Shell) -> None:
    assert "No such command" in shell.run("dance", status=2)


def test_wrong_settings_are_all_named(shell: Shell) -> None:
    said = shell.run("users", "list", status=2, WORKERS="many", PUBLIC_URL="http://example.com")
    assert said.startswith("Some settings are wrong:\n")
    assert "WORKERS: " in said
    assert "PUBLIC_URL: " in said


def test_a_database_that_is_away_is_told_in_a_sentence(shell: Shell) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    for command in (["users", "list"], ["migrate"]):
        assert "Can't reach" in shell.run(*command, status=1, DATABASE_URL=nowhere)


def test_a_wrong_address_is_refused(shell: Shell) -> None:
    assert "EMAIL" in shell.run("users", "create", "nonsense", status=2)


def test_a_user_name_that_cannot_be_derived_is_asked_for(shell: Shell) -> None:
    assert "--username" in shell.run("users", "create", "1@example.com", status=2)


def test_two_roles_at_once_are_refused(shell: Shell) -> None:
    said = shell.run("users", "create", "a@example.com", "--admin", "--role", "User", status=2)
    assert "not both" in said


def test_an_unknown_role_is_refused_with_those_there_are(shell: Shell) -> None:
    said = shell.run(
        "users", "create", "r@example.com", "--username", "rrr", "--role", "X", status=1
    )
    assert "User, Moderator, Administrator" in said


def test_nobody_cannot_be_blocked(shell: Shell) -> None:
    for command in (["block", "nobody"], ["unblock", "nobody"], ["set-role", "nobody", "User"]):
        assert "No user" in shell.run("users", *command, status=1)


def test_an_empty_list_says_what_to_do(shell: Shell) -> None:
    assert "users create --admin" in shell.run("users", "list")
    assert shell.run("users", "list", "--json") == "[]\n"


def test_the_first_administrator_is_made_by_a_one_time_link(shell: Shell) -> None:
    said = shell.run("users", "create", "root@example.com", "--admin")
    assert "http://127.0.0.1:8000/invitation/" in said
    assert "24 hours" in said
    again = json.loads(shell.run("users", "create", "root@example.com", "--admin", "--json"))
    assert again["username"] == "root"
    assert again["url"] not in said
    (root,) = json.loads(shell.run("users", "list", "--json"))
    assert (root["username"], root["role"]) == ("root", "Administrator")
    assert not [name for name in root if "hash" in name or name == "password"]


def test_a_person_is_looked_after(shell: Shell) -> None:
    shell.run("users", "create", "carol@example.com")
    shell.run("users", "block", "carol")
    assert re.search(r"carol +carol@example.com +User +blocked", shell.run("users", "list"))
    shell.run("users", "unblock", "carol@example.com")
    assert "changed to Moderator." in shell.run("users", "set-role", "CAROL", "moderator")
    shell.run("users", "create", "carol@example.com")
    assert re.search(r"carol +carol@example.com +Moderator +invited", shell.run("users", "list"))
    assert "already" in shell.run(
        "users", "create", "other@example.com", "--username", "carol", status=1
    )


def test_housekeeping_counts_before_it_prunes(shell: Shell) -> None:
    insert = "INSERT INTO rate_limit_buckets SELECT sha256(i::text::bytea), 1, now(), now() "
    url = make_url(shell.environ["DATABASE_URL"])
    databases.execute(url, f"{insert} FROM generate_series(1, 1500) i")
    for arguments, word in ((["--dry-run"], "TO DELETE"), ([], "DELETED")):
        said = shell.run("housekeeping", *arguments)
        assert re.search(rf"^TABLE +{word}$", said, re.MULTILINE)
        assert re.search(r"^rate_limit_buckets +1,500$", said, re.MULTILINE)
    assert re.search(r"^rate_limit_buckets +0$", shell.run("housekeeping"), re.MULTILINE)


def test_secret_keys_are_long_and_differ(shell: Shell) -> None:
    one, other = shell.run("secret-key").strip(), shell.run("secret-key").strip()
    assert one != other
    assert len(one) >= 64
    shell.run("users", "list", SECRET_KEY=one)


def test_a_laptop_at_rest_starts_its_database_for_a_command(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        for path in (tmp_path, *tmp_path.parents):
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
    shell = Shell(environment(DATA_DIR=str(tmp_path / "var")))
    said = shell.run("users", "create", "root@example.com", "--admin", status=1)
    assert "give it here too" in said
    assert not (tmp_path / "var").exists()
    assert "Database is up to date." in shell.run("migrate")
    assert "/invitation/" in shell.run("users", "create", "root@example.com", "--admin")
    assert "root" in shell.run("users", "list")
    key = tmp_path / "var" / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert not (tmp_path / "var" / "postgres" / "postmaster.pid").exists()


def test_without_a_running_laptop_its_parts_say_so(tmp_path: Path) -> None:
    processes = Processes(environment(DATA_DIR=str(tmp_path / "var")))
    assert "make run" in processes.run("mailer", status=1)


def test_a_cut_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_text("a")
    shell = Shell(environment(DATA_DIR=str(tmp_path / "var")))
    assert "has no valid key" in shell.run("migrate", status=2)


def test_the_shell_awaits_and_knows_the_models(shell: Shell) -> None:
    typed = """
alice = User(username="alice")
alice.password = "alice likes long walks"
print([alice.verify_password(each) for each in ("alice likes long walks", "wrong")])
async with ctx.db.begin():
    print(await ctx.db.scalar(select(Role.name).where(Role.is_default)))

alice.password
print("goes on")
"""
    done = subprocess.run(
        [sys.executable, "-m", "app", "shell"],
        cwd=ROOT, env=shell.environ, input=typed, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "[True, False]" in done.stdout
    assert "User" in done.stdout
    assert "goes on" in done.stdout
    assert "password is write-only" in done.stderr
