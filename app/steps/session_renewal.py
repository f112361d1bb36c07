"""What becomes of a person's sessions when the credentials have changed (SE-05)."""

from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.tokens import new_secret
from app.models import session as sessions


class Renewed(NamedTuple):
    """The new secret of a session; the old one is dead."""

    secret: str
    remembered: bool


async def keep_only(
    ctx: Context, user_id: UUID, *, version: int, is_proven: bool = True
) -> Renewed | None:
    """End all sessions of a person but this one, which gets a new secret.

    None if this one is not his, or has ended: then all are ended.
    """
    await sessions.end_others(ctx.db, user_id, digest=ctx.session_digest)
    return await renew(ctx, user_id, version=version, is_proven=is_proven)


async def renew(
    ctx: Context, user_id: UUID, *, version: int | None = None, is_proven: bool = True
) -> Renewed | None:
    """Give a person's session a new secret (SE-03).

    None if it is not his, or has ended. ``version`` is that of his credentials, if they have just
    changed. ``is_proven``: he has shown his password just now; a link from a letter is no proof.
    """
    fresh = new_secret()
    remembered = await sessions.renew(
        ctx.db,
        user_id,
        ctx.session_digest,
        new_digest=fresh.digest,
        version=version,
        is_proven=is_proven,
    )
    return None if remembered is None else Renewed(fresh.text, remembered)
