"""What a site does when something befalls an account: in the same transaction, or not at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib import import_module
from typing import Any, NamedTuple

import pytest
from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError

from app.flows import access, account
from app.kit.errors import SiteRefusal
from app.services import Services, opened
from app.words.refusals import sentence
from tests.contexts import context, operator
from tests.mailbox import last_link
from tests.sites import WriteSite, config_of, write_site
from tests.users import ALICE, BOB, actor_of, confirm, count, create_user, register, sign_in

__all__ = ["write_site"]

HOOKS = """
from sqlalchemy import text
from app.extending import Event, SiteRefusal, hook
seen = []

@hook({events})
async def note(ctx, happening):
    who = text("SELECT username FROM users WHERE id = :id")
    found = await ctx.db.scalar(who, {{"id": happening.user_id}})
    seen.append((happening.event.name, found, dict(happening.detail)))
    {then}
"""
ALL = ", ".join(
    f"Event.{name}"
    for name in (
        "REGISTERED", "CONFIRMED", "SIGNED_IN", "ROLE_SET", "USERNAME_CHANGED", "BLOCKED", "DELETED"
    )
)  # fmt: skip


class Hooked(NamedTuple):
    """A site, and what its hooks have heard of."""

    services: Services
    seen: list[tuple[str, str | None, dict[str, Any]]]


Hooks = Callable[..., AbstractAsyncContextManager[Hooked]]


@pytest.fixture
def hooks(write_site: WriteSite, database: URL) -> Hooks:
    @asynccontextmanager
    async def hooked(events: str, then: str = "pass") -> AsyncIterator[Hooked]:
        name = write_site({"hooks.py": HOOKS.format(events=events, then=then)})
        async with opened(config_of(name), database) as services:
            yield Hooked(services, import_module(f"{name}.hooks").seen)

    return hooked


async def test_hooks_hear_of_everything_in_order(hooks: Hooks) -> None:
    async with hooks(ALL) as (services, seen):
        await create_user(services, ALICE, role="Moderator")
        await sign_in(services, ALICE)
        actor = await actor_of(services, ALICE)
        async with context(services, actor=actor) as ctx:
            await account.change_username(ctx, username="alicia")
        async with operator(services) as ctx:
            await access.block(ctx, name="alicia", reason="spam")
            await access.delete(ctx, name="alicia", typed="alicia")
    told = [(event, who) for event, who, _ in seen]
    assert [each for each in told if each != ("SIGNED_IN", "alice")] == [
        ("REGISTERED", None), ("CONFIRMED", "alice"), ("ROLE_SET", "alice"),
        ("USERNAME_CHANGED", "alicia"), ("BLOCKED", "alicia"), ("DELETED", "alicia"),
    ]  # fmt: skip
    assert ("SIGNED_IN", "alice") in told
    details = {event: detail for event, _, detail in seen}
    assert details["ROLE_SET"] == {"role": "Moderator"}
    assert details["BLOCKED"] == {"reason": "spam"}


async def test_a_hook_that_fails_undoes_the_deed_and_the_log_says_which(
    hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    async with hooks("Event.CONFIRMED", "raise KeyError('oh')") as (services, seen):
        receipt = await register(services, ALICE)
        with pytest.raises(KeyError):
            await confirm(services, await last_link(services, ALICE.email), receipt=receipt)
        assert [event for event, *_ in seen] == ["CONFIRMED"]
        assert await count(services, "users") == 0
        assert await count(services, "registrations") == 1
    assert "hooks.note failed at account.confirmed: nothing was done" in caplog.text


async def test_what_the_database_does_not_take_names_the_hook_too(
    hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    from_models = "from app.extending import Role; ctx.db.add(Role(name=None))"
    async with hooks("Event.CONFIRMED", from_models) as (services, _):
        receipt = await register(services, ALICE)
        with pytest.raises(IntegrityError):
            await confirm(services, await last_link(services, ALICE.email), receipt=receipt)
        assert await count(services, "users") == 0
    assert "hooks.note failed at account.confirmed: nothing was done (IntegrityError" in caplog.text


async def test_a_hook_says_no_in_its_own_words(
    hooks: Hooks, caplog: pytest.LogCaptureFixture
) -> None:
    no = "raise SiteRefusal('Only on weekdays.')"
    async with hooks("Event.REGISTERED", no) as (services, _):
        with pytest.raises(SiteRefusal) as refused:
            await register(services, BOB)
        assert sentence(refused.value) == "Only on weekdays."
        assert await count(services, "registrations") == 0
        assert await count(services, "outbox") == 0
    assert "failed" not in caplog.text


async def test_who_cannot_be_deleted_for_a_hook_stays(hooks: Hooks) -> None:
    async with hooks("Event.DELETED", "raise KeyError('oh')") as (services, _):
        await create_user(services, ALICE)
        async with operator(services) as ctx:
            with pytest.raises(KeyError):
                await access.delete(ctx, name="alice", typed="alice")
        assert await count(services, "users") == 1
