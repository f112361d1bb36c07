# ruff: noqa: INP001 - a script
"""A person's walk through the containers, through the proxy and past it. Standard library only.

Usage: ``journey.py first`` registers, confirms, signs in and out, with two replicas, and tries
what must not work; ``journey.py again`` signs in with the account that the first walk made;
``journey.py guard`` enters the sample site behind the gate, on ``GUARD_PORT``.
``SITE_NAME`` and what ``stack`` needs are taken from the environment.
"""

import html
import os
import re
import socket
import sys
import time
from http.cookiejar import CookieJar
from itertools import permutations
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPSHandler, ProxyHandler, Request, build_opener

import stack
from stack import ANSWER_SECONDS, APP_PORT, EMAIL_SECONDS, SITE, URL, ask, expect

USERNAME = "alice"
EMAIL = "alice@example.com"
PASSWORD = "four unrelated garden words"  # noqa: S105 - of a person who does not exist
ANOTHER = "some other kitchen words"
SECRET = "Only signed-in users can see this page"  # noqa: S105 - a page's sentence
REPLAYS = 10
CLAIMED = "203.0.113.66"  # where a visitor says that he comes from (TEST-NET-3)
METRICS_PORT = 9100
COMMAND_LINE = "127.0.0.1"


class Browser:
    """Keeps cookies, follows redirects, and says that its forms come from our own pages."""

    def __init__(self) -> None:
        self.jar = CookieJar()
        self._opener = build_opener(
            ProxyHandler({}), HTTPSHandler(context=stack.TLS), HTTPCookieProcessor(self.jar)
        )

    def get(self, path: str) -> tuple[str, str]:
        """Return the path on which this ended, and the page."""
        return self._open(Request(URL + path))  # noqa: S310 - https, on this machine

    def visit(self, address: str) -> tuple[str, str]:
        """Open a page of any site, as who types its address."""
        return self._open(Request(address, headers={"Accept": "text/html"}))  # noqa: S310 - this machine's

    def post(self, path: str, **fields: str) -> tuple[str, str]:
        """Send a form; return the path on which this ended, and the page."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        body = urlencode(fields).encode()
        return self._open(Request(URL + path, body, headers))  # noqa: S310 - likewise

    def cookies(self) -> str:
        """Return what this browser sends as its Cookie header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)

    def _open(self, request: Request) -> tuple[str, str]:
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as response:
                return urlsplit(response.geturl()).path, response.read().decode()
        except HTTPError as error:
            sys.exit(f"  NOT SO: {request.get_method()} {request.selector} gets {error.code}")


def first() -> None:
    """Become a person here, and go."""
    browser = Browser()
    _, page = browser.get("/")
    site = os.environ["SITE_NAME"]
    expect(f"Welcome to {site}" in page, f"the home page says: Welcome to {site}")
    _, page = browser.post(
        "/register", username=USERNAME, email=EMAIL, password=PASSWORD, confirm=PASSWORD
    )
    expect("Check your email" in page, "registering asks to look into the mail")
    path, page = browser.get(path_of_email("confirm"))
    expect(path == "/confirm" and USERNAME in page, "the email's link leads to /confirm")
    path, page = browser.post("/confirm")
    expect(path == "/" and "You're signed in." in html.unescape(page), "confirming signs in")
    browser.post("/logout")
    sign_in(browser)
    sign_out(browser)
    recover(browser)
    cross_replicas()
    look_at_cookies()
    claim_another_address()
    speak_other_protocols()
    look_for_metrics()


def again() -> None:
    """Come back another day."""
    sign_in(Browser())


def guard() -> None:
    """Enter the sample site by the login, and be out of it by signing out there."""
    site = f"http://127.0.0.1:{os.environ['GUARD_PORT']}"
    browser = Browser()
    path, page = browser.visit(f"{site}/page?x=1")
    expect(path == "/login", "a guarded site sends its visitor to the login")
    wanted = found_in(page, r'name="next"[^>]* value="([^"]+)"')
    _, page = browser.post("/login", email_or_user=EMAIL, password=PASSWORD, next=wanted)
    path, page = browser.visit(found_in(page, r'http-equiv="refresh" content="0; ?url=([^"]+)"'))
    expect(
        path == "/page" and f"Hello {USERNAME}" in page, "the login leads back, and says who it is"
    )
    browser.post("/logout")
    path, _ = browser.visit(f"{site}/")
    expect(path == "/login", "who has signed out at the login is out of the site too")


