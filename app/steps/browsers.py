"""The name of its own that a browser gets when somebody signs in with it (BF-05)."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.sealing import Purpose, seal, unseal
from app.kit.tokens import digest, new_secret
from app.models import device


class Named(NamedTuple):
    """``text`` goes into a cookie; ``is_new``: the person has not signed in with it before."""

    text: str
    is_new: bool


def name_digest(config: Config, sealed: str | None) -> bytes | None:
    """Return the digest of a browser's name, None if we did not give it one."""
    name = _name(config, sealed)
    return None if name is None else digest(name)


async def remember(
    session: AsyncSession, config: Config, user_id: UUID, sealed: str | None
) -> Named:
    """Know a browser as a person's from now on; it gets a name if it has none."""
    name = _name(config, sealed) or new_secret().text
    is_new = await device.remember(session, user_id, digest(name))
    return Named(seal(config.signing_keys, Purpose.DEVICE, name), is_new)


def _name(config: Config, sealed: str | None) -> str | None:
    valid = timedelta(days=config.device_days)
    return unseal(config.signing_keys, Purpose.DEVICE, sealed, valid=valid) if sealed else None
