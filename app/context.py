"""On whose behalf something happens, and with what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin
from uuid import UUID

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.db import COMMAND_SECONDS, make_engine, make_sessions
from app.kit.actor import Actor
from app.kit.client import OPERATOR, Client
from app.kit.errors import SignedOut
from app.kit.passwords import PasswordHasher
from app.kit.tokens import digest
from app.mail.message import COLOUR, Brand
from app.site import Site, load


@dataclass(frozen=True)
class Context:
    """What a flow needs beside its own arguments: made once a request, command or test.

    Attributes:
        db: a database session; it holds no connection before a transaction begins.
        client: who sent the request; the operator's for what nobody asked for.
        actor: who is signed in and does it; None on pages that are open to everybody.
        is_operator: whether the command line or the product itself does it, by nobody's leave.
        session_secret: what the browser's session cookie carries.
        browser: what its cookie for known browsers carries (BF-05).
        pending_login: what its cookie for a login carries that waits for a second factor.
    """

    db: AsyncSession
    config: Config
    hasher: PasswordHasher
    client: Client
    actor: Actor | None = None
    is_operator: bool = False
    session_secret: str | None = None
    browser: str | None = None
    pending_login: str | None = None

    @property
    def site(self) -> Site:
        """What the owner's package adds."""
        return load(self.config.site)

    @property
    def brand(self) -> Brand:
        """How emails show the site."""
        config = self.config
        return Brand(
            config.site_name,
            self.site.folder("templates"),
            url=urljoin(config.public_url, config.home),
            colour=config.brand_colour or COLOUR,
            has_logo=config.logo is not None and config.logo.is_for_emails,
            support=config.support and urljoin(config.public_url, config.support),
            shows_usernames=config.has_usernames,
        )

    @property
    def user_id(self) -> UUID:
        """The id of who is signed in.

        Raises:
            SignedOut: nobody is.
        """
        return self._signed_in.user_id

    @property
    def session_id(self) -> UUID:
        """The id of the session of who is signed in.

        Raises:
            SignedOut: nobody is.
        """
        return self._signed_in.session_id

    @property
    def session_digest(self) -> bytes:
        """The digest by which the database knows the browser's session.

        Raises:
            SignedOut: the browser has none.
        """
        if self.session_secret is None:
            raise SignedOut
        return digest(self.session_secret)

    @property
    def actor_id(self) -> UUID | None:
        """Whose id stands in the audit log as the one who did it."""
        return self.actor and self.actor.user_id

    @property
    def _signed_in(self) -> Actor:
        if self.actor is None:
            raise SignedOut
        return self.actor


def operator_context(db: AsyncSession, config: Config) -> Context:
    """Return the context of a command, or of what the product does by itself."""
    return Context(
        db, config, PasswordHasher(rounds=config.bcrypt_rounds), OPERATOR, is_operator=True
    )


@asynccontextmanager
async def opened_for_operator(
    config: Config, url: URL, *, command_seconds: float | None = COMMAND_SECONDS
) -> AsyncIterator[Context]:
    """Yield the operator's context, on a database connection of its own.

    ``command_seconds``: how long each statement may take, None for as long as it needs.
    """
    engine = make_engine(
        url,
        pool_size=1,
        overflow=0,
        pooled=config.database_pooled,
        command_seconds=command_seconds,
    )
    try:
        async with make_sessions(engine)() as db:
            yield operator_context(db, config)
    finally:
        await engine.dispose()
