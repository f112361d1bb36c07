"""Letting somebody in by a one-time link."""

import pytest

from app.context import Context
from app.flows import access, invitation, login
from app.kit.errors import AlreadyThere, LinkUnusable, NoSuchRole, WeakPassword
from app.services import House
from tests.contexts import context, operator
from tests.mailbox import key_of, last_link
from tests.people import (
    ALICE,
    BOB,
    ROOT,
    Someone,
    confirm,
    count,
    move_time,
    register,
    settle,
    sign_in,
)


async def invite(house: House, someone: Someone, role: str | None = "Administrator") -> str:
    async with operator(house) as ctx:
        invited = await invitation.invite(
            ctx, username=someone.username, email=someone.email, role_name=role
        )
    return invited.url


async def accept(house: House, link: str, password: str) -> None:
    async with context(house) as ctx:
        await invitation.accept(ctx, sealed=key_of(link), password=password)


async def test_an_unknown_role_is_refused_with_those_there_are(house: House) -> None:
    with pytest.raises(NoSuchRole, match="User, Moderator, Administrator"):
        await invite(house, ROOT, "Emperor")
    assert await count(house, "users") == 0


@pytest.mark.parametrize(
    "someone", [ALICE, ALICE._replace(username="other"), ALICE._replace(email="o@example.com")]
)
async def test_somebody_who_is_there_is_not_invited(house: House, someone: Someone) -> None:
    await settle(house, ALICE)
    with pytest.raises(AlreadyThere):
        await invite(house, someone)
    assert await count(house, "users") == 1


async def test_a_person_does_not_become_administrator_by_an_invitation(house: House) -> None:
    await settle(house, BOB)
    with pytest.raises(AlreadyThere):
        await invite(house, BOB)
    async with context(house) as ctx:
        assert not await access.has_administrator(ctx)


@pytest.mark.parametrize(
    "password", ["short", "passwordpassword", "rootrootrootroot", "root@example.com"]
)
async def test_a_weak_password_is_refused_and_the_link_stays_good(
    house: House, password: str
) -> None:
    link = await invite(house, ROOT)
    with pytest.raises(WeakPassword):
        await accept(house, link, password)
    await accept(house, link, ROOT.password)


async def test_a_used_invitation_is_refused(house: House) -> None:
    link = await invite(house, ROOT)
    await accept(house, link, ROOT.password)
    with pytest.raises(LinkUnusable):
        await accept(house, link, "another long password")
    assert isinstance(await sign_in(house, ROOT), login.SignedIn)


async def test_an_expired_invitation_is_refused(house: House) -> None:
    link = await invite(house, ROOT)
    await move_time(house, "one_time_tokens", "expires_at", "24 hours 1 second")
    with pytest.raises(LinkUnusable):
        await accept(house, link, ROOT.password)


async def test_a_second_invitation_voids_the_first(house: House) -> None:
    first, second = await invite(house, ROOT), await invite(house, ROOT)
    with pytest.raises(LinkUnusable):
        await accept(house, first, ROOT.password)
    await accept(house, second, ROOT.password)


async def test_a_second_invitation_sets_the_role_anew(house: House, ctx: Context) -> None:
    for role, expected in (
        (None, "User"),
        ("Administrator", "Administrator"),
        (None, "Administrator"),
        ("moderator", "Moderator"),
    ):
        await invite(house, ROOT, role)
        (person,) = await access.everybody(ctx)
        assert (person.role, person.has_password) == (expected, False)


async def test_a_registration_does_not_stand_in_an_invitations_way(house: House) -> None:
    stranger = ROOT._replace(password="the stranger has plans")
    receipt = await register(house, stranger)
    link = await last_link(house, ROOT.email)
    invitation_link = await invite(house, ROOT)
    with pytest.raises(LinkUnusable):
        await confirm(house, link, receipt=receipt)
    await accept(house, invitation_link, ROOT.password)
    assert isinstance(await sign_in(house, ROOT), login.SignedIn)


async def test_an_invited_administrator_chooses_his_password(house: House, ctx: Context) -> None:
    link = await invite(house, ROOT)
    await accept(house, link, ROOT.password)
    assert isinstance(await sign_in(house, ROOT), login.SignedIn)
    (person,) = await access.everybody(ctx)
    assert (person.username, person.role) == ("root", "Administrator")
    assert await access.has_administrator(ctx)
