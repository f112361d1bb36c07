"""``sites``, ``groups`` and ``tokens``: refusals first, each with a sentence."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests import databases
from tests.server import environment
from tests.shell import Shell

WIKI = "https://wiki.example.com"


@pytest.fixture
def shell(worker_database: URL) -> Iterator[Shell]:
    with databases.migrated(worker_database) as url:
        shell = Shell(environment(url, PUBLIC_URL="https://login.example.com"))
        shell.run("users", "create", "anna@example.com", "--username", "anna")
        yield shell


def test_a_sites_whole_life(shell: Shell) -> None:
    assert "Missing option '--need'" in shell.run("sites", "add", WIKI, status=2)
    said = shell.run("sites", "add", WIKI, "--need", "group:staff", status=1)
    assert "There is no group “staff”" in said
    shell.run("groups", "create", "staff")
    shell.run("sites", "add", f"{WIKI}/", "--name", "Wiki", "--need", "group:staff")
    assert "already a site" in shell.run("sites", "add", WIKI, "--need", "public", status=1)
    assert "there already" in shell.run("sites", "add", WIKI, "--need", "public", "--if-missing")
    assert "own" in shell.run("sites", "add", "https://login.example.com", "--need", "public",
                              status=1)  # fmt: skip
    assert "everything else" in shell.run("sites", "rules", "wiki", "/public/", "public")
    assert "isn't a path" in shell.run("sites", "rules", "wiki", "/a//b", "public", status=1)
    assert "Say what PREFIX" in shell.run("sites", "rules", "wiki", "/a", status=2)
    assert "no rule" in shell.run("sites", "rules", "wiki", "/a", "--remove", status=1)
    shell.run("sites", "change", "Wiki", "--identity", "email", "--need", "factor")
    assert "Say what to change" in shell.run("sites", "change", "Wiki", status=2)
    shell.run("sites", "disable", WIKI)
    assert "disabled" in shell.run("sites", "show", WIKI)
    shell.run("sites", "enable", WIKI)
    (found,) = json.loads(shell.run("sites", "list", "--json"))
    assert (found["need"], found["identity"], found["enabled"]) == ("factor", "email", True)
    assert "wiki.example.com" in shell.run("sites", "list")
    for proxy in ("nginx", "caddy", "traefik", "haproxy", "haproxy-lua", "envoy"):
        text = shell.run(
            "sites", "sample", "wiki", "--for", proxy, "--application", "10.0.0.9:3000"
        )
        assert proxy == "haproxy-lua" or "10.0.0.9:3000" in text
    assert "no site" in shell.run("sites", "sample", "shop", "--for", "nginx", status=1)
    shell.run("sites", "remove", WIKI)
    assert "There is no site" in shell.run("sites", "remove", WIKI, status=1)


def test_a_groups_whole_life(shell: Shell) -> None:
    assert "A group name has" in shell.run("groups", "create", "a b", status=1)
    shell.run("groups", "create", "staff")
    assert "already exists" in shell.run("groups", "create", "Staff", status=1)
    assert "No user" in shell.run("groups", "add", "staff", "nobody", status=1)
    assert "no group" in shell.run("groups", "add", "nothing", "anna", status=1)
    shell.run("groups", "add", "staff", "anna@example.com")
    assert "anna" in shell.run("groups", "members", "staff")
    assert json.loads(shell.run("groups", "list", "--json"))[0]["members"] == 1
    shell.run("groups", "remove", "staff", "anna")
    shell.run("groups", "delete", "staff")
    assert "no group" in shell.run("groups", "members", "staff", status=1)


def test_a_tokens_whole_life(shell: Shell) -> None:
    shell.run("sites", "add", WIKI, "--name", "Wiki", "--need", "signed-in")
    assert "at least one thing" in shell.run("tokens", "create", "anna", "--name", "x", status=1)
    assert "no site" in shell.run("tokens", "create", "anna", "--name", "x", "--site", "Shop",
                                  status=1)  # fmt: skip
    assert "1 to 365" in shell.run("tokens", "create", "anna", "--name", "x", "--account",
                                   "--days", "400", status=1)  # fmt: skip
    token = shell.run("tokens", "create", "anna", "--name", "backup", "--site", "Wiki").strip()
    assert token.startswith("vst_")
    listed = shell.run("tokens", "list", "anna")
    assert "backup" in listed
    assert "Wiki" in listed
    assert token not in listed
    (found,) = json.loads(shell.run("tokens", "list", "anna", "--json"))
    assert "Give an ID" in shell.run("tokens", "revoke", "anna", status=2)
    shell.run("tokens", "revoke", "anna", found["id"])
    assert "doesn't exist" in shell.run("tokens", "revoke", "anna", found["id"], status=1)
    shell.run("tokens", "create", "anna", "--name", "other", "--account")
    assert "Tokens revoked: 1" in shell.run("tokens", "revoke", "anna", "--all")
    assert "No user" in shell.run("tokens", "list", "nobody", status=1)


def test_a_deployment_in_a_file(shell: Shell, tmp_path: object) -> None:
    shell.run("groups", "create", "staff")
    shell.run("sites", "add", WIKI, "--name", "Wiki", "--need", "group:staff")
    file = f"{tmp_path}/sites.json"
    with open(file, "w") as written:  # noqa: PTH123
        written.write(shell.run("sites", "export"))
    shell.run("sites", "remove", WIKI)
    assert "Sites in the file: 1" in shell.run("sites", "import", file)
    assert "staff" in shell.run("sites", "show", "Wiki")
    with open(file, "w") as written:  # noqa: PTH123
        written.write("[]")
    assert "isn't a file that sites export writes" in shell.run("sites", "import", file, status=1)


def test_a_reserved_name_is_released(shell: Shell) -> None:
    shell.run("sites", "add", WIKI, "--need", "signed-in")
    shell.run("users", "delete", "anna", "--yes")
    said = shell.run("users", "create", "anna@example.com", "--username", "other", status=1)
    assert "already exists" in said
    assert "isn't reserved" in shell.run("sites", "release-name", "bob", status=1)
    shell.run("sites", "release-name", "anna@example.com")
    shell.run("users", "create", "anna@example.com", "--username", "other")
