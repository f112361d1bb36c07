"""Who comes to which application: the look-ups of the gate, the hottest path of all.

A session there is as good as the login session that it hangs on, by the same conditions.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    Interval,
    LargeBinary,
    SQLColumnExpression,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.db import prepared
from app.kit.needs import KnownBy, Need, Rule, Rules
from app.kit.permissions import Permission
from app.models import group, session_lookup
from app.models.api_token import ApiToken
from app.models.gate_session import GateSession
from app.models.guarded_site import GuardedSite, SitePath
from app.models.role import Role
from app.models.session import LoginSession
from app.models.session_lookup import CurrentSession
from app.models.user import User, may_sign_in


class GatedSite(NamedTuple):
    """A site that lets somebody in, and whom."""

    id: UUID
    origin: str
    name: str
    identity: KnownBy
    rules: Rules


class Visitor(NamedTuple):
    """Who comes. ``site_ids``: where they may go at all: where the browser or the token is for.

    ``session``: None if a token comes. ``shows_factor``: a second factor was shown.
    """

    user_id: UUID
    username: str
    email: str
    role: str
    permissions: Permission
    groups: Sequence[str]
    site_ids: Sequence[UUID]
    shows_factor: bool
    is_factor_overdue: bool
    session: CurrentSession | None
    token_id: UUID | None = None
    reads_account: bool = False


_PATHS = (
    select(
        func.array_agg(
            aggregate_order_by(SitePath.need + literal_column("' '") + SitePath.prefix,
                               SitePath.prefix)
        )
    )
    .where(SitePath.site_id == GuardedSite.id)
    .correlate(GuardedSite)
    .scalar_subquery()
)  # fmt: skip
_SITE: tuple[SQLColumnExpression[Any], ...] = (
    GuardedSite.id,
    GuardedSite.origin,
    GuardedSite.name,
    GuardedSite.identity,
    GuardedSite.need,
    _PATHS,
)
SITE_ENDS = 1 + len(_SITE)  # of the columns of a session, behind its digest
FIND_SITES = prepared(
    select(*_SITE).where(
        GuardedSite.origin == any_(bindparam("origins", type_=ARRAY(Text))), GuardedSite.enabled
    )
)
FIND_SESSIONS = prepared(
    select(GateSession.digest, *_SITE, group.names_of_user(), *session_lookup.SESSION)
    .join(GuardedSite, GuardedSite.id == GateSession.site_id)
    .join(LoginSession, LoginSession.id == GateSession.session_id)
    .join(User, User.id == LoginSession.user_id)
    .join(Role, Role.id == User.role_id)
    .where(
        GateSession.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary))),
        GuardedSite.enabled,
        *session_lookup.LIVE,
    )
)
FIND_TOKENS = prepared(
    select(
        ApiToken.digest,
        ApiToken.id,
        ApiToken.site_ids,
        ApiToken.reads_account,
        or_(
            ApiToken.used_at.is_(None),
            ApiToken.used_at < func.now() - bindparam("rest", type_=Interval),
        ),
        group.names_of_user(),
        User.id,
        User.username,
        User.email,
        Role.name,
        Role.permissions,
    )
    .join(User, User.id == ApiToken.user_id)
    .join(Role, Role.id == User.role_id)
    .where(
        ApiToken.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary))),
        ApiToken.expires_at > func.now(),
        ApiToken.credential_version == User.credential_version,
        may_sign_in(),
    )
)
NOTE_USE = prepared(
    update(ApiToken)
    .where(
        ApiToken.id.in_(
            select(ApiToken.id)
            .where(ApiToken.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
            .with_for_update(skip_locked=True)
        )
    )
    .values(used_at=func.now())
)


def site(row: Sequence[Any]) -> GatedSite:
    """Return what the columns of ``FIND_SITES`` say."""
    site_id, origin, name, identity, need, paths = row
    return GatedSite(site_id, origin, name, KnownBy(identity), _rules(need, tuple(paths or ())))


def of_browser(row: asyncpg.Record) -> tuple[bytes, GatedSite, Visitor]:
    """Return a row of ``FIND_SESSIONS``: the digest of a session, where it is, who comes in it."""
    digest, found, groups = row[0], site(row[1:SITE_ENDS]), row[SITE_ENDS]
    session = session_lookup.session_of(row[SITE_ENDS + 1 :])
    visitor = Visitor(
        session.user_id,
        session.username,
        session.email,
        session.role,
        session.permissions,
        groups or (),
        (found.id,),
        session.shows_factor,
        session.is_factor_overdue,
        session,
    )
    return digest, found, visitor


def of_token(row: asyncpg.Record) -> tuple[bytes, Visitor, bool]:
    """Return a row of ``FIND_TOKENS``: a digest, who comes, whether its use is to be noted."""
    digest, token_id, site_ids, reads, is_stale, groups, *columns = row
    user_id, username, email, role, bits = columns
    visitor = Visitor(
        user_id,
        username,
        email,
        role,
        session_lookup.permission(bits),
        groups or (),
        site_ids,
        shows_factor=False,
        is_factor_overdue=False,
        session=None,
        token_id=token_id,
        reads_account=reads,
    )
    return digest, visitor, is_stale


@lru_cache(maxsize=1024)
def _rules(need: str, paths: tuple[str, ...]) -> Rules:
    """Return rules as they are written; what is read once from the same text need not be again."""
    parts: list[Any] = [each.partition(" ") for each in paths]
    return Rules(Need.read(need), tuple(Rule(prefix, Need.read(text)) for text, _, prefix in parts))
