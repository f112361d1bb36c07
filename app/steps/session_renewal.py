"""What becomes of a user's sessions when the credentials have changed (SE-05)."""

from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.tokens import new_secret
from app.models import session as sessions


class Renewed(NamedTuple):
    """The new secret of a session; the old one is dead."""

    secret: str
    remembered: bool

    @property
    def outcome(self) -> str:
        """What showing a factor again is counted as."""
        return "succeeded"


async def keep_only(
    ctx: Context,
    user_id: UUID,
    *,
    version: int | None,
    is_fresh: bool = True,
    shows_factor: bool = False,
) -> Renewed | None:
    """End all sessions of a user but this one, which gets a new secret.

    None if this one is not theirs, or has ended: then all are ended.
    """
    await sessions.end_others(ctx.db, user_id, digest=ctx.session_digest)
    return await renew(ctx, user_id, version=version, is_fresh=is_fresh, shows_factor=shows_factor)


async def renew(
    ctx: Context,
    user_id: UUID,
    *,
    version: int | None = None,
    is_fresh: bool = True,
    shows_factor: bool = False,
) -> Renewed | None:
    """Give a user's session a new secret (SE-03).

    None if it is not theirs, or has ended. ``version`` is that of their credentials, if they have
    just changed. ``is_fresh``: they have shown their password just now; a link from an email is no
    proof. ``shows_factor``: they have shown a second factor.
    """
    fresh = new_secret()
    remembered = await sessions.renew(
        ctx.db,
        user_id,
        ctx.session_digest,
        new_digest=fresh.digest,
        version=version,
        is_fresh=is_fresh,
        shows_factor=shows_factor,
    )
    return None if remembered is None else Renewed(fresh.text, remembered)