def found_in(page: str, pattern: str) -> str:
    """Return what a pattern finds in a page."""
    found = re.search(pattern, page)
    if found is None:
        sys.exit(f"  NOT SO: there is no {pattern} in {page}")
    return html.unescape(found[1])


def sign_in(browser: Browser) -> None:
    """Sign in and read the secret."""
    path, _ = browser.post("/login", email_or_user=EMAIL, password=PASSWORD)
    expect(path == "/", "signing in leads to /")
    _, page = browser.get("/secret")
    expect(SECRET in page, "who is signed in reads the secret")


def sign_out(browser: Browser) -> None:
    """Sign out; a copy of the cookie, good until then, opens nothing on any worker or replica."""
    copied = browser.cookies()
    doors = [None, *stack.replicas().values()]
    before = replayed(copied, doors)
    expect(before == {(200, None)}, f"a copied cookie opens /secret {spread(doors)}: {before}")
    browser.post("/logout")
    after = replayed(copied, doors)
    expect(
        after == {(303, "/login?next=/secret")},
        f"after signing out it is sent to /login {spread(doors)}: {after}",
    )


def recover(browser: Browser) -> None:
    """Forget the password, choose another by the email's link, and change it back."""
    _, page = browser.post("/reset", email_or_user=USERNAME)
    expect("Check your email" in page, "asking for a new password asks to look into the mail")
    path, page = browser.get(path_of_email("reset"))
    expect(path == "/reset/password" and USERNAME in page, "its link leads to /reset/password")
    path, _ = browser.post("/reset/password", password=ANOTHER, confirm=ANOTHER)
    expect(path == "/login", "a new password signs nobody in")
    path, _ = browser.post("/login", email_or_user=EMAIL, password=ANOTHER)
    expect(path == "/", "it opens the door")
    path, page = browser.post(
        "/account/password", current_password=ANOTHER, password=PASSWORD, confirm=PASSWORD
    )
    expect(path == "/account" and "Your password is changed" in page, "it is changed again")
    _, page = browser.get("/account/sessions")
    expect("This browser" in page, "the account shows where one is signed in")
    browser.post("/logout")


def replayed(cookies: str, doors: list[str | None]) -> set[tuple[int, str | None]]:
    """Ask for /secret on many new connections; return the different statuses and locations."""
    answers = [ask("/secret", at=door, cookies=cookies) for door in doors for _ in range(REPLAYS)]
    return {(answer.status, answer.location) for answer in answers}


def spread(doors: list[str | None]) -> str:
    """Say where it was tried."""
    return f"{REPLAYS} times through the proxy and at each of {len(doors) - 1} replicas"


def cross_replicas() -> None:
    """Sign in at one replica; the session is known at any other, and so is its end."""
    pairs = list(permutations(stack.replicas().values(), 2))
    expect(len(pairs) > 1, "there is more than one replica")
    for one, other in pairs:
        cookies = signed_in(at=one)
        seen = ask("/secret", at=other, cookies=cookies).status
        ask("/logout", at=other, cookies=cookies, form={})
        left = ask("/secret", at=one, cookies=cookies).status
        expect(
            (seen, left) == (200, 303),
            f"signed in at {one}, {other} opens /secret; signed out there, {one} is closed",
        )


def signed_in(*, at: str | None = None, headers: dict[str, str] | None = None) -> str:
    """Return the cookies of a new session."""
    answer = ask(
        "/login", at=at, form={"email_or_user": EMAIL, "password": PASSWORD}, headers=headers
    )
    if answer.status != 303:  # noqa: PLR2004 - See Other
        sys.exit(f"  NOT SO: {EMAIL} signs in: {answer.status}")
    return answer.cookies


def look_at_cookies() -> None:
    """Every cookie is tied to this host, to https, and out of reach of scripts."""
    answer = ask("/login", form={"email_or_user": EMAIL, "password": PASSWORD})
    for line in answer.headers.get_all("Set-Cookie", []):
        name, *flags = line.split("; ")
        held = {flag.split("=")[0].lower() for flag in flags}
        is_tight = {"secure", "httponly", "samesite", "path"} <= held and "domain" not in held
        title = name.split("=")[0]
        expect(
            is_tight and title.startswith("__Host-"),
            f"the cookie {title} is Secure, HttpOnly, SameSite, for this host alone",
        )


