"""What happens to an account while a password is being checked for something else."""

from collections.abc import Awaitable, Callable

import pytest

from app.kit.errors import SignedOut
from app.services import Services
from app.steps import password_check
from tests.acts import ask_email, change_password, leave, take_back
from tests.mailbox import link_about, messages
from tests.resets import asked, reset
from tests.users import ALICE, block, create_user, entered, signed_in

Deed = Callable[[Services], Awaitable[object]]


async def take_it_back(services: Services) -> None:
    await take_back(services, await link_about(services, ALICE.email, "New sign-in"))


async def recover(services: Services) -> None:
    await reset(services, await asked(services))


async def change(services: Services) -> None:
    await change_password(services, await entered(services, ALICE))


async def shut_out(services: Services) -> None:
    await block(services, ALICE)


async def ask_for_another_address(services: Services) -> None:
    await ask_email(services, "intruder@example.net")


async def ask_to_be_deleted(services: Services) -> None:
    await leave(services)


@pytest.mark.parametrize("deed", [ask_for_another_address, ask_to_be_deleted])
@pytest.mark.parametrize("meanwhile", [take_it_back, recover, change, shut_out])
async def test_it_comes_too_late(
    services: Services, monkeypatch: pytest.MonkeyPatch, deed: Deed, meanwhile: Deed
) -> None:
    await create_user(services, ALICE)
    await signed_in(services, ALICE)
    await signed_in(services, ALICE)
    check_password = password_check.check_password

    async def slowly(*args: object, **kwargs: object) -> object:
        user = await check_password(*args, **kwargs)  # type: ignore[arg-type]
        monkeypatch.undo()
        await meanwhile(services)
        return user

    monkeypatch.setattr(password_check, "check_password", slowly)
    with pytest.raises(SignedOut):
        await deed(services)
    assert await messages(services, "intruder@example.net") == []
    assert not [each for each in await messages(services) if "deleted" in each.subject]
