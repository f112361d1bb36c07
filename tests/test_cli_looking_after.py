"""The commands for looking after people, in this process; refusals first."""

import csv
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.program import commands
from app.cli.shared import Deployment
from app.config import load
from app.context import Context
from app.kit.errors import Refusal
from app.services import opened
from app.words.refusals import sentence
from tests import databases
from tests.factors import add_app
from tests.server import environment
from tests.users import ALICE, create_user

NEW_KEY = "Qm7-xR4tB8wZ1cV6nJ3hL9fK2pYs0dGu"


class Shell:
    """Runs commands in one deployment; each as ``python -m app`` would."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self._runner = CliRunner(env=environ)

    def run(self, *arguments: str, status: int = 0, typed: str | None = None) -> str:
        """Return what a command says, a refusal being what ``python -m app`` makes of it."""
        done = self._runner.invoke(commands, arguments, input=typed)
        if isinstance(done.exception, Refusal):
            assert status == 1, done.exception
            return sentence(done.exception)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == status, done.output
        return done.output if status else done.stdout


@pytest.fixture(scope="module")
def shell(worker_database: URL) -> Iterator[Shell]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with databases.migrated(worker_database) as url:
        yield Shell(environment(url))
    root.handlers[:], root.level = before


@pytest.fixture
def carol(shell: Shell) -> Iterator[str]:
    shell.run("users", "create", "carol@example.com")
    yield "carol"
    shell.run("users", "delete", "carol", "--yes")


@pytest.mark.parametrize(
    "command",
    [
        ["users", "show"], ["users", "block"], ["users", "unblock"], ["users", "set-role"],
        ["users", "end-sessions"], ["users", "delete"], ["users", "send-reset"],
        ["sessions", "list"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nobody_cannot_be_looked_after(shell: Shell, command: list[str]) -> None:
    more = ["User"] if "set-role" in command else []
    said = shell.run(*command, "nobody", *more, status=1)
    assert "No user" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["roles", "create", "Editor", "FLY"], "FLY isn't a permission. Use: FOLLOW, COMMENT"),
        (["roles", "set-permissions", "User", "FLY"], "FLY isn't a permission"),
        (["audit", "list", "--network", "here"], "192.0.2.0/24"),
        (["audit", "list", "--event", "dance"], "dance"),
        (["audit", "list", "--since", "tomorrow"], "tomorrow"),
        (["audit", "list", "--until", "9999-12-31"], "too late"),
        (["audit", "export", "--format", "xlsx"], "xlsx"),
        (["users", "find", "--state", "dead"], "dead"),
        (["users", "invite", "nonsense"], "EMAIL"),
        (["sessions", "end", "root", "x"], "UUID"),
    ],
)
def test_a_wrong_word_is_explained(shell: Shell, arguments: list[str], words: str) -> None:
    assert words in shell.run(*arguments, status=2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["roles", "create", "x", "FOLLOW"], "2 to 40 letters"),
        (["roles", "create", "<b>", "FOLLOW"], "2 to 40 letters"),
        (["roles", "create", "moderator", "FOLLOW"], "already"),
        (["roles", "delete", "Emperor"], "there are User, Moderator, Administrator"),
        (["roles", "delete", "User"], "This is the default role"),
        (["roles", "set-default", "Administrator"], "would be an administrator"),
        (["roles", "set-permissions", "User", "ADMIN"], "would be an administrator"),
        (["audit", "list", "--user", "nobody"], "No user"),
    ],
)
def test_what_cannot_be_is_refused(shell: Shell, arguments: list[str], words: str) -> None:
    assert words in shell.run(*arguments, status=1)


def test_a_role_from_its_beginning_to_its_end(shell: Shell, carol: str) -> None:
    assert "FOLLOW, WRITE" in shell.run("roles", "create", "Editor in-chief", "follow,write")
    shell.run("users", "set-role", carol, "editor in-CHIEF")
    said = shell.run("roles", "delete", "Editor in-chief", status=1)
    assert said.startswith("One person has the role Editor in-chief.")
    shell.run("roles", "set-permissions", "Editor in-chief", "nothing")
    shell.run("roles", "set-default", "Editor in-chief")
    (editor,) = [
        role
        for role in json.loads(shell.run("roles", "list", "--json"))
        if role["name"] == "Editor in-chief"
    ]
    assert editor == {
        "name": "Editor in-chief", "is_default": True, "permissions": "nothing", "holders": 1,
        "factor_required": False,
    }  # fmt: skip
    shell.run("roles", "set-default", "user")
    shell.run("users", "set-role", carol, "User")
    shell.run("roles", "delete", "Editor in-chief")
    assert "Editor" not in shell.run("roles", "list")


def test_a_person_is_found_and_shown(shell: Shell, carol: str) -> None:
    assert "carol@example.com" in shell.run("users", "find", "AROL@EX")
    assert "carol" not in shell.run("users", "find", "%")
    (found,) = json.loads(shell.run("users", "find", "--state", "invited", "--json"))
    shown = json.loads(shell.run("users", "show", found["id"], "--json"))
    assert shown["username"] == carol
    assert shown["states"] == ["invited"]
    assert not [name for name in shown if "hash" in name]
    assert "The command line created an account for carol" in shell.run("users", "show", carol)


def test_a_reason_is_kept_while_the_block_lasts(shell: Shell, carol: str) -> None:
    shell.run("users", "block", carol, "--reason", "sells hats")
    assert json.loads(shell.run("users", "show", carol, "--json"))["blocked_reason"] == "sells hats"
    assert "blocked carol (sells hats)" in shell.run("audit", "list", "--user", carol)
    shell.run("users", "unblock", carol)
    assert json.loads(shell.run("users", "show", carol, "--json"))["blocked_reason"] is None


def test_deleting_asks_for_the_name(shell: Shell) -> None:
    shell.run("users", "create", "dave@example.com")
    said = shell.run("users", "delete", "dave", status=1, typed="bob\n")
    assert "To delete this user, type dave." in said
    shell.run("users", "delete", "dave", typed="dave\n")
    assert "dave" not in shell.run("users", "find")


def test_an_invitation_is_not_printed(shell: Shell) -> None:
    said = shell.run("users", "invite", "erin@example.com")
    assert "queued for sending" in said
    assert "http" not in said
    shell.run("users", "delete", "erin", "--yes")


def test_sessions_are_ended(shell: Shell, carol: str) -> None:
    assert "BROWSER" in shell.run("sessions", "list", carol)
    assert json.loads(shell.run("sessions", "list", carol, "--json")) == []
    nothing = "00000000-0000-0000-0000-000000000000"
    assert "t have this session" in shell.run("sessions", "end", carol, nothing, status=1)
    assert "ended: 0." in shell.run("users", "end-sessions", carol)
    assert shell.run("sessions", "end-all", status=1, typed="n\n").endswith("Aborted!\n")
    assert "ended: 0." in shell.run("sessions", "end-all", "--yes")


def test_the_book_is_read_and_taken_along(shell: Shell, carol: str) -> None:
    shell.run("users", "block", carol)
    (line,) = json.loads(
        shell.run("audit", "list", "--user", carol, "--event", "account.blocked", "--json")
    )
    assert line["what"] == "The command line blocked carol"
    assert "blocked carol" not in shell.run("audit", "list", "--until", "2001-01-01")
    said = shell.run("audit", "export", "--user", carol)
    assert json.loads(said.splitlines()[0])["event"] == "account.blocked"
    rows = list(csv.DictReader(io.StringIO(shell.run("audit", "export", "--format", "csv"))))
    blocked = next(row for row in rows if row["event"] == "account.blocked")
    assert re.fullmatch(r"[0-9a-f-]{36}", blocked["subject_id"])


def test_a_reset_link_goes_by_email_and_is_not_printed(shell: Shell, carol: str) -> None:
    said = shell.run("users", "send-reset", carol)
    assert "queued for sending" in said
    assert "http" not in said
    assert json.loads(shell.run("emails", "list", "--json"))["waiting"] > 0
    shell.run("users", "block", carol)
    assert "Unblock them before" in shell.run("users", "send-reset", carol, status=1)


def test_nobody_waits_and_no_email_was_given_up(shell: Shell) -> None:
    unknown = "11111111-2222-4333-8444-555555555555"
    assert json.loads(shell.run("registrations", "list", "--json")) == []
    assert "REGISTERED" in shell.run("registrations", "list")
    assert "has been confirmed or has expired" in shell.run(
        "registrations", "resend", unknown, status=1
    )
    assert "not a valid UUID" in shell.run("registrations", "resend", "x", status=2)
    assert "FAILED" in shell.run("emails", "list")
    assert "can't be sent again" in shell.run("emails", "retry", unknown, status=1)


@pytest.fixture(scope="class")
def lost(shell: Shell) -> Iterator[None]:
    """Have alice, who has an authenticator app."""
    url = make_url(shell.environ["DATABASE_URL"])
    databases.in_thread(Deployment(load(shell.environ), url).ask, _with_app)
    yield
    shell.run("users", "delete", "alice", "--yes")


async def _with_app(ctx: Context) -> None:
    engine = ctx.db.bind
    assert isinstance(engine, AsyncEngine)
    async with opened(ctx.config, engine.url) as services:
        await create_user(services, ALICE)
        await add_app(services)


@pytest.mark.usefixtures("lost")
class TestSecondFactors:
    def test_a_role_is_not_required_to_have_one_that_no_administrator_has(
        self, shell: Shell
    ) -> None:
        said = shell.run("roles", "require-factor", "Administrator", status=1)
        assert "Set up a second factor for an administrator first" in said
        assert "there are User" in shell.run("roles", "require-factor", "Emperor", status=1)

    def test_a_role_requires_one_and_no_more(self, shell: Shell) -> None:
        assert "in 14 days" in shell.run("roles", "require-factor", "Moderator")
        assert "Moderator" in self._requiring(shell)
        assert "no longer need" in shell.run("roles", "require-factor", "Moderator", "--off")
        assert "Moderator" not in self._requiring(shell)

    def _requiring(self, shell: Shell) -> list[str]:
        found = json.loads(shell.run("roles", "list", "--json"))
        return [role["name"] for role in found if role["factor_required"]]

    def test_secrets_are_encrypted_under_the_key_of_today(self, shell: Shell) -> None:
        old = shell.environ["SECRET_KEY"]
        new = {"SECRET_KEY": NEW_KEY, "SECRET_KEY_FALLBACKS": old}
        assert "current key: 0." in shell.run("factors", "reseal")
        assert "current key: 1." in Shell(shell.environ | new).run("factors", "reseal")
        assert "an unknown key: 1." in shell.run("factors", "reseal", status=1)

    def test_a_lost_one_is_removed_with_a_reason(self, shell: Shell) -> None:
        assert "No user" in shell.run("users", "remove-factors", "nobody", status=1)
        assert "  app\n" in shell.run("users", "find", "alice")
        said = shell.run("users", "remove-factors", "alice", "--reason", "seen in person")
        assert "Removed the second factors of alice." in said
        assert "alice has none." in shell.run("users", "remove-factors", "alice")
        assert "(seen in person)" in shell.run("audit", "list", "--event", "factor.reset")


class TestMany:
    def test_what_cannot_be_is_refused(self, shell: Shell, carol: str) -> None:
        assert "--to-role" in shell.run("users", "bulk", "role", carol, status=2)
        assert "at least one user" in shell.run("users", "bulk", "block", "nobody", status=1)
        assert "Aborted" in shell.run("users", "bulk", "block", carol, status=1, typed="n\n")
        said = shell.run("users", "bulk", "role", carol, "--to-role", "King", "--yes", status=1)
        assert "Use: User, Moderator, Administrator" in said
        assert "blocked" not in shell.run("users", "find", carol)

    def test_all_who_are_found_are_changed(self, shell: Shell, carol: str) -> None:
        said = shell.run("users", "bulk", "block", carol, "--reason", "spam", "--yes")
        assert said == "Changed: 1. Nothing to change: 0.\n"
        assert shell.run("users", "find", "--state", "blocked", "--count") == "1\n"
        shell.run("users", "bulk", "unblock", "--state", "blocked", "--yes")
        assert shell.run("users", "find", "--state", "blocked", "--count") == "0\n"
        assert carol in shell.run("users", "find", "--never-signed-in", "--sort", "newest")
        assert carol not in shell.run("users", "find", "--seen-within", "7")
        assert carol not in shell.run("users", "find", "--created-until", "2001-01-01")

    def test_many_are_invited(self, shell: Shell, tmp_path: Path) -> None:
        file = tmp_path / "addresses"
        file.write_text("nonsense")
        assert "nonsense" in shell.run("users", "invite-many", str(file), status=2)
        file.write_text("f1@example.com\ng1@example.com, f1@example.com\n")
        said = shell.run("users", "invite-many", str(file))
        assert "g1@example.com: invited as" in said
        assert "already has an account" in shell.run("users", "invite-many", str(file))
        shell.run("users", "bulk", "delete", "1@example.com", "--yes")


def test_a_user_gets_another_name_address_and_a_note(shell: Shell, carol: str) -> None:
    assert "starting with a letter" in shell.run("users", "set-username", carol, "1", status=2)
    assert "EMAIL" in shell.run("users", "set-email", carol, "nonsense", status=2)
    assert "No user" in shell.run("users", "note", "nobody", "likes hats", status=1)
    shell.run("users", "set-username", carol, "caroline")
    said = shell.run("users", "set-email", "caroline", "caroline@example.com")
    assert said == "Address of caroline changed to caroline@example.com.\n"
    shell.run("users", "note", "caroline", "likes hats")
    assert "likes hats" in shell.run("users", "show", "caroline@example.com")
    shell.run("users", "set-username", "caroline", carol)


def test_a_role_is_renamed_but_for_one(shell: Shell) -> None:
    shell.run("roles", "create", "Editor", "WRITE")
    shell.run("roles", "rename", "Editor", "Author")
    assert "already exists" in shell.run("roles", "rename", "Author", "user", status=1)
    assert "keeps its name" in shell.run("roles", "rename", "Administrator", "Chief", status=1)
    shell.run("roles", "delete", "Author")


def test_events_are_found_by_groups(shell: Shell, carol: str) -> None:
    said = shell.run("audit", "list", "--event", "administration", "--user", carol)
    assert "created an account for carol" in said
    assert "carol" not in shell.run("audit", "list", "--event", "factors", "--user", carol)