def claim_another_address() -> None:
    """Say to the proxy that one comes from elsewhere: nobody believes it."""
    claims = {"X-Forwarded-For": CLAIMED, "X-Real-IP": CLAIMED, "Forwarded": f"for={CLAIMED}"}
    signed_in(headers=claims)
    doorstep = stack.network(stack.containers("proxy")[0], "front")["Gateway"]
    known = {row[0] for row in stack.rows("SELECT DISTINCT host(ip) FROM audit_events")}
    expect(
        known - {COMMAND_LINE} == {doorstep},
        f"the book knows the address that the proxy sees, not {CLAIMED}: {known}",
    )


def speak_other_protocols() -> None:
    """Ask replicas for HTTP/2 without TLS, and for a tunnel: there is neither."""
    upgrade = (
        f"GET / HTTP/1.1\r\nHost: {SITE.netloc}\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    )
    knowledge = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0" * 3 + "\4" + "\0" * 5
    tunnel = "CONNECT postgres:5432 HTTP/1.1\r\nHost: postgres:5432\r\n\r\n"
    for address in stack.replicas().values():
        said = raw(address, upgrade)
        expect(said.startswith(b"HTTP/1.1 200"), f"{address} answers h2c by HTTP/1.1: {said!r}")
        said = raw(address, knowledge)
        expect(not said or b"HTTP/1.1 4" in said, f"{address} takes no h2c unasked: {said!r}")
        said = raw(address, tunnel)
        expect(said.startswith(b"HTTP/1.1 4"), f"{address} digs no tunnel: {said!r}")
    expect(tunnelled() == set(), "the proxy digs no tunnel either")


def raw(address: str, text: str) -> bytes:
    """Send text to a replica; return the first line of its answer."""
    with socket.create_connection((address, APP_PORT), ANSWER_SECONDS) as connection:
        connection.sendall(text.encode())
        return first_line(connection)


def tunnelled() -> set[str]:
    """Ask the proxy for tunnels to the database; return the targets that answered through one."""
    reached = set()
    for target in (SITE.netloc, "postgres:5432", "app:5000"):
        with (
            socket.create_connection((SITE.hostname, SITE.port), ANSWER_SECONDS) as plain,
            stack.TLS.wrap_socket(plain, server_hostname=SITE.hostname) as wrapped,
        ):
            wrapped.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            said = wrapped.recv(4096)
            # Caddy itself says an empty 200 to any request for a site that is not its own.
            if b" 200 " in said.split(b"\r\n")[0] and b"Content-Length: 0\r\n" not in said:
                reached.add(target)
    return reached


def first_line(connection: socket.socket) -> bytes:
    """Return the first line of an answer, empty if the connection is closed without one."""
    try:
        return connection.recv(4096).split(b"\r\n")[0]
    except ConnectionResetError:
        return b""


def look_for_metrics() -> None:
    """The figures are not for the public: they have a port of their own, on inner networks."""
    doors = [None, *stack.replicas().values()]
    statuses = {ask("/metrics", at=door).status for door in doors}
    expect(statuses == {404}, f"/metrics is not on the public port: {statuses}")
    figures = [ask("/metrics", at=door, port=METRICS_PORT).text for door in doors if door]
    expect(all("# HELP " in text for text in figures), f"it is on {METRICS_PORT}, inside")


def path_of_email(kind: str) -> str:
    """Wait for the email in the catcher; return its link's path."""
    pattern = re.compile(re.escape(URL) + rf"(/{kind}/\S+)")
    give_up = time.monotonic() + EMAIL_SECONDS
    while time.monotonic() < give_up:
        for email in stack.emails_to(EMAIL):
            if link := pattern.search(email):
                return link[1]
        time.sleep(0.5)
    sys.exit(f"  NOT SO: an email to {EMAIL} with a link to {URL}/{kind}/ was caught")


if __name__ == "__main__":
    {"first": first, "again": again, "guard": guard}[sys.argv[1]]()
