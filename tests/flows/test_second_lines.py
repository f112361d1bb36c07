"""Guards behind which another one stands: each is seen alone here."""

import pytest
from sqlalchemy import text

from app.kit.errors import WrongCredentials
from app.services import House
from tests.acts import disown
from tests.flows.test_disowning import intruded
from tests.mailbox import link_about
from tests.people import ALICE, id_of, settle, sign_in, signed_in, who


async def run(house: House, statement: str) -> int:
    """Run a statement; return its number, or of how many rows it was."""
    async with house.engine.begin() as connection:
        result = await connection.execute(text(statement))
        return int(result.scalar_one()) if result.returns_rows else result.rowcount


@pytest.mark.parametrize(
    "change",
    [
        "users SET blocked_at = now()",
        "users SET delete_at = now() + interval '7 days'",
        "users SET confirmed_at = NULL",
        "users SET credential_version = credential_version + 1",
        "login_sessions SET expires_at = now()",
        "login_sessions SET seen_at = now() - interval '3 hours'",
    ],
)
async def test_each_end_of_a_session_ends_it_by_itself(house: House, change: str) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    assert await who(house, secret) == "alice"
    assert await run(house, f"UPDATE {change}") == 1
    assert await who(house, secret) is None


async def test_take_back_leaves_no_session_that_a_version_alone_keeps_out(house: House) -> None:
    await intruded(house)
    assert await run(house, "SELECT count(*) FROM login_sessions") > 0
    await disown(house, await link_about(house, ALICE.email, "password"))
    assert await run(house, "SELECT count(*) FROM login_sessions") == 0


async def test_a_right_password_gives_the_tries_of_name_and_person_back(house: House) -> None:
    await settle(house, ALICE)
    names = [f"logins:name:{ALICE.email}", f"logins:person:{await id_of(house, ALICE)}"]
    keys = ", ".join(f"sha256('{name}')" for name in names)
    kept = f"SELECT count(*) FROM throttle_buckets WHERE key IN ({keys})"  # noqa: S608
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, password="wrong")
    assert await run(house, kept) == 2
    await sign_in(house, ALICE)
    assert await run(house, kept) == 0
