"""May this browser, or this script, see this page of an application? Asked before each request.

Like who is signed in (``flows/lookup``) it is answered for all that wait by few statements, and
nothing is remembered: whatever was committed before a request came holds for it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from app.config import Config
from app.direct import DirectConnection
from app.kit.batches import Batches
from app.kit.needs import Need
from app.models import api_token, gate_lookup, session_lookup
from app.models import session as sessions
from app.models.gate_lookup import GatedSite, Visitor

__all__ = [
    "GateFound",
    "GateLookup",
    "GateOutcome",
    "GateQuestion",
    "GatedSite",
    "Visitor",
    "judge",
    "named",
]


class GateOutcome(StrEnum):
    """What becomes of a request to an application."""

    PASSED = "passed"
    ANONYMOUS = "anonymous"
    REFUSED = "refused"
    FACTOR = "factor"
    DOUBTFUL = "doubtful"


class GateQuestion(NamedTuple):
    """Which site, and the digest of a cookie there or of a token."""

    origin: str
    digest: bytes = b""
    is_token: bool = False


class GateFound(NamedTuple):
    """The site, None if there is none, and who comes, None if nobody who is known."""

    site: GatedSite | None
    visitor: Visitor | None


NOTHING = GateFound(None, None)


class GateLookup:
    """Finds sites and visitors."""

    def __init__(self, connection: DirectConnection, config: Config) -> None:
        self._connection = connection
        idle = timedelta(minutes=config.session_idle_minutes)
        self._ends = {
            "idle": idle,
            "rest": min(sessions.TOUCH_AT_MOST_EVERY, idle / 2),
            "proof": timedelta(minutes=config.reauthentication_minutes),
        }
        self._batches: Batches[GateQuestion, GateFound] = Batches(self._find_all)

    async def find(self, asked: GateQuestion) -> GateFound:
        """Return the site and who comes; a visitor of another site is nobody here.

        Raises:
            Exception: the driver's, if the database is away or silent; ``db.is_away`` knows.
        """
        return await self._batches.get(asked) or NOTHING

    async def close(self) -> None:
        """Give up what is under way."""
        await self._batches.close()

    async def _find_all(self, wanted: Sequence[GateQuestion]) -> Mapping[GateQuestion, GateFound]:
        digests = [each.digest for each in wanted if each.digest and not each.is_token]
        tokens = [each.digest for each in wanted if each.digest and each.is_token]
        sites, browsers = await self._browsers(digests) if digests else ({}, {})
        missing = {each.origin for each in wanted if each.origin} - sites.keys()
        if missing:  # where nobody is in who asks now
            rows = await self._connection.fetch(gate_lookup.FIND_SITES, origins=list(missing))
            sites = sites | {site.origin: site for site in map(gate_lookup.site, rows)}
        scripts = await self._scripts(tokens) if tokens else {}
        found = {}
        for each in wanted:
            site = sites.get(each.origin)
            visitor = (scripts if each.is_token else browsers).get(each.digest)
            is_meant = visitor is not None and (site is None or site.id in visitor.site_ids)
            found[each] = GateFound(site, visitor if is_meant else None)
        return found

    async def _browsers(
        self, digests: Sequence[bytes]
    ) -> tuple[dict[str, GatedSite], dict[bytes, Visitor]]:
        """Return the sites where browsers are in, by origin, and who comes, by digest."""
        rows = await self._connection.fetch(
            gate_lookup.FIND_SESSIONS, digests=digests, **self._ends
        )
        found = [gate_lookup.of_browser(row) for row in rows]
        stale = {
            each.session.session_id
            for _, _, each in found
            if each.session and each.session.is_stale
        }
        if stale:
            await self._connection.fetch(session_lookup.TOUCH, ids=list(stale))
        sites = {site.origin: site for _, site, _ in found}
        return sites, {digest: visitor for digest, _, visitor in found}

    async def _scripts(self, digests: Sequence[bytes]) -> Mapping[bytes, Visitor]:
        rows = await self._connection.fetch(
            gate_lookup.FIND_TOKENS, digests=digests, rest=api_token.USED_AT_MOST_EVERY
        )
        found = [gate_lookup.of_token(row) for row in rows]
        stale = [each.token_id for _, each, is_stale in found if is_stale]
        if stale:
            await self._connection.fetch(gate_lookup.NOTE_USE, ids=stale)
        return {digest: visitor for digest, visitor, _ in found}


def judge(
    need: Need | None, visitor: Visitor | None, names: Mapping[str, int], *, is_foreign: bool
) -> GateOutcome:
    """Say what becomes of a request; ``names`` are the bits of permissions.

    ``need``: None where the path can be read in more than one way. ``is_foreign``: a page of
    another site may have caused the request; then the cookie that came along says nothing.
    """
    if need is None:
        return GateOutcome.DOUBTFUL
    if need.is_public:
        return GateOutcome.PASSED
    if visitor is None or visitor.is_factor_overdue:
        return GateOutcome.ANONYMOUS
    is_forged = is_foreign and visitor.session is not None
    held, groups = visitor.permissions, visitor.groups
    if is_forged or not need.is_met(permissions=held, groups=groups, names=names):
        return GateOutcome.REFUSED
    if need.factor and not visitor.shows_factor:
        return GateOutcome.FACTOR if visitor.session else GateOutcome.REFUSED
    return GateOutcome.PASSED


def named(visitor: Visitor | None, *, is_foreign: bool) -> Visitor | None:
    """Return who an application is told of, where a request passes; None: nobody.

    That matters on public pages: there it passes, but not in the name of who did not ask for it, or
    should have set up a second factor by now.
    """
    if visitor is None or visitor.is_factor_overdue:
        return None
    return None if is_foreign and visitor.session is not None else visitor
