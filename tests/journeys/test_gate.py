"""Applications on host names of their own, behind Caddy and behind nginx, with one login."""

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from sqlalchemy import URL

from tests import databases
from tests.gate.proxies import all_proxies, origins, require
from tests.journeys.conftest import NewVisitor, Visitor
from tests.server import Server, environment, serving
from tests.shell import Shell
from tests.visitors import PASSWORD
from tests.visitors import Visitor as Script

pytestmark = pytest.mark.journey

KINDS = ("caddy", "nginx")
PLACES = {kind: origin for kind, origin in origins().items() if kind in KINDS}


def run(shell: Shell, *arguments: str) -> None:
    """Run a command; beside Chromium's event loop there is no room for its own."""
    databases.in_thread(shell.run, *arguments)


@pytest.fixture(scope="module")
def shell(worker_database: URL) -> Iterator[Shell]:
    with databases.migrated(worker_database) as url:
        shell = Shell(environment(url, WORKERS="2", TRUSTED_PROXIES="1", BIND="127.0.0.1:1"))
        for kind, origin in PLACES.items():
            run(
                shell, "sites", "add", origin, "--name", f"The {kind} wiki", "--need", "signed-in",
                "--identity", "username",
            )  # fmt: skip
            run(shell, "sites", "rules", origin, "/admin", "permission:ADMIN")
        yield shell


@pytest.fixture(scope="module")
def server(shell: Shell) -> Iterator[Server]:
    for kind in KINDS:
        require(kind)
    environ = {name: value for name, value in shell.environ.items() if name != "BIND"}
    with serving(environ) as server, all_proxies(server, PLACES):
        yield server


@pytest.fixture(params=KINDS)
def wiki(request: pytest.FixtureRequest) -> str:
    return PLACES[request.param]


@pytest.fixture
def visitor(new_visitor: NewVisitor, server: Server) -> Visitor:
    """Return somebody with an account, who is not signed in."""
    visitor = new_visitor()
    visitor.hosts = _AnyOfOurs()
    name = f"user{abs(hash(visitor)) % 10**9}"
    Script(server).arrive(name)
    visitor.name = name  # type: ignore[attr-defined]
    return visitor


class _AnyOfOurs(set[str]):
    """The hosts that a page was loaded from: here there are more than the login's."""

    def __le__(self, other: object) -> bool:
        return all(host.endswith("localhost") or host == "127.0.0.1" for host in self)


def sign_in(visitor: Visitor) -> None:
    visitor.fill(email_or_user=visitor.name, password=PASSWORD)  # type: ignore[attr-defined]
    visitor.page.click("main button[type=submit]")


def shows(page: Page, name: str) -> None:
    """Check the application's page: who it says one is, its XHR, its WebSocket."""
    page.wait_for_selector("#who")
    assert page.inner_text("#who") == name
    page.wait_for_function("document.getElementById('xhr').textContent")
    page.wait_for_function("document.getElementById('socket').textContent")
    assert page.inner_text("#xhr") == name
    assert page.inner_text("#socket") == f"{name} said hello"


def test_nobody_signs_in_and_is_at_the_page_that_they_asked_for(
    visitor: Visitor, wiki: str
) -> None:
    visitor.page.goto(f"{wiki}/page?q=1")
    assert visitor.page.url.startswith(f"{visitor.server.url}/login?next=/gate")
    visitor.look()
    sign_in(visitor)
    visitor.page.wait_for_url(f"{wiki}/page?q=1")
    shows(visitor.page, visitor.name)  # type: ignore[attr-defined]
    cookies = {each["name"]: each for each in visitor.context.cookies(wiki)}
    assert any(name.endswith("-gate") for name in cookies)
    assert not any(name.endswith("-session") for name in cookies)
    assert all(each["httpOnly"] for each in cookies.values())


