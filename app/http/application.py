"""Quart, doing less anew for each request, and looking into a site's folders before ours."""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import CodeType
from typing import Any
from urllib.parse import urlsplit

from jinja2 import BaseLoader
from jinja2.ext import Extension
from markupsafe import escape
from quart import Quart, Response, send_from_directory
from quart.routing import QuartRule
from quart.wrappers import BaseRequestWebsocket
from werkzeug.routing import BuildError, MapAdapter

from app.http.branding import Made
from app.kit import templates
from app.site import Site

AddressOf = Callable[[str], str | None]
AddressBuilder = Callable[..., tuple[str, str]]


_PLAIN_ADDRESS = re.compile(r"\{\{ url_for\(\"([a-z_]+\.[a-z_]+)\"\) \}\}")
SETTLED = ("static", "tab_icon", "home_url", "mark", "footer")
_SETTLED = re.compile(rf"\{{\{{ ({'|'.join(SETTLED)}) \}}\}}")


class Settled(Extension):
    """Writes what is known when a template is read into it: it need not be asked for each time.

    These are addresses of pages without parts and, in templates of ours, what the settings say of
    every page's frame. A site's own templates may use the same names for something else.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """Replace each by what it is; an address of no page stays, and is told."""
        known = self.environment.globals
        address_of: AddressOf = known["address_of"]  # type: ignore[assignment]
        source = _PLAIN_ADDRESS.sub(lambda call: address_of(call[1]) or call[0], source)
        if filename is None or not Path(filename).is_relative_to(templates.FOLDER):
            return source
        return _SETTLED.sub(
            lambda word: f"{{% raw %}}{escape(known[word[1]])}{{% endraw %}}", source
        )


class LazyRule(QuartRule):
    """A route whose address is built by code that is made when it is asked for.

    werkzeug makes it for all routes at the start, which is half of what making an application
    takes.
    """

    def _compile_builder(self, append_unknown: bool = True) -> AddressBuilder:  # noqa: FBT001, FBT002
        made = cache(partial(super()._compile_builder, append_unknown))

        def build(rule: LazyRule, **values: Any) -> tuple[str, str]:
            return made()(rule, **values)

        return build


class Application(Quart):
    """Quart whose addresses are those of ``PUBLIC_URL``, whatever a request calls it by."""

    url_rule_class = LazyRule

    def __init__(
        self, name: str, *, public_url: str, site: Site, made: Mapping[str, Made], **options: Any
    ) -> None:
        """``made``: static files that the settings change. ``options`` are Quart's."""
        self._site = site
        self._made = made
        super().__init__(name, **options)
        self._public = urlsplit(public_url)
        self.jinja_env.globals.update(url_for=self._template_url_for(), address_of=self._address_of)
        self.jinja_env.add_extension(Settled)

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

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that can be awaited. Quart looks closer, seven times a page."""
        code: CodeType | None = getattr(func, "__code__", None)
        if code is not None and code.co_flags & inspect.CO_COROUTINE:
            return func
        return super().ensure_async(func)

    def _address_of(self, endpoint: str) -> str | None:
        """Return the address of a page without parts, None if there is no such page."""
        try:
            return self.url_map.bind("").build(endpoint)
        except BuildError:
            return None

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
