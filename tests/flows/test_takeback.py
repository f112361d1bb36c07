"""'This wasn't me'."""

import pytest

from app.flows import takeback
from app.kit.errors import LinkUnusable, WrongCredentials
from app.services import Services
from tests.acts import NEW as NEW_PASSWORD
from tests.acts import ask_email, change_password, confirm_email, leave, take_back
from tests.contexts import context
from tests.intruders import HIS, INTRUDER, intruded
from tests.mailbox import key_of, last_link, link_about, messages
from tests.resets import reset
from tests.users import (
    ALICE,
    ROOT,
    Someone,
    create_user,
    entered,
    events,
    move_time,
    register,
    sign_in,
    signed_in,
    who,
)


async def owns_again(services: Services) -> None:
    """Whether Alice is the owner: by her address, with a password that they choose now."""
    await reset(services, await link_about(services, ALICE.email, "Choose a new"), NEW_PASSWORD)
    await signed_in(services, Someone(ALICE.username, ALICE.email, NEW_PASSWORD))
    with pytest.raises(WrongCredentials):
        await sign_in(services, INTRUDER)


@pytest.mark.parametrize("words", ["password", "about to change", "address at Vestibule was"])
async def test_every_email_of_it_gives_the_account_back(services: Services, words: str) -> None:
    await intruded(services)
    done = await take_back(services, await link_about(services, ALICE.email, words))
    assert done == takeback.TakenBack(ALICE.email, is_lost=False)
    await owns_again(services)
    assert {"account.taken_back", "account.email_restored"} <= set(await events(services))


async def test_nobody_is_signed_in_any_more_and_the_password_is_off(services: Services) -> None:
    await intruded(services)
    secret = await signed_in(services, INTRUDER)
    await take_back(services, await link_about(services, ALICE.email, "password"))
    assert await who(services, secret) is None
    for someone in (ALICE, INTRUDER):
        for password in (ALICE.password, INTRUDER.password):
            with pytest.raises(WrongCredentials):
                await sign_in(services, someone, password=password)


async def test_the_intruders_own_letters_do_not_undo_it(services: Services) -> None:
    """They got notices too, at their address; the earlier email wins, whoever comes first."""
    await intruded(services)
    await change_password(
        services,
        await entered(services, INTRUDER),
        someone=INTRUDER,
        new="another of their passwords",
    )
    his = await link_about(services, HIS, "password")
    hers = await link_about(services, ALICE.email, "password")
    await take_back(services, his)
    assert (await take_back(services, hers)).email == ALICE.email
    with pytest.raises(LinkUnusable):
        await take_back(services, his)
    await owns_again(services)


async def test_a_second_change_of_address_is_undone_too(services: Services) -> None:
    await intruded(services)
    await ask_email(services, "further@example.net", password=INTRUDER.password)
    await confirm_email(
        services, await link_about(services, "further@example.net", "Confirm your new")
    )
    assert (
        await take_back(services, await link_about(services, ALICE.email, "password"))
    ).email == (ALICE.email)
    await owns_again(services)


async def test_a_deletion_is_called_off(services: Services) -> None:
    await intruded(services)
    await leave(services, password=INTRUDER.password)
    await take_back(services, await link_about(services, ALICE.email, "password"))
    await owns_again(services)


async def test_an_address_that_is_anothers_by_now_is_not_taken_from_him(services: Services) -> None:
    await intruded(services)
    await create_user(services, Someone("alice2", ALICE.email, ALICE.password))
    done = await take_back(
        services, await link_about(services, ALICE.email, "address at Vestibule was")
    )
    assert done == takeback.TakenBack("", is_lost=True)
    assert not [each for each in await messages(services, HIS) if "Choose a new" in each.subject]
    with pytest.raises(WrongCredentials):
        await sign_in(services, INTRUDER)
    assert "account.blocked" in await events(services)


async def test_the_owner_who_repaired_it_himself_is_not_undone(services: Services) -> None:
    """The intruder's address was told of the repair, with a link of its own."""
    await intruded(services)
    await ask_email(services, ALICE.email, password=INTRUDER.password)
    await confirm_email(services, await link_about(services, ALICE.email, "Confirm your new"))
    his = await link_about(services, HIS, "address at Vestibule was")
    async with context(services) as ctx:
        with pytest.raises(LinkUnusable):
            await takeback.open_notice(ctx, sealed=key_of(his))
    with pytest.raises(LinkUnusable):
        await take_back(services, his)
    assert await sign_in(services, ALICE, password=INTRUDER.password)


async def test_an_owner_who_moved_is_told_apart_from_an_intruder_by_who_was_first(
    services: Services,
) -> None:
    await intruded(services)
    await ask_email(services, "third@example.net", password=INTRUDER.password)
    await confirm_email(
        services, await link_about(services, "third@example.net", "Confirm your new")
    )
    his = await link_about(services, HIS, "address at Vestibule was")
    assert (await take_back(services, his)).email == HIS  # earlier than the third
    hers = await link_about(services, ALICE.email, "password")
    assert (await take_back(services, hers)).email == ALICE.email  # earlier than their


async def test_used_late_and_garbled_links(services: Services) -> None:
    await intruded(services)
    used = await link_about(services, ALICE.email, "password")
    await take_back(services, used)
    await intruded_again(services)
    late = await last_link(services, ROOT.email)
    await move_time(services, "one_time_tokens", "expires_at", "7 days")
    for link in (used, late, "http://x/not-me/x"):
        with pytest.raises(LinkUnusable):
            await take_back(services, link)


async def intruded_again(services: Services) -> None:
    await create_user(services, ROOT)
    entry = await entered(services, ROOT)
    await change_password(services, entry, someone=ROOT)


async def test_no_other_link_opens_it(services: Services) -> None:
    await register(services, ALICE)
    with pytest.raises(LinkUnusable):
        await take_back(services, await last_link(services, ALICE.email))


async def test_looking_uses_nothing_up_and_says_what_will_happen(services: Services) -> None:
    await intruded(services)
    link = await link_about(services, ALICE.email, "password")
    async with context(services) as ctx:
        opened = await takeback.open_notice(ctx, sealed=key_of(link))
    assert opened == takeback.OpenTakeback("alice", ALICE.email, is_moved=True)
    await take_back(services, link)


async def test_an_email_of_an_untouched_account_resets_only(services: Services) -> None:
    await create_user(services, ALICE)
    await change_password(services, await entered(services, ALICE))
    await take_back(services, await link_about(services, ALICE.email, "password"))
    assert "account.email_restored" not in await events(services)
    assert "Choose a new" in (await messages(services, ALICE.email))[-1].subject
