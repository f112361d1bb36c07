"""The key of a link in an email leaves the address bar at once (TK-07).

The address of the email answers with a short-lived cookie and a redirect to a clean address; so
the key stands in no history, no Referer and no second request's log line.
"""

import hashlib
from typing import NamedTuple

from quart import redirect, request
from quart.typing import ResponseTypes

from app.http import cookies
from app.kit.errors import LinkUnusable, Refusal
from app.kit.sealing import SEALED_LONGEST

KEPT_SECONDS = 3600
GARBLED = "garbled"
MARK_LENGTH = 16


class Again(NamedTuple):
    """How an error page helps on: a button's words, and where it leads."""

    words: str
    path: str


class KeptLink:
    """The link of one kind that a browser has opened; its page is at the clean ``path``."""

    def __init__(self, kind: str, path: str, again: Again) -> None:
        self._cookie = f"{kind}-link"
        self._path = path
        self.again = again
        _OF_PAGE[path] = self

    def keep(self, sealed: str) -> ResponseTypes:
        """Redirect to the clean address, the key in a cookie. Nobody is told of this address."""
        sound = len(sealed) <= SEALED_LONGEST and sealed.isascii() and sealed.isprintable()
        response = redirect(self._path, 303)
        cookies.put(response, self._cookie, sealed if sound else GARBLED, seconds=KEPT_SECONDS)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @property
    def is_kept(self) -> bool:
        """Whether this browser keeps one: its cookie comes along with our own forms only."""
        return bool(cookies.get(self._cookie))

    def key(self) -> str:
        """Return the key that this browser keeps.

        Raises:
            LinkUnusable: it keeps none.
        """
        kept = cookies.get(self._cookie)
        if not kept:
            raise LinkUnusable("not_kept")
        return kept

    def mark(self) -> str:
        """Return a short name of the kept link, for its form to carry: two tabs, two links."""
        return hashlib.sha256(self.key().encode()).hexdigest()[:MARK_LENGTH]

    def refuse_another(self, mark: str) -> Refusal | None:
        """Return a refusal if a form, by its mark, is about another link than is kept now."""
        another = mark not in {"", self.mark()}
        return Refusal("another_link") if another else None

    def forget(self, response: ResponseTypes) -> ResponseTypes:
        """Let the browser drop the key: it is used up."""
        cookies.drop(response, self._cookie)
        return response


_OF_PAGE: dict[str, KeptLink] = {}


def of_page() -> KeptLink | None:
    """Return the link that the page asked for is about, if it is about one."""
    return _OF_PAGE.get(request.path)
