"""Quart, doing less anew for each request."""

from typing import Any
from urllib.parse import urlsplit

from quart import Quart
from quart.wrappers import BaseRequestWebsocket
from werkzeug.routing import MapAdapter


class Application(Quart):
    """Quart whose addresses are those of ``PUBLIC_URL``, whatever a request calls it by."""

    def __init__(self, name: str, *, public_url: str, **options: Any) -> None:
        """``options`` are Quart's."""
        super().__init__(name, **options)
        self._public = urlsplit(public_url)

    def create_url_adapter(self, request: BaseRequestWebsocket | None) -> MapAdapter | None:
        """Bind the map of addresses to a request."""
        if request is None:
            return super().create_url_adapter(request)
        return self.url_map.bind(
            self._public.netloc, request.root_path, None, self._public.scheme, request.method,
            request.path, request.query_string.decode("latin1"),
        )  # fmt: skip
