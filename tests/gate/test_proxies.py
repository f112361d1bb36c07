"""Through real nginx, Caddy and HAProxy, by our samples, before two workers."""

import base64
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import URL

from tests import databases
from tests.gate.proxies import KINDS, Guest, all_proxies, caddy, origins, proxy, require
from tests.server import ROOT, Server, environment, free_port, serving
from tests.shell import Shell
from tests.visitors import Visitor

NAMES = ("Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups")
PLACES = origins()


@pytest.fixture(scope="module")
def server(worker_database: URL) -> Iterator[Server]:
    with databases.migrated(worker_database) as url:
        environ = environment(url, WORKERS="2", TRUSTED_PROXIES="1")
        shell = Shell(environ | {"BIND": "127.0.0.1:1"})
        for kind, origin in PLACES.items():
            shell.run(
                "sites", "add", origin, "--name", kind, "--need", "signed-in",
                "--identity", "username",
            )  # fmt: skip
            shell.run("sites", "rules", kind, "/public/", "public")
            shell.run("sites", "rules", kind, "/admin", "permission:ADMIN")
        with serving(environ) as server, all_proxies(server, PLACES):
            yield server


@pytest.fixture(scope="module")
def alice(server: Server) -> Visitor:
    return Visitor(server).create_user("alice")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    require(request.param)
    return str(request.param)


@pytest.fixture
def guest(alice: Visitor, kind: str) -> Guest:
    return Guest(alice, PLACES[kind])


