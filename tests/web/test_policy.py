"""Who may register, and on what terms: refusals first."""

import re
from typing import Any

import pytest

from app.flows import confirmation, invitation
from app.kit.errors import AddressNotAllowed, RegistrationClosed, TermsNotAccepted
from app.services import Services
from app.words.refusals import domains
from tests.browser import APPLICATION, Browser
from tests.contexts import context, operator
from tests.imports import look
from tests.invitations import invite
from tests.mailbox import key_of, last_link, messages
from tests.refusals import refused
from tests.users import ALICE, ROOT, count, register

ACCEPTED = {"terms": "y"}
CLOSED = [("invitation", "You need an invitation"), ("closed", "create an account at the moment")]


@pytest.fixture
def policy() -> dict[str, Any]:
    return {}


@pytest.fixture
def settings(settings: dict[str, Any], policy: dict[str, Any]) -> dict[str, Any]:
    return settings | policy


def with_policy(**policy: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("policy", [policy])


@pytest.mark.parametrize(
    ("policy", "words"), [({"registration": name}, words) for name, words in CLOSED]
)
class TestClosed:
    async def test_registering_is_refused_in_a_sentence(self, browser: Browser, words: str) -> None:
        for fields in (APPLICATION, {}):
            response = await browser.post("/register", fields)
            assert response.status_code == 403
            assert words in browser.text
        with refused(RegistrationClosed, words):
            await register(browser.services, ALICE)
        assert await count(browser.services, "registrations") == 0

    async def test_the_page_says_so_and_has_no_form(self, browser: Browser, words: str) -> None:
        response = await browser.get("/register")
        assert response.status_code == 200
        assert words in browser.text
        assert "<form" not in browser.text

    async def test_no_page_offers_to_register(self, browser: Browser, words: str) -> None:
        assert words
        for path in ("/", "/login", "/register"):
            await browser.get(path)
            assert 'href="/register"' not in browser.text, path

    async def test_who_is_invited_comes_in(self, browser: Browser, words: str) -> None:
        assert words
        await browser.open_link(await invite(browser.services, ROOT))
        fields = {"password": ROOT.password, "confirm": ROOT.password}
        assert (await browser.post("/invitation", fields)).status_code == 303


async def test_a_link_under_way_still_works_when_registration_closes(services: Services) -> None:
    receipt = await register(services, ALICE)
    closed = services.config.model_copy(update={"registration": "closed"})
    async with context(services, config=closed) as ctx:
        await confirmation.confirm(
            ctx,
            password="",
            sealed=key_of(await last_link(services, ALICE.email)),
            receipts=[receipt],
        )
    assert await count(services, "users") == 1


@with_policy(registration_domains="Example.com .uni.example.edu bücher.example")
class TestDomains:
    @pytest.mark.parametrize(
        "email",
        [
            "alice@example.org",
            "alice@sub.example.com",
            "alice@notexample.com",
            "alice@example.com.evil.org",
            "alice@myuni.example.edu",
            "alice@example.edu",
        ],
    )
    async def test_another_domain_is_refused_beside_the_address(
        self, browser: Browser, email: str
    ) -> None:
        response = await browser.post("/register", APPLICATION | {"email": email})
        assert response.status_code == 422
        error = re.search(r'id="email-error">([^<]*)', browser.text)
        assert error
        assert error[1] == (
            "You can&#39;t use an email address of this domain. Allowed domains: example.com, "
            "uni.example.edu and subdomains, bücher.example."
        )
        assert 'value="alice"' in browser.text
        assert f'value="{email}"' in browser.text
        assert await count(browser.services, "registrations") == 0

    @pytest.mark.parametrize(
        "email",
        [
            "alice@EXAMPLE.com",
            "alice@uni.example.edu",
            "alice@cs.uni.example.edu",
            "alice@bücher.example",
            "alice@BÜCHER.example",
            "alice@xn--bcher-kva.example",
        ],
    )
    async def test_these_domains_register(self, browser: Browser, email: str) -> None:
        response = await browser.post("/register", APPLICATION | {"email": email})
        assert response.status_code == 200
        assert await count(browser.services, "registrations") == 1

    async def test_the_form_names_them_before(self, browser: Browser) -> None:
        await browser.get("/register")
        assert "Allowed domains: example.com, uni.example.edu and subdomains" in browser.text

    async def test_a_known_address_of_another_domain_is_refused_alike(
        self, services: Services
    ) -> None:
        async with operator(services) as ctx:
            await invitation.invite(
                ctx, username="root", email="root@elsewhere.example", role_name=None
            )
        for email in ("root@elsewhere.example", "nobody@elsewhere.example"):
            with pytest.raises(AddressNotAllowed):
                await register(services, ALICE._replace(email=email))
        assert await messages(services) == []


@with_policy(terms_url="https://example.com/terms?a=1&b=2")
class TestTerms:
    async def test_registering_without_them_is_refused_beside_the_box(
        self, browser: Browser
    ) -> None:
        response = await browser.post("/register", APPLICATION)
        assert response.status_code == 422
        assert 'id="terms-error">Accept the terms' in browser.text
        assert 'value="alice@example.com"' in browser.text
        assert await count(browser.services, "registrations") == 0

    async def test_the_box_stays_ticked_when_something_else_is_wrong(
        self, browser: Browser
    ) -> None:
        await browser.post("/register", APPLICATION | ACCEPTED | {"username": ""})
        assert re.search(r'<input[^>]* checked[^>]* id="terms"', browser.text)

    async def test_an_invitation_without_them_is_refused_and_stays_good(
        self, browser: Browser
    ) -> None:
        link = await invite(browser.services, ROOT)
        await browser.open_link(link)
        assert 'href="https://example.com/terms?a=1&amp;b=2"' in browser.text
        fields = {"password": ROOT.password, "confirm": ROOT.password}
        assert (await browser.post("/invitation", fields)).status_code == 422
        assert "terms-error" in browser.text
        assert await look(browser.services, where="terms_accepted_at IS NOT NULL") == []
        assert (await browser.post("/invitation", fields | ACCEPTED)).status_code == 303
        assert await look(browser.services, where="terms_accepted_at IS NOT NULL") == ["root"]

    async def test_the_moment_of_registering_is_kept(self, browser: Browser) -> None:
        await browser.get("/register")
        assert 'href="https://example.com/terms?a=1&amp;b=2"' in browser.text
        assert (await browser.post("/register", APPLICATION | ACCEPTED)).status_code == 200
        async with browser.services.engine.begin() as connection:
            await connection.exec_driver_sql(
                "UPDATE registrations SET terms_accepted_at = '2020-02-02T00:00Z'"
            )
        await browser.open_link(await last_link(browser.services, ALICE.email))
        assert (await browser.post("/confirm")).status_code == 303
        moments = await look(browser.services, "terms_accepted_at::date::text")
        assert moments == ["2020-02-02"]

    async def test_the_flow_itself_wants_them(self, services: Services) -> None:
        with pytest.raises(TermsNotAccepted):
            await register(services, ALICE)


async def test_without_terms_there_is_no_box_and_nothing_is_noted(browser: Browser) -> None:
    await browser.get("/register")
    assert "terms" not in browser.text
    await browser.post("/register", APPLICATION | ACCEPTED)
    async with browser.services.engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT terms_accepted_at FROM registrations")
        assert found.scalars().all() == [None]


def test_domains_are_told_as_people_read_them() -> None:
    assert domains(["a.bc", ".c.de"]) == "a.bc, c.de and subdomains"
