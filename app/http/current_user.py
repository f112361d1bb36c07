"""The user behind a request: quart-auth's cookie carries a session secret, the row decides."""

from enum import IntFlag
from functools import lru_cache
from hashlib import sha256

from itsdangerous import BadData, URLSafeSerializer
from quart import Quart, current_app, g
from quart_auth import AuthUser, QuartAuth, current_user, login_user
from werkzeug.exceptions import Unauthorized

from app.flows.lookup import CurrentSession
from app.flows.reauthentication import Renewed
from app.http.asked import asked
from app.http.marks import is_open, needed
from app.kit.actor import Actor
from app.kit.permissions import Permission, covers
from app.services import services

__all__ = [
    "CurrentUser",
    "SessionAuth",
    "actor",
    "current_session",
    "current_user",
    "renew",
    "resolve",
]


COOKIE_LONGEST = 200
COOKIES_REMEMBERED = 8192


class CurrentUser(AuthUser):
    """What pages and templates know as ``current_user``.

    Answers what the course teaches for Flask-Login: ``is_authenticated`` (awaitable),
    ``is_active``, ``is_anonymous``, ``get_id()``, ``can(permission)``, ``is_administrator()``.
    """

    session: CurrentSession | None = None

    @property
    async def is_authenticated(self) -> bool:
        """Whether a live session stands behind the cookie. In Python: await it."""
        return self.session is not None

    @property
    def is_active(self) -> bool:
        """Whether this is a user who may use the site: confirmed and not blocked."""
        return self.session is not None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is signed in."""
        return self.session is None

    @property
    def name(self) -> str:
        """The username, or the address on a site without usernames; empty for nobody."""
        return services().config.called(self.session) if self.session else ""

    def get_id(self) -> str | None:
        """Return the user's id as text, None for nobody."""
        return str(self.session.user_id) if self.session else None

    def can(self, permission: IntFlag) -> bool:
        """Whether the user's role has a permission; nobody may anything."""
        return self.session is not None and covers(self.session.permissions, permission)

    def is_administrator(self) -> bool:
        """Whether the user may look after others."""
        return self.can(Permission.ADMIN)


class SessionAuth(QuartAuth):
    """quart-auth whose cookie names a login session; only the database says when it ends.

    The signature keeps garbage from the database. Its date is not asked: replicas' clocks differ
    (L24).
    """

    user_class = CurrentUser

    async def _template_context(self) -> dict[str, AuthUser]:  # type: ignore[override]
        """Say who asks. quart-auth's own is not async: Quart runs that in a thread."""
        return {"current_user": self.load_user()}

    def load_user(self) -> AuthUser:
        """Return the user of this request, read from the cookie once."""
        known: AuthUser | None = getattr(g, self.attribute_name, None) if g else None
        return known or super().load_user()

    def dump_token(self, auth_id: str, app: Quart | None = None) -> str:
        """Sign a session secret with the current key."""
        signed: str = self._serializer(app).dumps(auth_id)
        return signed

    def load_token(self, token: str, app: Quart | None = None) -> str | None:
        """Return the session secret of a cookie that we signed, else None."""
        if len(token) > COOKIE_LONGEST:
            return None
        return _secret_in(token, self._serializer(app))

    def _serializer(self, app: Quart | None) -> URLSafeSerializer:
        config = (app or current_app).config
        return _serializer((*config["SECRET_KEY_FALLBACKS"], config["SECRET_KEY"]), self.salt)


@lru_cache(maxsize=4)
def _serializer(keys: tuple[str, ...], salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(list(keys), salt=salt, signer_kwargs={"digest_method": sha256})


@lru_cache(maxsize=COOKIES_REMEMBERED)
def _secret_in(token: str, serializer: URLSafeSerializer) -> str | None:
    """Return what a cookie says: that depends on its bytes alone, not on who is signed in."""
    try:
        secret = serializer.loads(token)
    except (BadData, ValueError):
        return None
    return secret if isinstance(secret, str) else None


async def resolve() -> CurrentUser:
    """Look up who is signed in, once a request; without a cookie the database is not asked."""
    user = _user()
    if user.auth_id is not None:
        user.session = await services().signed_in(user.auth_id)
    return user


def current_session() -> CurrentSession:
    """Return who is signed in. For pages that demand a login."""
    found: CurrentSession | None = getattr(current_user, "session", None)
    if found is None:
        raise Unauthorized
    return found


def actor() -> Actor | None:
    """Return on whose behalf this request does something, and by which permission of its page.

    A page that is open to everybody does nothing on behalf of who happens to be signed in.
    """
    page = current_app.view_functions.get(asked().endpoint or "")
    found: CurrentSession | None = getattr(current_user, "session", None)
    if page is None or found is None or is_open(page):
        return None
    return Actor(found.user_id, found.session_id, needed(page))


def renew(renewed: Renewed) -> None:
    """Let the browser keep the new secret of its session; the page that comes knows its user."""
    known = _user()
    user = type(known)(renewed.secret)
    user.session = known.session
    login_user(user, remember=renewed.remembered)


def _user() -> CurrentUser:
    extension: SessionAuth = current_app.extensions["QUART_AUTH"][0]
    user = extension.load_user()
    if not isinstance(user, CurrentUser):
        raise TypeError(f"unexpected user {user!r}")
    return user
