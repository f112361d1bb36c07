"""Guards behind which another one stands: each is seen alone here."""

import pytest
from sqlalchemy import text

from app.kit.errors import WrongCredentials
from app.services import Services
from tests.acts import take_back
from tests.intruders import intruded
from tests.mailbox import link_about
from tests.users import ALICE, create_user, id_of, sign_in, signed_in, who


async def run(services: Services, statement: str) -> int:
    """Run a statement; return its number, or of how many rows it was."""
    async with services.engine.begin() as connection:
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
async def test_each_end_of_a_session_ends_it_by_itself(services: Services, change: str) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    assert await who(services, secret) == "alice"
    assert await run(services, f"UPDATE {change}") == 1
    assert await who(services, secret) is None


async def test_take_back_leaves_no_session_that_a_version_alone_keeps_out(
    services: Services,
) -> None:
    await intruded(services)
    assert await run(services, "SELECT count(*) FROM login_sessions") > 0
    await take_back(services, await link_about(services, ALICE.email, "password"))
    assert await run(services, "SELECT count(*) FROM login_sessions") == 0


async def test_a_right_password_gives_the_tries_of_name_and_person_back(services: Services) -> None:
    await create_user(services, ALICE)
    names = [f"logins:name:{ALICE.email}", f"logins:person:{await id_of(services, ALICE)}"]
    keys = ", ".join(f"sha256('{name}')" for name in names)
    kept = f"SELECT count(*) FROM rate_limit_buckets WHERE key IN ({keys})"  # noqa: S608
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, password="wrong")
    assert await run(services, kept) == 2
    await sign_in(services, ALICE)
    assert await run(services, kept) == 0
