"""Named people, made by calling flows."""

from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import text

from app.flows import access, confirmation, login, registration
from app.flows.lookup import CurrentSession
from app.kit.actor import Actor
from app.kit.client import Client
from app.kit.tokens import digest
from app.services import Services
from tests.contexts import CLIENT, context, operator
from tests.mailbox import key_of, last_link


class Someone(NamedTuple):
    username: str
    email: str
    password: str


ALICE = Someone("alice", "alice@example.com", "alice likes long walks")
BOB = Someone("bob", "bob@example.com", "bob collects old maps")
ROOT = Someone("root", "root@example.com", "root waters the plants")


async def register(services: Services, someone: Someone, client: Client = CLIENT) -> str:
    """Register somebody, return the receipt; the address waits to be confirmed."""
    async with context(services, client=client) as ctx:
        return await registration.register(
            ctx, username=someone.username, email=someone.email, password=someone.password
        )


async def confirm(services: Services, link: str, *, receipt: str = "", password: str = "") -> None:
    """Follow a confirmation link."""
    async with context(services) as ctx:
        await confirmation.confirm(ctx, sealed=key_of(link), receipts=[receipt], password=password)


async def create_user(services: Services, someone: Someone, *, role: str | None = None) -> Someone:
    """Register and confirm somebody."""
    receipt = await register(services, someone)
    await confirm(services, await last_link(services, someone.email), receipt=receipt)
    if role is not None:
        async with operator(services) as ctx:
            await access.set_role(ctx, name=someone.username, role_name=role)
    return someone


async def sign_in(
    services: Services,
    someone: Someone,
    *,
    password: str | None = None,
    name: str | None = None,
    remember: bool = False,
    client: Client = CLIENT,
    previous_secret: str | None = None,
    browser: str | None = None,
    pending_login: str | None = None,
) -> login.Outcome:
    """Sign somebody in by address."""
    async with context(
        services,
        client=client,
        session_secret=previous_secret,
        browser=browser,
        pending_login=pending_login,
    ) as ctx:
        return await login.sign_in(
            ctx,
            name=name or someone.email,
            password=someone.password if password is None else password,
            remember=remember,
        )


async def entered(
    services: Services,
    someone: Someone,
    *,
    password: str | None = None,
    remember: bool = False,
    client: Client = CLIENT,
    browser: str | None = None,
) -> login.SignedIn:
    """Sign somebody in and return all that their browser gets."""
    outcome = await sign_in(
        services, someone, password=password, remember=remember, client=client, browser=browser
    )
    assert isinstance(outcome, login.SignedIn), outcome
    return outcome


async def signed_in(services: Services, someone: Someone, *, remember: bool = False) -> str:
    """Sign somebody in and return the session's secret."""
    return (await entered(services, someone, remember=remember)).secret


async def person_of(services: Services, secret: str) -> CurrentSession:
    """Return the user behind a session secret."""
    user = await services.signed_in(secret)
    assert user is not None
    return user


async def id_of(services: Services, someone: Someone) -> UUID:
    """Return a user's id, by their username, or by their address where there are none."""
    by_name = text("SELECT id FROM users WHERE :name IN (username, email)")
    async with services.engine.connect() as connection:
        found: UUID = await connection.scalar(by_name, {"name": _name_of(services, someone)})
    return found


def _name_of(services: Services, someone: Someone) -> str:
    return services.config.called(someone)


async def actor_of(services: Services, someone: Someone, secret: str | None = None) -> Actor:
    """Return somebody as the one who does something, in the session of a secret, alive or not.

    Without one it is their newest session; they sign in if they have none.
    """
    if secret is None and not await _session_of(services, someone):
        await signed_in(services, someone)
    session_id = await _session_of(services, someone, secret)
    return Actor(await id_of(services, someone), session_id or uuid4())


async def _session_of(
    services: Services, someone: Someone, secret: str | None = None
) -> UUID | None:
    newest = text(
        "SELECT s.id FROM login_sessions s JOIN users ON users.id = s.user_id "
        "WHERE :name IN (username, email) AND digest = coalesce(:digest, digest) "
        "ORDER BY s.created_at DESC LIMIT 1"
    )
    values = {"name": _name_of(services, someone), "digest": secret and digest(secret)}
    async with services.engine.connect() as connection:
        found: UUID | None = await connection.scalar(newest, values)
    return found


async def who(services: Services, secret: str) -> str | None:
    """Return the username behind a session secret."""
    user = await services.signed_in(secret)
    return user and user.username


async def block(services: Services, someone: Someone) -> None:
    async with operator(services) as ctx:
        await access.block(ctx, name=someone.username)


async def unblock(services: Services, someone: Someone) -> None:
    async with operator(services) as ctx:
        await access.unblock(ctx, name=someone.username)


async def move_time(services: Services, table: str, column: str, interval: str) -> None:
    """Let time pass for the rows of a table, by moving them into the past."""
    async with services.engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE {table} SET {column} = {column} - interval '{interval}'")  # noqa: S608
        )


async def count(services: Services, table: str) -> int:
    """Return how many rows a table has."""
    async with services.engine.connect() as connection:
        found: int = await connection.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
        return found


async def events(services: Services) -> list[str]:
    """Return the names of all audit events, oldest first."""
    async with services.engine.connect() as connection:
        return list(await connection.scalars(text("SELECT event FROM audit_events ORDER BY id")))
