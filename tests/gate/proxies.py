"""Real proxies on loopback, by our samples, before an application that tells what it got."""

import asyncio
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from aiohttp import WSMsgType, web

from app.cli import samples
from tests.server import Server, free_port
from tests.visitors import Visitor

KINDS = ("nginx", "caddy", "haproxy")
START_SECONDS = 20
PAGE = """<!doctype html><html lang="en"><title>The wiki</title><h1>The wiki</h1><p id="who">{user}</p>
<p id="xhr"></p><p id="socket"></p><script>
fetch("/data").then(answer => answer.json()).then(told => {{ xhr.textContent = told.user }});
fetch("/data", {{method: "POST", body: "x"}});
const ws = new WebSocket(`ws://${{location.host}}/ws`);
ws.onopen = () => ws.send("hello");
ws.onmessage = said => {{ socket.textContent = said.data }};
</script></html>"""  # noqa: E501
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn; {user}
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {more}
  include {folder}/site.conf;
}}
"""
CADDY = "{\n\tadmin off\n\tauto_https off\n}\n"


async def _tell(request: web.Request) -> web.StreamResponse:
    """Tell what came, as it came."""
    if request.path == "/ws":
        return await _echo(request)
    names = [(name.decode(), value.decode("latin1")) for name, value in request.raw_headers]
    user = request.headers.get("Remote-User", "")
    if request.path == "/page":
        return web.Response(text=PAGE.format(user=user), content_type="text/html")
    told = {"path": request.raw_path, "user": user, "headers": names}
    return web.json_response(told | {"body": (await request.read()).decode()})


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket_ = web.WebSocketResponse()
    await socket_.prepare(request)
    async for message in socket_:
        if message.type is WSMsgType.TEXT:
            await socket_.send_str(f"{request.headers.get('Remote-User')} said {message.data}")
    return socket_


@contextmanager
def application() -> Iterator[int]:
    """Serve the application in a thread; yield its port."""
    port, ready = free_port(), threading.Event()
    ends: list[Callable[[], object]] = []

    async def serve() -> None:
        app, end, loop = web.Application(), asyncio.Event(), asyncio.get_running_loop()
        ends.append(lambda: loop.call_soon_threadsafe(end.set))
        app.router.add_route("*", "/{tail:.*}", _tell)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready.set()
        await end.wait()
        await runner.cleanup()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(START_SECONDS)
    try:
        yield port
    finally:
        ends[0]()
        thread.join(START_SECONDS)


class Proxy:
    """A proxy that runs; it can be killed, and started again."""

    def __init__(self, command: list[str], folder: Path, port: int) -> None:
        self._command, self._folder, self._port = command, folder, port
        self._environ = os.environ | {"XDG_DATA_HOME": str(folder), "HOME": str(folder)}

    def start(self) -> None:
        """Start, and wait until it listens."""
        with (self._folder / "said.log").open("ab") as said:
            self._process = subprocess.Popen(
                self._command, stdout=said, stderr=said, env=self._environ
            )
        _wait(self._port, self._process, self._folder)

    def kill(self) -> None:
        """End it and its workers, as a machine does that has no memory left."""
        first = psutil.Process(self._process.pid)
        for process in [*first.children(recursive=True), first]:
            process.kill()
        self._process.wait(START_SECONDS)

    def stop(self) -> None:
        """End it in order."""
        self._process.terminate()
        self._process.wait(START_SECONDS)


@contextmanager
def proxy(
    kind: str, origin: str, *, login: str, application: str, more: str = ""
) -> Iterator[Proxy]:
    """Run a proxy by its sample; ``more`` goes into nginx's ``http``."""
    folder = Path(tempfile.mkdtemp(prefix=f"vestibule-{kind}-"))
    facts = {"origin": origin, "login": login, "application": application}
    running = Proxy(_configure(kind, folder, facts, more), folder, urlsplit(origin).port or 80)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def caddy(text: str, folder: Path, port: int) -> Iterator[None]:
    """Run Caddy by a configuration."""
    (folder / "Caddyfile").write_text(text)
    command = [require("caddy"), "run", "--adapter", "caddyfile", "--config",
               str(folder / "Caddyfile")]  # fmt: skip
    running = Proxy(command, folder, port)
    try:
        running.start()
        yield
    finally:
        running.stop()


