"""What happens to an account while a password is being checked for something else."""

from collections.abc import Awaitable, Callable

import pytest

from app.kit.errors import SignedOut
from app.services import House
from app.steps import password_check
from tests.acts import ask_email, change_password, disown, leave
from tests.flows.test_recovery import asked, reset
from tests.mailbox import letters, link_about
from tests.people import ALICE, block, entered, settle, signed_in

Deed = Callable[[House], Awaitable[object]]


async def take_back(house: House) -> None:
    await disown(house, await link_about(house, ALICE.email, "new sign-in"))


async def recover(house: House) -> None:
    await reset(house, await asked(house))


async def change(house: House) -> None:
    await change_password(house, await entered(house, ALICE))


async def shut_out(house: House) -> None:
    await block(house, ALICE)


async def ask_for_another_address(house: House) -> None:
    await ask_email(house, "intruder@example.net")


async def ask_to_be_deleted(house: House) -> None:
    await leave(house)


@pytest.mark.parametrize("deed", [ask_for_another_address, ask_to_be_deleted])
@pytest.mark.parametrize("meanwhile", [take_back, recover, change, shut_out])
async def test_it_comes_too_late(
    house: House, monkeypatch: pytest.MonkeyPatch, deed: Deed, meanwhile: Deed
) -> None:
    await settle(house, ALICE)
    await signed_in(house, ALICE)
    await signed_in(house, ALICE)
    prove = password_check.prove

    async def slowly(*args: object, **kwargs: object) -> object:
        person = await prove(*args, **kwargs)  # type: ignore[arg-type]
        monkeypatch.undo()
        await meanwhile(house)
        return person

    monkeypatch.setattr(password_check, "prove", slowly)
    with pytest.raises(SignedOut):
        await deed(house)
    assert await letters(house, "intruder@example.net") == []
    assert not [each for each in await letters(house) if "deleted" in each.subject]
