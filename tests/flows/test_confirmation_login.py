"""Confirming signs in who registered, in their browser, and nobody else: refusals first."""

import pytest

from app.flows import confirmation
from app.flows.login import SignedIn
from app.kit.errors import LinkUnusable, WrongPassword
from app.services import Services
from tests.contexts import context
from tests.mailbox import key_of, last_link
from tests.users import ALICE, BOB, count, events, person_of, register


async def confirm(
    services: Services, link: str, *, receipts: tuple[str, ...] = (), password: str = ""
) -> object:
    async with context(services) as ctx:
        return await confirmation.confirm(
            ctx, sealed=key_of(link), receipts=receipts, password=password, signs_in=True
        )


async def test_a_strangers_registration_signs_nobody_in(services: Services) -> None:
    """Bob registers with Alice's address; she opens the link in her browser, which has no receipt.

    Nor does the receipt of a registration of her own help.
    """
    await register(services, BOB._replace(email=ALICE.email))
    link = await last_link(services, ALICE.email)
    hers = await register(services, ALICE)
    for receipts in ((), (hers,), ("garbled",)):
        with pytest.raises(WrongPassword):
            await confirm(services, link, receipts=receipts, password=ALICE.password)
    assert await count(services, "login_sessions") == 0
    assert await count(services, "users") == 0


async def test_a_used_link_signs_nobody_in(services: Services) -> None:
    receipt = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    assert await confirm(services, link, receipts=(receipt,))
    with pytest.raises(LinkUnusable):
        await confirm(services, link, receipts=(receipt,))
    assert await count(services, "login_sessions") == 1


@pytest.mark.parametrize("by_password", [False, True])
async def test_who_registered_is_signed_in(services: Services, by_password: bool) -> None:  # noqa: FBT001
    receipt = await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    how = {"password": ALICE.password} if by_password else {}
    done = await confirm(services, link, receipts=() if by_password else (receipt,), **how)
    assert isinstance(done, SignedIn)
    assert not done.remembered
    found = await person_of(services, done.secret)
    assert found.username == "alice"
    assert not found.shows_factor
    assert (await events(services))[-2:] == ["account.confirmed", "login.succeeded"]