def require(kind: str) -> str:
    """Return where a proxy's program is; skip where it is not installed."""
    found = shutil.which(kind, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"no {kind} here: install it (Debian: apt-get install {kind})")
    return found


def _configure(kind: str, folder: Path, facts: Mapping[str, str], more: str) -> list[str]:
    program, text = require(kind), samples.sample(kind, **facts)
    if kind == "nginx":
        (folder / "site.conf").write_text(text)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user, more=more))
        return [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    if kind == "caddy":
        (folder / "Caddyfile").write_text(CADDY + text)
        return [program, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    (folder / "vestibule.lua").write_text(samples.sample("haproxy-lua", **facts))
    text = text.replace("/etc/haproxy/", f"{folder}/")
    (folder / "haproxy.cfg").write_text(text)
    return [program, "-db", "-f", str(folder / "haproxy.cfg")]


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            logs = "".join(each.read_text(errors="replace") for each in folder.glob("*.log"))
            assert process.poll() is None, logs
            assert time.monotonic() < deadline, logs
            time.sleep(0.05)
        else:
            return


class Guest:
    """A browser that visits an application behind a proxy, and the login of ``visitor``."""

    def __init__(self, visitor: Visitor, origin: str) -> None:
        self.visitor = visitor
        self.origin = origin
        self.cookies: dict[str, str] = {}

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> "Answer":
        """Ask the proxy."""
        parts = urlsplit(self.origin)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=20)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Host": parts.netloc} | ({"Cookie": cookies} if cookies else {})
        sent |= {name.replace("__", "."): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, sent)
            found = connection.getresponse()
            answer = Answer(found.status, found.headers, found.read().decode(errors="replace"))
        except (http.client.HTTPException, OSError) as error:
            return Answer(0, http.client.HTTPMessage(), repr(error))
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def enter(self, path: str = "/page") -> None:
        """Get in, as a browser does that is signed in at the login."""
        sent = self.ask(path, Accept="text/html")
        assert sent.status in {302, 303}, sent
        start = self.ask(str(sent.headers["Location"]).removeprefix(self.origin))
        there = urlsplit(str(start.headers["Location"]))
        assert f"{there.scheme}://{there.netloc}" == self.visitor.server.url
        html = self._login(f"{there.path}?{there.query}")
        ticket = html.partition('content="0; url=')[2].partition('"')[0]
        assert ticket, html
        entered = self.ask(ticket.removeprefix(self.origin))
        assert entered.status == 303, entered
        assert entered.headers["Location"] == f"{self.origin}{path}"

    def _login(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.visitor.server.port, timeout=10)
        cookies = "; ".join(f"{name}={value}" for name, value in self.visitor.cookies.items())
        connection.request("GET", path, headers={"Cookie": cookies})
        text = connection.getresponse().read().decode()
        connection.close()
        return text


class Answer:
    """What came back. A status of 0 is silence."""

    def __init__(self, status: int, headers: http.client.HTTPMessage, text: str) -> None:
        self.status, self.headers, self.text = status, headers, text

    def __repr__(self) -> str:
        return f"{self.status} {dict(self.headers)} {self.text[:500]}"

    @property
    def told(self) -> dict[str, Any]:
        """What the application got."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    def got(self, name: str) -> list[str]:
        """Return the values of a header that the application got, whatever its spelling."""
        plain = name.lower()
        return [
            value
            for each, value in self.told["headers"]
            if each.lower().replace("_", "-").replace(".", "-") == plain
        ]


def origins() -> dict[str, str]:
    """Return an address for each kind of proxy."""
    return {kind: f"http://{kind}.localhost:{free_port()}" for kind in KINDS}


@contextmanager
def all_proxies(server: Server, places: Mapping[str, str]) -> Iterator[list[Proxy]]:
    """Run all proxies that there are before one application."""
    with ExitStack() as stack:
        port, running = stack.enter_context(application()), []
        for kind, origin in places.items():
            if shutil.which(kind, path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
                before = proxy(
                    kind,
                    origin,
                    login=f"127.0.0.1:{server.port}",
                    application=f"127.0.0.1:{port}",
                )
                running.append(stack.enter_context(before))
        yield running
