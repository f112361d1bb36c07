"""Changing one's password."""

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit.actor import Actor
from app.kit.client import Client
from app.kit.errors import SignedOut, WeakPassword
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose
from app.models import audit, device, token, user
from app.models.audit import Event
from app.steps import acting, choosing, notices, proof, renewal
from app.steps.browsers import name_digests
from app.steps.renewal import Renewed


async def change_password(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    actor: Actor,
    secret: str,
    current: str,
    password: str,
    client: Client,
    browser: str | None,
) -> Renewed:
    """Replace a password by another; every other session, browser and link of the person ends.

    Returns:
        The new secret of the session in which it was changed.

    Raises:
        WrongPassword: ``current`` is not the person's.
        WeakPassword: the new one is refused, with the reason.
        TooManyTries: of the current one, shared with the login (PW-09).
        TooBusy: too many passwords wait to be checked or hashed.
        SignedOut: the session ended, or the password was changed elsewhere meanwhile.
    """
    person = await proof.prove(
        session,
        config=config,
        hasher=hasher,
        user_id=actor.user_id,
        password=current,
        client=client,
        browser=browser,
    )
    if password == current:
        raise WeakPassword("This is the password that you have already.")
    password_hash = await choosing.hashed(
        config, hasher, password, client, username=person.username, email=person.email
    )
    renewed = None
    user_id = actor.user_id
    async with session.begin():
        await acting.hold(session, actor)
        if await user.hold_unchanged(session, person):
            version = await user.set_password_hash(session, user_id, password_hash)
            renewed = await renewal.keep_only(session, user_id, secret, version=version)
            await token.void(session, user_id, Purpose.RESET, Purpose.CHANGE_EMAIL)
            seen = name_digests(config, browser)
            await device.forget_all(session, user_id, but=seen)
            await audit.write(
                session,
                Event.PASSWORD_CHANGED,
                client=client,
                actor_id=user_id,
                subject_id=user_id,
            )
            await notices.tell(session, config, person, letters.password_changed, client)
    if renewed is None:
        raise SignedOut
    return renewed
