"""The page for the doctor: nothing is there for anybody else."""

import json

import pytest

from app.kit import probe
from app.kit.sealing import Purpose, seal
from app.services import Services
from tests.browser import Browser

OTHER_KEY = "8hGf2-vQ5xZ0rTn7Lw3KsYb9JpCd4MaE"


def keys(services: Services) -> list[str]:
    return services.config.signing_keys


async def test_strangers_find_nothing(browser: Browser) -> None:
    ours = keys(browser.services)
    for path in (
        probe.PATH,
        f"{probe.PATH}/",
        f"{probe.PATH}/x",
        probe.ask([OTHER_KEY], "nonce"),
        f"{probe.PATH}/{seal(ours, Purpose.RESEND, 'nonce')}",
        f"{probe.PATH}/{probe.check_password(ours, 'nonce')}",
    ):
        response = await browser.get(path)
        assert response.status_code == 404, path
        assert "Set-Cookie" not in response.headers


async def test_an_old_question_is_a_strangers(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = probe.ask(keys(browser.services), "nonce")
    monkeypatch.setattr(probe, "ASKED_WITHIN", probe.ASKED_WITHIN * -10)
    assert (await browser.get(path)).status_code == 404


async def test_the_doctor_gets_a_proof_and_what_arrived(browser: Browser) -> None:
    path = probe.ask(keys(browser.services), "nonce")
    headers = {"Cookie": "vestibule-doctor=back", "X-Forwarded-For": "192.0.2.1, 192.0.2.2"}
    response = await browser.client.get(path, headers=headers)
    told = json.loads(await response.get_data())
    proof = told.pop("proof")
    assert probe.is_genuine(keys(browser.services), "nonce", proof)
    assert not probe.is_genuine(keys(browser.services), "another", proof)
    assert not probe.is_genuine([OTHER_KEY], "nonce", proof)
    assert told == {
        "client": "127.0.0.1",
        "peer": told["peer"],
        "forwarded": ["192.0.2.1", "192.0.2.2"],
        "cookie": "back",
    }
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("vestibule-doctor=nonce;")
    assert "HttpOnly" in cookie


async def test_it_is_asked_by_the_public_name_only(browser: Browser) -> None:
    path = probe.ask(keys(browser.services), "nonce")
    response = await browser.client.get(path, headers={"Host": "elsewhere.example"})
    assert response.status_code == 421
