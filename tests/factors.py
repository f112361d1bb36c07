"""People with second factors, made by calling flows."""

import time
from typing import NamedTuple

from sqlalchemy import text

from app.flows import authenticator_app, factor_login, login, passkeys
from app.kit import totp
from app.kit.encryption import unseal
from app.kit.totp import AppSecret
from app.services import Services
from tests.contexts import context
from tests.softkey import SoftKey
from tests.users import ALICE, Someone, actor_of, sign_in, signed_in

SECRET = text(
    "SELECT s.id, sealed, algorithm, digits, period FROM app_secrets s "
    "JOIN users ON users.id = user_id WHERE username = :name AND removed_at IS NULL "
    "ORDER BY s.created_at DESC LIMIT 1"
)


class WithApp(NamedTuple):
    """``secret`` is that of the session in which the app was set up."""

    secret: str
    codes: list[str]


async def app_of(services: Services, someone: Someone = ALICE) -> AppSecret:
    """Return what somebody's app knows."""
    async with services.engine.connect() as connection:
        row = (await connection.execute(SECRET, {"name": someone.username})).one()
    secret = unseal(services.config.signing_keys, row.sealed, row_id=row.id)
    return AppSecret(secret, row.algorithm, row.digits, row.period)


async def code_of(services: Services, someone: Someone = ALICE, *, seconds: float = 0) -> str:
    """Return what somebody's app shows, now or some seconds from now."""
    app = await app_of(services, someone)
    return totp.code_at(app, int((time.time() + seconds) // app.period))


async def wrong_code(services: Services, someone: Someone = ALICE) -> str:
    """Return a code that is none of those that are right now."""
    right = {await code_of(services, someone, seconds=30 * step) for step in range(-2, 3)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


async def let_codes_pass(services: Services) -> None:
    """Let the time of the codes that were used pass, by moving it back."""
    async with services.engine.begin() as connection:
        await connection.execute(text("UPDATE app_secrets SET last_step = last_step - 10"))


async def let_waits_pass(services: Services) -> None:
    """Let nobody have to wait for their next code."""
    async with services.engine.begin() as connection:
        await connection.execute(text("DELETE FROM rate_limit_buckets"))


async def add_app(
    services: Services, someone: Someone = ALICE, secret: str | None = None
) -> WithApp:
    """Set an authenticator app up for somebody, who signs in for it."""
    secret = secret or await signed_in(services, someone)
    actor = await actor_of(services, someone, secret)
    async with context(services, actor=actor, session_secret=secret) as ctx:
        await authenticator_app.begin(ctx)
        code = await code_of(services, someone)
        added = await authenticator_app.confirm(ctx, code=code)
    await let_codes_pass(services)
    return WithApp(added.renewed.secret, added.codes)


async def add_passkey(
    services: Services,
    key: SoftKey,
    someone: Someone = ALICE,
    secret: str | None = None,
) -> WithApp:
    """Add a passkey for somebody, who signs in for it."""
    secret = secret or await signed_in(services, someone)
    actor = await actor_of(services, someone, secret)
    async with context(services, actor=actor, session_secret=secret) as ctx:
        options = await passkeys.options(ctx)
        assert options is not None
        added = await passkeys.add(ctx, answer=key.create(options), name="Phone")
    return WithApp(added.renewed.secret, added.codes)


async def half_way(
    services: Services, someone: Someone = ALICE, *, browser: str | None = None
) -> str:
    """Show somebody's password; return what the cookie of the half-finished login carries."""
    outcome = await sign_in(services, someone, browser=browser)
    assert isinstance(outcome, login.FactorDue), outcome
    return outcome.secret


async def finish(
    services: Services,
    half: str,
    code: str,
    *,
    trusts: bool = False,
    browser: str | None = None,
) -> login.SignedIn:
    """Finish a login by a code."""
    async with context(services, pending_login=half, browser=browser) as ctx:
        return await factor_login.sign_in_by_code(ctx, code=code, trusts=trusts)


async def signed_in_by_code(
    services: Services, someone: Someone = ALICE, **how: str | bool
) -> login.SignedIn:
    """Sign somebody in by password and code."""
    browser = how.get("browser")
    half = await half_way(services, someone, browser=str(browser) if browser else None)
    await let_codes_pass(services)
    return await finish(services, half, await code_of(services, someone), **how)  # type: ignore[arg-type]
