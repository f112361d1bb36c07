"""A name that somebody gave up is nobody else's, from the first site on."""

import pytest
from sqlalchemy import text

from app.flows import access, account, invitation, sites
from app.kit.errors import AlreadyThere, UsernameTaken
from app.kit.gate_errors import NotReserved
from app.services import Services
from tests.contexts import context, operator
from tests.gate.harness import add_site
from tests.mailbox import last_link
from tests.users import ALICE, Someone, actor_of, confirm, create_user, register

MALLORY = Someone("mallory", "mallory@example.org", "mallory waits for the tide")


async def rename(services: Services, someone: Someone, username: str) -> None:
    async with context(services, actor=await actor_of(services, someone)) as ctx:
        await account.change_username(ctx, username=username)


async def erase(services: Services, someone: Someone) -> None:
    async with operator(services) as ctx:
        await access.delete(ctx, name=someone.username, typed=someone.username)


async def test_without_a_site_a_freed_name_is_free(services: Services) -> None:
    await create_user(services, ALICE)
    await erase(services, ALICE)
    await create_user(services, ALICE)


async def test_a_freed_username_is_taken(services: Services) -> None:
    await add_site(services)
    await create_user(services, ALICE)
    await rename(services, ALICE, "alicia")
    with pytest.raises(UsernameTaken):
        await register(services, MALLORY._replace(username="Alice"))
    await create_user(services, MALLORY)
    with pytest.raises(UsernameTaken):
        await rename(services, MALLORY, "alice")


async def test_its_owner_may_take_it_back(services: Services) -> None:
    await add_site(services)
    await create_user(services, ALICE)
    await rename(services, ALICE, "alicia")
    await rename(services, ALICE._replace(username="alicia"), "alice")
    await create_user(services, MALLORY)
    with pytest.raises(UsernameTaken):
        await rename(services, MALLORY, "alicia")


async def test_the_names_of_who_is_erased_stay_reserved(services: Services) -> None:
    await add_site(services)
    await create_user(services, ALICE)
    await erase(services, ALICE)
    with pytest.raises(UsernameTaken):
        await register(services, MALLORY._replace(username="alice"))
    again = ALICE._replace(username="another")
    receipt = await register(services, again)
    link = await last_link(services, ALICE.email)
    with pytest.raises(Exception, match="link_unusable"):
        await confirm(services, link, receipt=receipt)
    async with operator(services) as ctx:
        with pytest.raises(AlreadyThere):
            await invitation.invite(ctx, username="x-alice", email=ALICE.email, role_name=None)


async def test_nothing_of_them_is_kept_but_a_digest(services: Services) -> None:
    await add_site(services)
    await create_user(services, ALICE)
    await erase(services, ALICE)
    async with services.engine.connect() as connection:
        rows = str(list(await connection.execute(text("SELECT * FROM reserved_names"))))
    assert "alice" not in rows
    assert rows.count("UUID(") == 2


async def test_the_operator_releases_a_name(services: Services) -> None:
    await add_site(services)
    await create_user(services, ALICE)
    await erase(services, ALICE)
    async with operator(services) as ctx:
        await sites.release_name(ctx, name="Alice")
        await sites.release_name(ctx, name=ALICE.email)
        with pytest.raises(NotReserved):
            await sites.release_name(ctx, name="alice")
    await create_user(services, ALICE)
