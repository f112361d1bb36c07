"""Letting somebody in by a one-time link."""

import pytest

from app.context import Context
from app.flows import access, login
from app.kit.errors import AlreadyThere, LinkUnusable, NoSuchRole, WeakPassword
from app.services import Services
from tests.contexts import context
from tests.invitations import accept, invite
from tests.mailbox import last_link
from tests.refusals import refused
from tests.users import (
    ALICE,
    BOB,
    ROOT,
    Someone,
    confirm,
    count,
    create_user,
    move_time,
    register,
    sign_in,
)


async def test_an_unknown_role_is_refused_with_those_there_are(services: Services) -> None:
    with refused(NoSuchRole, "User, Moderator, Administrator"):
        await invite(services, ROOT, "Emperor")
    assert await count(services, "users") == 0


@pytest.mark.parametrize(
    "someone", [ALICE, ALICE._replace(username="other"), ALICE._replace(email="o@example.com")]
)
async def test_somebody_who_is_there_is_not_invited(services: Services, someone: Someone) -> None:
    await create_user(services, ALICE)
    with pytest.raises(AlreadyThere):
        await invite(services, someone)
    assert await count(services, "users") == 1


async def test_a_person_does_not_become_administrator_by_an_invitation(services: Services) -> None:
    await create_user(services, BOB)
    with pytest.raises(AlreadyThere):
        await invite(services, BOB)
    async with context(services) as ctx:
        assert not await access.has_administrator(ctx)


@pytest.mark.parametrize(
    "password", ["short", "passwordpassword", "rootrootrootroot", "root@example.com"]
)
async def test_a_weak_password_is_refused_and_the_link_stays_good(
    services: Services, password: str
) -> None:
    link = await invite(services, ROOT)
    with pytest.raises(WeakPassword):
        await accept(services, link, password)
    await accept(services, link, ROOT.password)


async def test_a_used_invitation_is_refused(services: Services) -> None:
    link = await invite(services, ROOT)
    await accept(services, link, ROOT.password)
    with pytest.raises(LinkUnusable):
        await accept(services, link, "another long password")
    assert isinstance(await sign_in(services, ROOT), login.SignedIn)


async def test_an_expired_invitation_is_refused(services: Services) -> None:
    link = await invite(services, ROOT)
    await move_time(services, "one_time_tokens", "expires_at", "24 hours 1 second")
    with pytest.raises(LinkUnusable):
        await accept(services, link, ROOT.password)


async def test_a_second_invitation_voids_the_first(services: Services) -> None:
    first, second = await invite(services, ROOT), await invite(services, ROOT)
    with pytest.raises(LinkUnusable):
        await accept(services, first, ROOT.password)
    await accept(services, second, ROOT.password)


async def test_a_second_invitation_sets_the_role_anew(services: Services, ctx: Context) -> None:
    for role, expected in (
        (None, "User"),
        ("Administrator", "Administrator"),
        (None, "Administrator"),
        ("moderator", "Moderator"),
    ):
        await invite(services, ROOT, role)
        (user,) = await access.everybody(ctx)
        assert (user.role, user.has_password) == (expected, False)


async def test_a_registration_does_not_stand_in_an_invitations_way(services: Services) -> None:
    stranger = ROOT._replace(password="the stranger has plans")
    receipt = await register(services, stranger)
    link = await last_link(services, ROOT.email)
    invitation_link = await invite(services, ROOT)
    with pytest.raises(LinkUnusable):
        await confirm(services, link, receipt=receipt)
    await accept(services, invitation_link, ROOT.password)
    assert isinstance(await sign_in(services, ROOT), login.SignedIn)


async def test_an_invited_administrator_chooses_his_password(
    services: Services, ctx: Context
) -> None:
    link = await invite(services, ROOT)
    await accept(services, link, ROOT.password)
    assert isinstance(await sign_in(services, ROOT), login.SignedIn)
    (user,) = await access.everybody(ctx)
    assert (user.username, user.role) == ("root", "Administrator")
    assert await access.has_administrator(ctx)
