"""Who is signed in: asked by every request, answered for all that wait by one statement."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.config import Config
from app.direct import DirectConnection
from app.kit.batches import Batches
from app.kit.tokens import digest
from app.models import session as sessions
from app.models import session_lookup
from app.models.session_lookup import CurrentSession

__all__ = ["CurrentSession", "Lookup"]


class Lookup:
    """Finds the people behind session secrets.

    Nothing is remembered: a request is only answered by a statement that began after it came, so
    whatever was committed before, a logout or a block, holds for it, on every worker and replica.
    """

    def __init__(self, connection: DirectConnection, config: Config) -> None:
        self._connection = connection
        idle = timedelta(minutes=config.session_idle_minutes)
        self._ends = {
            "idle": idle,
            "rest": min(sessions.TOUCH_AT_MOST_EVERY, idle / 2),
            "proof": timedelta(minutes=config.reauthentication_minutes),
        }
        self._batches = Batches(self._find_all)

    async def find(self, secret: str) -> CurrentSession | None:
        """Return who is signed in by a session secret, None if that session has ended.

        Raises:
            Exception: the driver's, if the database is away or silent; ``db.is_away`` knows.
        """
        return await self._batches.get(digest(secret))

    async def close(self) -> None:
        """Give up what is under way."""
        await self._batches.close()

    async def _find_all(self, digests: Sequence[bytes]) -> Mapping[bytes, CurrentSession]:
        rows = await self._connection.fetch(session_lookup.FIND, digests=digests, **self._ends)
        users = dict(map(session_lookup.found, rows))
        stale = [user.session_id for user in users.values() if user.is_stale]
        if stale:
            await self._connection.fetch(session_lookup.TOUCH, ids=stale)
        return users
