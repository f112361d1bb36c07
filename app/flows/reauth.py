"""Showing the password again, before what is sensitive ("sudo mode")."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.actor import Actor
from app.kit.client import Client
from app.kit.errors import SignedOut
from app.kit.passwords import PasswordHasher
from app.models import audit
from app.models.audit import Event
from app.steps import acting, proof, renewal
from app.steps.renewal import Renewed

__all__ = ["Renewed", "reauthenticate"]


async def reauthenticate(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    actor: Actor,
    secret: str,
    password: str,
    client: Client,
    browser: str | None,
) -> Renewed:
    """Check the password of who is signed in; the session gets a new secret (SE-03).

    Raises:
        WrongPassword: it is not his.
        TooManyTries: of this person, shared with the login (BF-06).
        TooBusy: too many passwords wait to be checked; the try does not count.
        SignedOut: the session ended meanwhile.
    """
    await proof.prove(
        session,
        config=config,
        hasher=hasher,
        user_id=actor.user_id,
        password=password,
        client=client,
        browser=browser,
    )
    user_id = actor.user_id
    async with session.begin():
        await acting.hold(session, actor)
        renewed = await renewal.renew(session, user_id, secret)
        if renewed is not None:
            await audit.write(
                session, Event.PROVEN, client=client, actor_id=user_id, subject_id=user_id
            )
    if renewed is None:
        raise SignedOut
    return renewed