def test_nobody_is_sent_to_the_login_and_scripts_are_not(guest: Guest) -> None:
    sent = guest.ask("/page?q=1", Accept="text/html")
    assert sent.status == 302
    assert sent.headers["Location"].startswith(f"{guest.origin}/.vestibule/start?to=/page%3Fq%3D1")
    for headers in ({}, {"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}):
        asked = guest.ask("/data", **headers)
        assert asked.status == 401
        assert "WWW-Authenticate" in asked.headers


def test_who_is_in_is_told_to_the_application(guest: Guest) -> None:
    guest.enter()
    answer = guest.ask("/data?x=1&y=%2F")
    assert answer.status == 200
    assert answer.told["path"] == "/data?x=1&y=%2F"
    assert [answer.got(name) for name in NAMES] == [
        ["alice"], ["alice@example.com"], ["alice"], ["users"]
    ]  # fmt: skip


def test_a_form_arrives_with_its_body(guest: Guest) -> None:
    guest.enter()
    sent = guest.ask("/data", "POST", "a=b", **{"Sec-Fetch-Site": "same-origin"})
    assert (sent.status, sent.told["body"]) == (200, "a=b")
    assert guest.ask("/data", "POST", "a=b", **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert guest.ask("/data", "POST", "a=b").status == 403


SPELLINGS = [
    "Remote-User", "remote-user", "REMOTE-USER", "Remote_User", "REMOTE_USER", "remote_user",
    "Remote.User", "REMOTE.USER", "Remote-Groups", "Remote_Groups", "Remote.Groups",
]  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_name_that_a_visitor_sends_does_not_arrive(guest: Guest, spelling: str) -> None:
    """The second: of CGI, WSGI and PHP, which fold the spellings together."""
    public = guest.ask("/public/x", **{spelling: "root"})
    assert public.status == 200
    guest.enter()
    inside = guest.ask("/data", **{spelling: "root"})
    for answer in (public, inside):
        for name in NAMES:
            assert len(answer.got(name)) == 1, (name, answer)
            assert "root" not in str(answer.told["headers"])
    assert public.got("Remote-User") == ["-"]
    assert inside.got("Remote-User") == ["alice"]


def test_two_names_of_one_spelling_do_not_arrive(guest: Guest) -> None:
    guest.enter()
    parts = urlsplit(guest.origin)
    cookies = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    request = (
        f"GET /data HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookies}\r\nRemote-User: root\r\n"
        "Remote-User: root2\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", parts.port or 80), timeout=10) as connection:
        connection.sendall(request.encode())
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"root" not in said
    assert b"alice" in said


def test_paths_are_judged_as_they_came(guest: Guest) -> None:
    guest.enter()
    assert guest.ask("/admin").status == 403
    for trick in ("/public/../admin", "/public/%2e%2e/admin", "/public/..%2fadmin", "//admin",
                  "/public//../admin", "/public/..;/admin", "/%61dmin", "/ADMIN",
                  "/public/%5cadmin",
                  "/public/x%00"):  # fmt: skip
        assert guest.ask(trick).status in {400, 403, 404}, trick


def test_a_logout_ends_it_at_the_next_request_on_every_worker(server: Server, kind: str) -> None:
    visitor = Visitor(server).create_user(f"leaver-{kind}")
    guest = Guest(visitor, PLACES[kind])
    guest.enter()
    assert {guest.ask("/data").status for _ in range(12)} == {200}
    assert visitor.ask("POST", "/logout").status == 303
    assert {guest.ask("/data").status for _ in range(24)} == {401}


def test_a_websocket_is_asked_about_and_opened(guest: Guest) -> None:
    assert _upgrade(guest, {"Sec-Fetch-Site": "same-origin"}).startswith(b"HTTP/1.1 401")
    guest.enter()
    assert _upgrade(guest, {"Sec-Fetch-Site": "same-origin"}).startswith(b"HTTP/1.1 101")
    assert _upgrade(guest, {"Origin": guest.origin}).startswith(b"HTTP/1.1 101")
    assert _upgrade(guest, {"Origin": "http://evil.localhost"}).startswith(b"HTTP/1.1 403")


def _upgrade(guest: Guest, headers: dict[str, str]) -> bytes:
    parts = urlsplit(guest.origin)
    cookies = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    lines = {
        "Host": parts.netloc, "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(b"x" * 16).decode(), "Cookie": cookies,
    } | headers  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection(("127.0.0.1", parts.port or 80), timeout=10) as connection:
        connection.sendall(f"GET /ws HTTP/1.1\r\n{head}\r\n".encode())
        return connection.recv(65536)


def test_no_page_of_ours_answers_there_but_the_gates(guest: Guest) -> None:
    assert guest.ask("/.vestibule/login").status == 404
    assert guest.ask("/.vestibule/../login").status in {400, 403, 404, 421, 302, 401}
    if "nginx" in guest.origin:
        assert guest.ask("/.vestibule/check").status == 404  # internal


def test_a_cached_answer_is_nobody_elses(alice: Visitor, server: Server, tmp_path: Path) -> None:
    """A proxy may keep what it is told of one visitor, and tell it of another: not this."""
    require("nginx")
    origin = PLACES["nginx"].replace("nginx.", "cached.").rsplit(":", 1)[0] + f":{free_port()}"
    shell = Shell(server.environ)
    shell.run("sites", "add", origin, "--need", "signed-in", "--identity", "username")
    other = Visitor(server).create_user("other")
    cache = (
        "proxy_cache_path {folder}/cache keys_zone=c:1m; proxy_cache c; proxy_cache_valid any 1h;"
    )
    application_port = free_port()  # nothing is there: 502 is what who passes gets
    with proxy(
        "nginx", origin, login=f"127.0.0.1:{server.port}",
        application=f"127.0.0.1:{application_port}", more=cache.replace("{folder}", str(tmp_path)),
    ):  # fmt: skip
        first, second, nobody = Guest(alice, origin), Guest(other, origin), Guest(alice, origin)
        first.enter()
        second.enter()
        assert first.ask("/x").status == 502
        assert nobody.ask("/x").status == 401
        assert second.ask("/x").status == 502
        assert nobody.ask("/x").status == 401
        other.ask("POST", "/logout")
        assert second.ask("/x").status == 401


def test_a_login_that_is_gone_lets_nobody_in(worker_database: URL, kind: str) -> None:
    """Workers killed and the server stopped: never a 2xx, and back at once (never by a cache)."""
    origin = f"http://{kind}.localhost:{free_port()}"
    with databases.migrated(worker_database) as url:
        environ = environment(
            url, WORKERS="2", TRUSTED_PROXIES="1", BIND=f"127.0.0.1:{free_port()}"
        )
        shell = Shell(environ)
        shell.run("sites", "add", origin, "--need", "signed-in", "--identity", "username")
        shell.run("sites", "rules", origin, "/public/", "public")
        with serving(environ) as server, all_proxies(server, {kind: origin}):
            visitor = Visitor(server).create_user("alice")
            guest, nobody = Guest(visitor, origin), Guest(visitor, origin)
            guest.enter()
            for _ in range(3):
                server.children()[0].kill()
                statuses = [nobody.ask("/data").status for _ in range(10)]
                assert not [each for each in statuses if 200 <= each < 300]
                begun = time.monotonic()
                while guest.ask("/data").status != 200:
                    assert time.monotonic() - begun < 3
            server.stop()
            for path in ("/data", "/public/x", "/page"):
                assert not 200 <= guest.ask(path).status < 300


def test_the_sample_site_of_compose(alice: Visitor, server: Server, tmp_path: Path) -> None:
    require("caddy")
    port = free_port()
    origin = f"http://localhost:{port}"
    Shell(server.environ).run(
        "sites", "add", origin, "--need", "signed-in", "--identity", "username"
    )
    compose = (ROOT / "docker-compose.yml").read_text()
    text = compose[compose.index("  guard:") :].partition("<<'CADDYFILE'\n")[2]
    text = text.partition("CADDYFILE")[0].replace("persist_config off", "")
    text = text.replace("app:5000", f"127.0.0.1:{server.port}").replace(":8080", f":{port}")
    with caddy(text, tmp_path, port):
        guest = Guest(alice, origin)
        assert guest.ask("/x").status == 401
        guest.enter()
        page = guest.ask("/x", **{"Remote-Groups": "root"})
        assert "<h1>Hello alice</h1><p>Your groups: users</p>" in page.text
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        environ = server.environ | {"BIND": f"127.0.0.1:{server.port}"}
        findings = json.loads(Shell(environ)._do(("doctor", "--json"), environ)[1])["findings"]
        (finding,) = [each for each in findings if each["check"] == f"site localhost:{port}"]
        assert finding["level"] == "ok", finding
