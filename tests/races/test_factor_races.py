"""Second factors, many at once: what must happen once happens once (MF-01, MF-02, MF-07, PK-01)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import URL, text

from app.config import Config
from app.flows import factor_login, passkey_login
from app.kit.errors import Refusal
from app.models import pending_login
from app.services import Services, opened
from tests.contexts import context
from tests.factors import (
    add_app,
    add_passkey,
    code_of,
    half_way,
    let_codes_pass,
    let_waits_pass,
    wrong_code,
)
from tests.softkey import SoftKey
from tests.users import ALICE, count, create_user

AT_ONCE = 16


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    return settings | {"public_url": "http://localhost:8000"}


@pytest.fixture
async def workers(config: Config, database: URL) -> AsyncIterator[list[Services]]:
    """Yield two workers' services, with connections of their own."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(config, database)) for _ in range(2)]


async def by_code(services: Services, half: str, code: str) -> object:
    try:
        async with context(services, pending_login=half) as ctx:
            return await factor_login.sign_in_by_code(ctx, code=code)
    except Refusal as refusal:
        return refusal


async def half_way_at_once(services: Services) -> str:
    """Show the password again and again, without waiting."""
    await let_waits_pass(services)
    return await half_way(services)


def wins(outcomes: list[object]) -> int:
    return sum(not isinstance(outcome, Refusal) for outcome in outcomes)


@pytest.fixture
async def codes(workers: list[Services]) -> list[str]:
    await create_user(workers[0], ALICE)
    return (await add_app(workers[0])).codes


async def test_one_code_16_times_at_once_signs_in_once(
    workers: list[Services], codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 16 half-finished logins, over two workers."""
    del codes
    monkeypatch.setattr("app.limits.FREE_CODES", 1000)
    for _ in range(5):
        halves = [await half_way_at_once(workers[0]) for _ in range(AT_ONCE)]
        before = await count(workers[0], "login_sessions")
        code = await code_of(workers[0])
        outcomes = await asyncio.gather(
            *(by_code(workers[n % 2], half, code) for n, half in enumerate(halves))
        )
        assert wins(list(outcomes)) == 1
        assert await count(workers[0], "login_sessions") == before + 1
        await let_codes_pass(workers[0])


async def test_one_recovery_code_16_times_at_once_signs_in_once(
    workers: list[Services], codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.limits.FREE_CODES", 1000)
    for code in codes[:5]:
        halves = [await half_way_at_once(workers[0]) for _ in range(AT_ONCE)]
        outcomes = await asyncio.gather(
            *(by_code(workers[n % 2], half, code) for n, half in enumerate(halves))
        )
        assert wins(list(outcomes)) == 1


async def test_32_guesses_at_once_are_five(
    workers: list[Services], codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del codes
    monkeypatch.setattr("app.limits.FREE_CODES", 1000)
    wrong = await wrong_code(workers[0])
    for round_ in range(1, 6):
        half = await half_way_at_once(workers[0])
        await asyncio.gather(*(by_code(workers[n % 2], half, wrong) for n in range(32)))
        async with workers[0].engine.connect() as connection:
            failures = await connection.scalar(text("SELECT factor_failures FROM users"))
        assert failures == round_ * pending_login.TRIES


async def test_a_half_login_is_finished_once(
    workers: list[Services], codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By two recovery codes, at once: each is right."""
    monkeypatch.setattr("app.limits.FREE_CODES", 1000)
    half = await half_way(workers[0])
    outcomes = await asyncio.gather(
        *(by_code(workers[n % 2], half, code) for n, code in enumerate(codes[:4]))
    )
    assert wins(list(outcomes)) == 1


async def test_one_answer_of_a_passkey_16_times_at_once_signs_in_once(
    workers: list[Services],
) -> None:
    await create_user(workers[0], ALICE)
    key = SoftKey()
    await add_passkey(workers[0], key)

    async def enter(services: Services, answer: str, sealed: str) -> object:
        try:
            async with context(services) as ctx:
                return await passkey_login.sign_in(
                    ctx, answer=answer, sealed=sealed, remember=False
                )
        except Refusal as refusal:
            return refusal

    for _ in range(5):
        async with context(workers[0]) as ctx:
            asked = passkey_login.ask(ctx)
        assert asked is not None
        answer = key.get(asked.options)
        outcomes = await asyncio.gather(
            *(enter(workers[n % 2], answer, asked.sealed) for n in range(AT_ONCE))
        )
        assert wins(list(outcomes)) == 1
