"""A real Chromium, a real server, and axe-core on every page."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, Request, sync_playwright
from sqlalchemy import URL

from tests import databases
from tests.server import Server, environment, serving

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
MISSING = (
    "no Chromium here: install it (Debian: apt-get install chromium) or set CHROMIUM to its path"
)
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = [(1280, 800), (320, 640)]
# The page as the rules see it: what its texts say and where its links lead is no matter.
SHAPE = """() => {
  const free = ['action', 'content', 'datetime', 'src', 'value'];
  const counts = ({name, value}) =>
    !free.includes(name) && (name !== 'href' || value.startsWith('#'));
  const shape = element => `<${element.localName} `
    + [...element.attributes].filter(counts).map(({name, value}) => `${name}=${value}`).join(' ')
    + '>'
    + [...element.childNodes].map(child => child.nodeType === Node.ELEMENT_NODE
        ? shape(child) : child.nodeValue?.trim() ? '*' : '').join('')
    + '</>';
  return shape(document.documentElement);
}"""
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
# The first thing of a page begins within 48 px below the header.
LOW = """() => {
  const header = document.querySelector('body > header');
  const first = document.querySelector('main').firstElementChild;
  const below = header ? header.getBoundingClientRect().bottom : 0;
  return first && first.getBoundingClientRect().top - below > 48.5;
}"""
TWICE_AS_LARGE = f"""() => {{
  const {{ style }} = document.documentElement;
  style.fontSize = '200%';
  const beyond = [...document.querySelectorAll('body *')]
    .filter(each => each.getBoundingClientRect().right > window.innerWidth)
    .map(each => each.outerHTML.slice(0, 100));
  const wide = {FITS} ? [] : [document.documentElement.scrollWidth, ...beyond];
  style.fontSize = '';
  return wide;
}}"""
EVERYTHING = {"resultTypes": ["violations"]}
COLOURS = EVERYTHING | {
    "runOnly": ["color-contrast", "link-in-text-block"]
}  # all that differs in the dark
AXE = "options => axe.run(options).then(found => found.violations)"


@pytest.fixture(scope="package")  # no longer: while it is there, no other event loop can run
def chromium() -> Iterator[Chromium]:
    if not Path(CHROMIUM).exists():
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    with (
        databases.migrated(worker_database) as url,
        serving(environment(url, WORKERS="2", SITE_NAME="The Reading Room")) as server,
    ):
        yield server


class Visitor:
    """A person with a browser. Every page that they see is checked."""

    def __init__(self, context: BrowserContext, server: Server, seen: set[str]) -> None:
        self.server = server
        self.context = context
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.referers: set[str] = set()
        self._seen = seen
        self.page.on("request", self._note)
        self.page.on("console", lambda said: self._hear(said.text))

    def go(self, path: str) -> None:
        """Open a page of the site, or a link from an email."""
        self.page.goto(path if path.startswith("http") else self.server.url + path)
        self.look()

    def fill(self, **fields: str) -> None:
        """Type into fields; our script hides the one in which a password is typed again."""
        for name, text in fields.items():
            if name != "confirm" or self.page.is_visible("#confirm"):
                self.page.fill(f"#{name}", text)

    def press(self, button: str) -> None:
        """Press a button and look at the page that comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("main").get_by_role("button", name=button).first.click()
        self.look()

    def follow(self, link: str) -> None:
        """Go where a link leads."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=link, exact=True).last.click()  # not the header's
        self.look()

    def send(self) -> None:
        """Press the form's button and wait for the page that comes, without a closer look."""
        with self.page.expect_navigation():
            self.page.click("main button[type=submit]")

    def reads(self, text: str) -> None:
        """Assert that the page says something."""
        assert text in self.page.inner_text("body"), self.page.inner_text("body")

    def is_at(self, path: str) -> None:
        assert self.page.url == self.server.url + path

    def look(self) -> None:
        """Check this page, wide and narrow, light and dark: accessible, fitting its window.

        A page of a shape that was seen before is measured only.
        """
        self.page.wait_for_load_state()
        shape = self.page.evaluate(SHAPE)
        is_new = shape not in self._seen
        if is_new:
            self.page.evaluate(AXE_SCRIPT)
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            where = f"{self.page.url} at {width}"
            assert self.page.evaluate(FITS), f"{where}: wider than the window"
            assert not self.page.evaluate(LOW), f"{where}: the page begins too low"
            if is_new:
                self._check("light", EVERYTHING, where)
                self._check("dark", COLOURS, where)
        self._seen.add(shape)
        self.enlarge()
        self.page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
        assert self.hosts <= {"127.0.0.1", "localhost"}, self.hosts
        assert self.complaints == []

    def enlarge(self) -> None:
        """Read a page on a phone with its text twice as large (WCAG 1.4.4): nothing is cut off."""
        self.page.set_viewport_size({"width": 390, "height": 844})
        wide = self.page.evaluate(TWICE_AS_LARGE)
        assert not wide, f"{self.page.url} at 200 %: wider than the window: {wide}"

    def _check(self, scheme: Literal["light", "dark"], rules: dict[str, Any], where: str) -> None:
        self.page.emulate_media(color_scheme=scheme)
        found: list[dict[str, Any]] = self.page.evaluate(AXE, rules)
        told = [
            f"{violation['id']}: {violation['nodes'][0]['html']}\n"
            f"{violation['nodes'][0]['failureSummary']}"
            for violation in found
        ]
        assert not told, f"{where} in {scheme}: {json.dumps(told, indent=1)}"

    def _note(self, request: Request) -> None:
        self.hosts.add(request.url.split("/")[2].split(":")[0])
        self.referers.add(request.headers.get("referer", ""))

    def _hear(self, said: str) -> None:
        if not said.startswith("Failed to load resource: the server responded with a status of 4"):
            self.complaints.append(said)


NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def seen() -> set[str]:
    """Return the shapes of the pages that were checked."""
    return set()


@pytest.fixture
def new_visitor(chromium: Chromium, server: Server, seen: set[str]) -> Iterator[NewVisitor]:
    """Yield a function that lets somebody come with a browser of their own."""
    with ExitStack() as stack:

        def come(**options: Any) -> Visitor:
            context = chromium.new_context(**options)
            stack.callback(context.close)
            return Visitor(context, server, seen)

        yield come


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    return new_visitor()
