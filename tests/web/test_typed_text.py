"""What people type or paste is taken as they meant it, or refused aloud: never cut."""

import inspect

import pytest
from wtforms import SelectField

from app.web import fields
from app.web.admin import forms
from app.web.fields import BaseForm
from tests.browser import Browser
from tests.mailbox import last_link
from tests.users import count

PASSWORD = "many unrelated words and one more "
FORMS = sorted(
    {
        member
        for module in (fields, forms)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, BaseForm)
    },
    key=lambda form: form.__name__,
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: str(form.__name__))
def test_no_field_cuts_what_is_pasted(form: type[BaseForm]) -> None:
    for field in form():
        if not isinstance(field, SelectField):
            assert "maxlength" not in str(field())


async def register(browser: Browser, **more: str) -> int:
    form = {"username": "anna", "email": "anna@example.com", "password": PASSWORD}
    form |= {"confirm": more.get("password", PASSWORD), **more}
    return (await browser.post("/register", form)).status_code


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"password": (PASSWORD * 4)[:130]}, "Use at most 128 characters. This has 130"),
        ({"username": "a" * 65}, "3 to 64 letters (a–z), digits, dots, hyphens and underscores"),
        ({"email": "a" * 250 + "@example.com"}, "at most 254 characters"),
        ({"email": "anna@corp.local"}, "a public internet domain"),
        ({"username": "abcdef01-2345-6789-abcd-ef0123456789"}, "3 to 64 letters"),
    ],
)
async def test_what_is_too_long_is_told(browser: Browser, more: dict[str, str], words: str) -> None:
    assert await register(browser, **more) == 422
    assert words in browser.text
    assert "ALLOWED_SPECIAL_DOMAINS" not in browser.text
    assert await count(browser.services, "registrations") == 0


async def test_the_longest_password_signs_in(browser: Browser) -> None:
    password = (PASSWORD * 4)[:128]
    assert await register(browser, password=password) == 200
    await browser.open_link(await last_link(browser.services, "anna@example.com"))
    await browser.post("/confirm")
    for tried, status in ((password[:127], 401), (password, 303)):
        response = await browser.post("/login", email_or_user="anna", password=tried)
        assert response.status_code == status


@pytest.mark.parametrize("unseen", ["\u200b", "\u200e", "\ufeff", "\u00a0"])
async def test_what_nobody_sees_around_it_does_not_matter(browser: Browser, unseen: str) -> None:
    more = {
        "username": f"{unseen}anna-lena",
        "email": f"{unseen}bert@xn--bcher-kva.example{unseen}",
    }
    assert await register(browser, **more) == 200
    await browser.open_link(await last_link(browser.services, "bert@b\u00fccher.example"))
    await browser.post("/confirm")
    for name in (f"anna-lena{unseen}", f"{unseen}Bert@B\u00fccher.example", more["email"]):
        window = browser.new_window()
        response = await window.post("/login", email_or_user=name, password=PASSWORD)
        assert response.status_code == 303, name


class TestIntranet:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        allowed = {"allowed_special_domains": "corp.local", "registration_domains": ".corp.local"}
        return settings | allowed | {"admin_email": "anna@corp.local"}

    async def test_its_people_register_by_its_name(self, browser: Browser) -> None:
        assert await register(browser, email="anna@other.local") == 422
        assert await register(browser, email="anna@mail.corp.local") == 200
        assert await last_link(browser.services, "anna@mail.corp.local")
