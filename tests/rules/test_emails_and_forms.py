"""Every email and every form keeps the rules of the house."""

import inspect
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from app.mail import factor_messages, messages
from app.mail.message import Brand, Message
from app.mail.rendering import NoticeFacts
from app.web.errors import WORDS
from tests.browser import Browser
from tests.invitations import invite
from tests.mailbox import last_link
from tests.refusals import every_refusal
from tests.users import ALICE, ROOT, create_user, register, signed_in

HOSTILE = "<img src=x onerror=alert(1)>\"'{{1234*5678}}\r\nBcc: victim@example.com"
CALCULATED = "7006652"  # no time of day and no digest is likely to have it
FACTS = {
    "to": "alice@example.com",
    "site": Brand("Our Site"),
    "username": "alice",
    "link": "https://login.example.com/confirm/KEY",
    "register_url": "https://login.example.com/confirm/KEY",
    "login_url": "https://login.example.com/confirm/KEY",
    "reset_url": "https://login.example.com/confirm/KEY",
    "not_me": "https://login.example.com/not-me/KEY",
    "valid_hours": 24,
    "valid_minutes": 30,
    "email": "new@example.com",
    "day": "30 November 2026",
    "what": "A passkey was added.",
    "left": "9",
    "token": "backup",
    "valid_days": 7,
    "browser": "Firefox 132 on Linux",
    "ip": "192.0.2.7",
    "when": "27 November 2026, 14:05 JST",
}
WRITERS = [
    writer
    for module in (messages, factor_messages)
    for name, writer in inspect.getmembers(module, inspect.isfunction)
    if writer.__module__ == module.__name__ and not name.startswith("_")
]


def write(writer: Callable[..., Message], **changed: Any) -> Message:
    parameters = inspect.signature(writer).parameters.values()
    named = {each.name for each in parameters if each.kind != each.VAR_KEYWORD}
    wanted = named if len(named) == len(parameters) else named | NoticeFacts.__required_keys__
    return writer(**{name: (FACTS | changed)[name] for name in wanted})


@pytest.mark.parametrize("writer", WRITERS)
def test_an_email_says_the_same_as_text_and_as_html(writer: Callable[..., Message]) -> None:
    message = write(writer)
    for body in (" ".join(message.text.split()), message.html):
        assert "https://login.example.com/confirm/KEY" in body
        assert "alice" in body
        assert "Our Site" in body
    assert "Our Site" in message.subject
    assert all(len(line) <= 78 for line in message.text.splitlines())


@pytest.mark.parametrize("writer", WRITERS)
def test_what_people_typed_is_inert_in_an_email(writer: Callable[..., Message]) -> None:
    message = write(writer, username=HOSTILE, site=Brand(HOSTILE), email=HOSTILE)
    assert "<img" not in message.html
    assert CALCULATED not in message.html + message.text
    assert "\n" not in message.subject
    assert "\r" not in message.subject


@pytest.mark.parametrize("writer", WRITERS)
def test_an_email_loads_nothing(writer: Callable[..., Message]) -> None:
    assert not re.search(r"<(img|script|link|iframe)|url\(|src=", write(writer).html)
    with_logo = write(writer, site=Brand("Our Site", has_logo=True)).html
    assert re.findall(r"src=\S+", with_logo) == ['src="cid:logo"']  # which it brings along


@pytest.mark.parametrize("writer", WRITERS)
def test_an_email_says_why_it_comes_and_where_help_is(writer: Callable[..., Message]) -> None:
    why = "You get this email because alice@example.com was used at Our Site."
    alone = write(writer)
    helped = write(writer, site=Brand("Our Site", support="mailto:help@example.com"))
    for body in (" ".join(alone.text.split()), alone.html):
        assert why in body
        assert "Questions?" not in body
    assert helped.text.endswith("Questions? help@example.com\n")
    assert '<a href="mailto:help@example.com"' in helped.html


@pytest.mark.parametrize("writer", WRITERS)
def test_an_email_has_one_button_in_the_sites_colour(writer: Callable[..., Message]) -> None:
    html = write(writer, site=Brand("Our Site", colour="#0b5fff")).html
    assert html.count("padding:12px 20px") <= 1
    assert "#9a4321" not in html
    assert "#0b5fff" in html