def test_who_is_signed_in_gets_into_both_without_a_form(visitor: Visitor) -> None:
    visitor.go("/login")
    sign_in(visitor)
    visitor.page.wait_for_url(f"{visitor.server.url}/")
    for place in PLACES.values():
        visitor.page.goto(f"{place}/page")
        visitor.page.wait_for_url(f"{place}/page")
        shows(visitor.page, visitor.name)  # type: ignore[attr-defined]
    visitor.go("/account/applications")
    for kind in KINDS:
        visitor.reads(f"The {kind} wiki")


def test_a_role_that_may_not(visitor: Visitor, wiki: str) -> None:
    visitor.page.goto(f"{wiki}/admin")
    sign_in(visitor)
    visitor.page.wait_for_selector("h1")
    visitor.reads("Your account can't open The")
    assert visitor.page.url.startswith(f"{visitor.server.url}/gate")
    visitor.look()


def test_a_logout_here_ends_it_there(visitor: Visitor, wiki: str) -> None:
    visitor.page.goto(f"{wiki}/page")
    sign_in(visitor)
    visitor.page.wait_for_url(f"{wiki}/page")
    visitor.page.goto(f"{wiki}/.vestibule/sign-out")
    visitor.page.wait_for_url(f"{visitor.server.url}/logout")
    visitor.look()
    visitor.press("Sign out")
    visitor.page.goto(f"{wiki}/page")
    assert visitor.page.url.startswith(f"{visitor.server.url}/login")


def test_signing_out_there_leaves_one_signed_in_here(visitor: Visitor, wiki: str) -> None:
    visitor.page.goto(f"{wiki}/page")
    sign_in(visitor)
    visitor.page.wait_for_url(f"{wiki}/page")
    visitor.go("/account/applications")
    visitor.press("Sign out there")
    visitor.reads("None at the moment.")
    visitor.page.goto(f"{wiki}/page")  # at once in again, by the session here
    visitor.page.wait_for_url(f"{wiki}/page")


def test_a_token_by_curl(visitor: Visitor, wiki: str) -> None:
    visitor.go("/login")
    sign_in(visitor)
    visitor.page.wait_for_url(f"{visitor.server.url}/")
    visitor.go("/account/tokens")
    visitor.fill(name="backup script", days="30")
    for box in visitor.page.query_selector_all("input[type=checkbox]"):
        box.check()
    visitor.press("Create token")
    token = visitor.page.input_value("#token")
    name = visitor.name  # type: ignore[attr-defined]
    for arguments in (["-u", f"{name}:{token}"], ["-H", f"Authorization: Bearer {token}"]):
        done = subprocess.run(
            ["curl", "-sS", "--fail", "--resolve", f"{wiki.partition('://')[2]}:127.0.0.1",
             *arguments, f"{wiki}/data"],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f'"user": "{name}"' in done.stdout
    visitor.go("/account/tokens")
    visitor.press("Revoke")
    visitor.reads("The token is revoked.")


def test_an_administrator_adds_a_site(visitor: Visitor, shell: Shell) -> None:
    run(shell, "users", "set-role", visitor.name, "Administrator")  # type: ignore[attr-defined]
    run(shell, "roles", "require-factor", "Administrator", "--off")
    visitor.go("/login")
    sign_in(visitor)
    visitor.page.wait_for_url(f"{visitor.server.url}/")
    visitor.go("/admin/groups")
    visitor.fill(name="staff")
    visitor.press("Create group")
    visitor.fill(user=visitor.name)  # type: ignore[attr-defined]
    visitor.press("Add")
    visitor.go("/admin/sites")
    visitor.fill(origin="shop", name="Shop", need="group:staff")
    visitor.press("Add site")
    visitor.reads("Enter the site's address")
    visitor.fill(origin="https://shop.example.com")
    visitor.press("Add site")
    visitor.page.fill("#prefix", "/public/")
    visitor.page.fill("#rule-need", "public")
    visitor.press("Save rule")
    visitor.reads("/public/")
