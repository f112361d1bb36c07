"""Quart, doing less anew for each request, and looking into a site's folders before ours."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import BaseLoader
from quart import Quart, Response, send_from_directory
from quart.wrappers import BaseRequestWebsocket
from werkzeug.routing import MapAdapter

from app.http.branding import Made
from app.kit import templates
from app.site import Site


class Application(Quart):
    """Quart whose addresses are those of ``PUBLIC_URL``, whatever a request calls it by."""

    def __init__(
        self, name: str, *, public_url: str, site: Site, made: Mapping[str, Made], **options: Any
    ) -> None:
        """``made``: static files that the settings change. ``options`` are Quart's."""
        self._site = site
        self._made = made
        super().__init__(name, **options)
        self._public = urlsplit(public_url)
        self.jinja_env.globals["url_for"] = self._template_url_for()

    @property
    def jinja_loader(self) -> BaseLoader:
        """Templates of the site come first; ``vestibule/login.html`` is always ours."""
        return templates.loader(self._site.folder("templates"))

    async def send_static_file(self, filename: str) -> Response:
        """Send a static file, the site's before those that are made, and these before ours."""
        own = self._site.folder("static")
        if own and (own / filename).is_file():
            return await send_from_directory(own, filename)
        made = self._made.get(filename)
        if made is not None:
            return Response(made.content, content_type=made.kind)
        return await super().send_static_file(filename)

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        """Bind the map of addresses to a request."""
        if request is None:
            return super().create_url_adapter(request)
        method = getattr(request, "method", "GET")
        return self.url_map.bind(
            self._public.netloc, request.root_path, None, self._scheme(request), method,
            request.path, request.query_string.decode("latin1"),
        )  # fmt: skip

    def _scheme(self, request: BaseRequestWebsocket) -> str:
        if request.scheme.startswith("ws"):
            return "wss" if self._public.scheme == "https" else "ws"
        return self._public.scheme

    def _template_url_for(self) -> Any:  # noqa: ANN401 - Quart's own takes anything
        """Return ``url_for``, which builds the address of a page without parts only once."""

        @cache  # bounded by the pages
        def plain(endpoint: str) -> str:
            return self.url_for(endpoint)

        def url_for(endpoint: str, **values: Any) -> str:
            if values or endpoint.startswith("."):
                return self.url_for(endpoint, **values)
            return plain(endpoint)

        return url_for
