"""'This wasn't me'."""

import pytest

from app.flows import takeback
from app.kit.errors import LinkUnusable, WrongCredentials
from app.services import House
from tests.acts import NEW as NEW_PASSWORD
from tests.acts import ask_email, change_password, confirm_email, disown, leave
from tests.contexts import context
from tests.flows.test_recovery import reset
from tests.mailbox import key_of, last_link, letters, link_about
from tests.people import (
    ALICE,
    ROOT,
    Someone,
    entered,
    events,
    move_time,
    register,
    settle,
    sign_in,
    signed_in,
    who,
)

HIS = "intruder@example.net"
INTRUDER = Someone(ALICE.username, HIS, "the intruder's own password")


async def intruded(house: House) -> None:
    """Somebody who knows Alice's password changes the password and the address."""
    await settle(house, ALICE)
    entry = await entered(house, ALICE)
    renewed = await change_password(house, entry, new=INTRUDER.password)
    await ask_email(house, HIS, password=INTRUDER.password)
    confirmed = await confirm_email(
        house, await link_about(house, HIS, "Confirm your new"), secret=renewed.secret
    )
    assert confirmed
    assert await sign_in(house, INTRUDER)


async def owns_again(house: House) -> None:
    """Whether Alice is the owner: by her address, with a password that she chooses now."""
    await reset(house, await link_about(house, ALICE.email, "Choose a new"), NEW_PASSWORD)
    await signed_in(house, Someone(ALICE.username, ALICE.email, NEW_PASSWORD))
    with pytest.raises(WrongCredentials):
        await sign_in(house, INTRUDER)


@pytest.mark.parametrize("words", ["password", "about to change", "address at Vestibule was"])
async def test_every_letter_of_it_gives_the_account_back(house: House, words: str) -> None:
    await intruded(house)
    done = await disown(house, await link_about(house, ALICE.email, words))
    assert done == takeback.Disowned(ALICE.email, is_lost=False)
    await owns_again(house)
    assert {"account.disowned", "account.email_restored"} <= set(await events(house))


async def test_nobody_is_signed_in_any_more_and_the_password_is_off(house: House) -> None:
    await intruded(house)
    secret = await signed_in(house, INTRUDER)
    await disown(house, await link_about(house, ALICE.email, "password"))
    assert await who(house, secret) is None
    for someone in (ALICE, INTRUDER):
        for password in (ALICE.password, INTRUDER.password):
            with pytest.raises(WrongCredentials):
                await sign_in(house, someone, password=password)


async def test_the_intruders_own_letters_do_not_undo_it(house: House) -> None:
    """He got notices too, at his address; the earlier letter wins, whoever comes first."""
    await intruded(house)
    await change_password(
        house, await entered(house, INTRUDER), someone=INTRUDER, new="another of his passwords"
    )
    his = await link_about(house, HIS, "password")
    hers = await link_about(house, ALICE.email, "password")
    await disown(house, his)
    assert (await disown(house, hers)).email == ALICE.email
    with pytest.raises(LinkUnusable):
        await disown(house, his)
    await owns_again(house)


async def test_a_second_change_of_address_is_undone_too(house: House) -> None:
    await intruded(house)
    await ask_email(house, "further@example.net", password=INTRUDER.password)
    await confirm_email(house, await link_about(house, "further@example.net", "Confirm your new"))
    assert (await disown(house, await link_about(house, ALICE.email, "password"))).email == (
        ALICE.email
    )
    await owns_again(house)


async def test_a_deletion_is_called_off(house: House) -> None:
    await intruded(house)
    await leave(house, password=INTRUDER.password)
    await disown(house, await link_about(house, ALICE.email, "password"))
    await owns_again(house)


async def test_an_address_that_is_anothers_by_now_is_not_taken_from_him(house: House) -> None:
    await intruded(house)
    await settle(house, Someone("alice2", ALICE.email, ALICE.password))
    done = await disown(house, await link_about(house, ALICE.email, "address at Vestibule was"))
    assert done == takeback.Disowned("", is_lost=True)
    assert not [each for each in await letters(house, HIS) if "Choose a new" in each.subject]
    with pytest.raises(WrongCredentials):
        await sign_in(house, INTRUDER)
    assert "account.blocked" in await events(house)


async def test_the_owner_who_repaired_it_himself_is_not_undone(house: House) -> None:
    """The intruder's address was told of the repair, with a link of its own."""
    await intruded(house)
    await ask_email(house, ALICE.email, password=INTRUDER.password)
    await confirm_email(house, await link_about(house, ALICE.email, "Confirm your new"))
    his = await link_about(house, HIS, "address at Vestibule was")
    async with context(house) as ctx:
        with pytest.raises(LinkUnusable):
            await takeback.open_notice(ctx, sealed=key_of(his))
    with pytest.raises(LinkUnusable):
        await disown(house, his)
    assert await sign_in(house, ALICE, password=INTRUDER.password)


async def test_an_owner_who_moved_is_told_apart_from_an_intruder_by_who_was_first(
    house: House,
) -> None:
    await intruded(house)
    await ask_email(house, "third@example.net", password=INTRUDER.password)
    await confirm_email(house, await link_about(house, "third@example.net", "Confirm your new"))
    his = await link_about(house, HIS, "address at Vestibule was")
    assert (await disown(house, his)).email == HIS  # earlier than the third
    hers = await link_about(house, ALICE.email, "password")
    assert (await disown(house, hers)).email == ALICE.email  # earlier than his


async def test_used_late_and_garbled_links(house: House) -> None:
    await intruded(house)
    used = await link_about(house, ALICE.email, "password")
    await disown(house, used)
    await intruded_again(house)
    late = await last_link(house, ROOT.email)
    await move_time(house, "one_time_tokens", "expires_at", "7 days")
    for link in (used, late, "http://x/not-me/x"):
        with pytest.raises(LinkUnusable):
            await disown(house, link)


async def intruded_again(house: House) -> None:
    await settle(house, ROOT)
    entry = await entered(house, ROOT)
    await change_password(house, entry, someone=ROOT)


async def test_no_other_link_opens_it(house: House) -> None:
    await register(house, ALICE)
    with pytest.raises(LinkUnusable):
        await disown(house, await last_link(house, ALICE.email))


async def test_looking_uses_nothing_up_and_says_what_will_happen(house: House) -> None:
    await intruded(house)
    link = await link_about(house, ALICE.email, "password")
    async with context(house) as ctx:
        opened = await takeback.open_notice(ctx, sealed=key_of(link))
    assert opened == takeback.Opened("alice", ALICE.email, is_moved=True)
    await disown(house, link)


async def test_a_letter_of_an_untouched_account_resets_only(house: House) -> None:
    await settle(house, ALICE)
    await change_password(house, await entered(house, ALICE))
    await disown(house, await link_about(house, ALICE.email, "password"))
    assert "account.email_restored" not in await events(house)
    assert "Choose a new" in (await letters(house, ALICE.email))[-1].subject
