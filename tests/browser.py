"""A browser as far as the server can tell: cookies, and where a request comes from."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from quart import Quart, Response
from quart.typing import TestClientProtocol

from app.services import EXTENSION, Services
from tests.users import ALICE

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Browser:
    """Walks through pages in process. ``text`` is the last page's."""

    def __init__(self, app: Quart) -> None:
        self.app = app
        self.client: TestClientProtocol = app.test_client()
        self.text = ""

    @property
    def services(self) -> Services:
        services: Services = self.app.extensions[EXTENSION]
        return services

    def new_window(self) -> "Browser":
        """Return another browser, without this one's cookies."""
        return Browser(self.app)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        return await self._note(await self.client.get(path, headers=dict(headers or {})))

    async def post(
        self, path: str, fields: Mapping[str, str] | None = None, **more: str
    ) -> Response:
        """Send a form as this site's own pages do."""
        form = {**(fields or {}), **more}
        return await self._note(await self.client.post(path, form=form, headers=SAME_ORIGIN))

    async def follow(self, response: Response) -> Response:
        """Go where a redirect points."""
        assert response.status_code in {301, 302, 303, 307, 308}, response.status_code
        parts = urlsplit(response.headers["Location"])
        return await self.get(parts.path + (f"?{parts.query}" if parts.query else ""))

    async def open_link(self, url: str) -> Response:
        """Open a link of an email, through its redirect to the clean address."""
        return await self.follow(await self.get(urlsplit(url).path))

    def cookie(self, name: str = "vestibule-session") -> str | None:
        """Return a cookie's value."""
        jar = self.client.cookie_jar
        assert jar is not None
        return next((cookie.value for cookie in jar if cookie.name == name), None)

    def set_cookie(self, value: str, name: str = "vestibule-session") -> None:
        self.client.set_cookie("localhost", name, value)

    async def _note(self, response: Response) -> Response:
        self.text = await response.get_data(as_text=True)
        return response


APPLICATION = {
    "username": "alice",
    "email": "alice@example.com",
    "password": ALICE.password,
    "confirm": ALICE.password,
}