@pytest.mark.parametrize(
    "writer",
    [each for each in WRITERS if each.__name__ not in {"username_changed", "username_set"}],
)
def test_who_has_no_username_is_greeted_without_a_name(writer: Callable[..., Message]) -> None:
    message = write(writer, site=Brand("Our Site", shows_usernames=False), username="x-k3f9")
    assert "x-k3f9" not in message.text.split("\n--\n")[0].replace(message.subject, "")
    assert message.text.startswith("Hi,\n")
    assert "<p>Hi,</p>" in message.html


def test_an_address_stays_whole_in_a_text() -> None:
    long = "annika.grossmann-lindqvist@department-of-old-languages.example"
    assert f"\n{long}" in write(messages.password_changed, to=long).text


def test_every_status_that_we_answer_has_words() -> None:
    assert {400, 403, 404, 405, 413, 415, 421, 429, 500, 503} <= set(WORDS)
    assert {refusal.status for refusal in every_refusal().values()} - {401, 409, 422} <= set(WORDS)


class Page(HTMLParser):
    """What of a page the rules look at."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inputs: list[dict[str, str | None]] = []
        self.labels: list[str | None] = []
        self.forms: list[dict[str, str | None]] = []
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.events: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.events += [name for name in found if name.startswith("on") or name == "style"]
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "action"}]
        if tag == "input":
            self.inputs.append(found)
        if tag == "form":
            self.forms.append(found)
        if tag == "label":
            self.labels.append(found.get("for"))


@pytest.fixture
async def pages(browser: Browser) -> dict[str, Page]:
    """Return every page that has a form or a message, by its address."""
    found = {}

    async def keep(name: str) -> None:
        found[name] = Page(browser.text)

    for path in ("/", "/login", "/login?next=/secret", "/register", "/nothing"):
        await browser.get(path)
        await keep(path)
    await browser.post("/register", username="1")
    await keep("wrong registration")
    await browser.post("/login", email_or_user="x", password="y")
    await keep("wrong login")
    await register(browser.services, ALICE)
    await browser.open_link(await last_link(browser.services, ALICE.email))
    await keep("/confirm")
    await browser.post("/login", email_or_user=ALICE.email, password=ALICE.password)
    await keep("unconfirmed")
    await browser.open_link(await invite(browser.services, ROOT))
    await keep("/invitation")
    await create_user(browser.services, ALICE._replace(username="carol", email="carol@example.com"))
    await browser.post("/login", email_or_user="carol", password=ALICE.password)
    for path in ("/", "/secret", "/logout"):
        await browser.get(path)
        await keep(f"{path} signed in")
    return found


async def test_every_page_keeps_the_rules(pages: dict[str, Page]) -> None:
    assert len(pages) == 13
    for name, page in pages.items():
        ids = {field.get("id") for field in page.inputs}
        assert set(page.labels) <= ids, name
        assert {"iframe", "style"}.isdisjoint(page.tags), name
        has_password = any(field.get("type") == "password" for field in page.inputs)
        assert page.tags.count("script") <= (2 if has_password else 0), name
        assert page.events == [], name
        assert all(source.startswith(("/", "#")) for source in page.sources), name
        assert page.tags.count("h1") == 1, name
        for form in page.forms:
            assert form["method"] == "post", name
            assert (form["action"] or "").startswith("/"), name
        for field in page.inputs:
            check_field(name, page, field)


def check_field(name: str, page: Page, field: dict[str, str | None]) -> None:
    kind = field.get("type")
    if kind == "hidden" or "hidden" in field:
        return
    assert field["id"] in page.labels, (name, field)
    assert "onpaste" not in field
    if kind == "password":
        assert field["autocomplete"] in {"current-password", "new-password"}, name
        assert not field.get("value"), name
    elif kind != "checkbox":
        assert field["autocomplete"] in {"username", "email", "one-time-code", "off"}, name


def test_no_template_marks_text_as_safe() -> None:
    for path in Path("templates").rglob("*.html"):
        assert "safe" not in re.findall(r"\|\s*(\w+)", path.read_text()), path
        assert "autoescape" not in path.read_text(), path


async def test_a_persons_name_is_inert_on_pages(browser: Browser) -> None:
    await browser.post("/login", email_or_user=HOSTILE.replace("\r\n", ""), password="x")
    assert "<img" not in browser.text
    assert "{{1234*5678}}" in browser.text
    assert CALCULATED not in browser.text
    await create_user(browser.services, ALICE)
    assert await signed_in(browser.services, ALICE)
