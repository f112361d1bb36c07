# ruff: noqa: INP001, T201 - a script that prints
"""A person's walk through the server that runs in containers. Standard library only.

Usage: ``journey.py first URL`` registers, confirms, signs in and out; ``journey.py again URL``
signs in with the account that the first walk made. ``SITE_NAME`` and docker compose's own variables
are taken from the environment.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

USERNAME = "alice"
EMAIL = "alice@example.com"
PASSWORD = "four unrelated garden words"  # noqa: S105 - of a person who does not exist
SECRET = "This is the secret of this application"  # noqa: S105 - a page's sentence
ANSWER_SECONDS = 20
LETTER_SECONDS = 30
REPLAYS = 20


class Browser:
    """Keeps cookies, follows redirects, and says that its forms come from our own pages."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> tuple[str, str]:
        """Return the path on which this ended, and the page."""
        return self._open(Request(self.url + path))  # noqa: S310 - http, on this machine

    def post(self, path: str, **fields: str) -> tuple[str, str]:
        """Send a form; return the path on which this ended, and the page."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        body = urlencode(fields).encode()
        return self._open(Request(self.url + path, body, headers))  # noqa: S310 - likewise

    def cookies(self) -> str:
        """Return what this browser sends as its Cookie header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)

    def _open(self, request: Request) -> tuple[str, str]:
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as response:
                return urlsplit(response.geturl()).path, response.read().decode()
        except HTTPError as error:
            sys.exit(f"  NOT SO: {request.get_method()} {request.selector} gets {error.code}")


def first(url: str) -> None:
    """Become a person here, and go."""
    browser = Browser(url)
    _, page = browser.get("/")
    site = os.environ["SITE_NAME"]
    expect(f"Welcome to {site}" in page, f"the home page says: Welcome to {site}")
    _, page = browser.post(
        "/register", username=USERNAME, email=EMAIL, password=PASSWORD, confirm=PASSWORD
    )
    expect("Check your mail" in page, "registering asks to look into the mail")
    path, page = browser.get(confirmation_path(url))
    expect(path == "/confirm" and USERNAME in page, "the letter's link leads to /confirm")
    path, _ = browser.post("/confirm")
    expect(path == "/login", "confirming leads to /login")
    sign_in(browser)
    sign_out(browser)


def again(url: str) -> None:
    """Come back another day."""
    sign_in(Browser(url))


def sign_in(browser: Browser) -> None:
    """Sign in and read the secret."""
    path, _ = browser.post("/login", email_or_user=EMAIL, password=PASSWORD)
    expect(path == "/", "signing in leads to /")
    _, page = browser.get("/secret")
    expect(SECRET in page, "who is signed in reads the secret")


def sign_out(browser: Browser) -> None:
    """Sign out; a copy of the cookie, good until then, opens nothing on any worker."""
    copied = browser.cookies()
    before = replayed(browser.url, copied)
    expect(before == {(200, None)}, f"a copied cookie opens /secret {REPLAYS} times: {before}")
    browser.post("/logout")
    after = replayed(browser.url, copied)
    expect(
        after == {(303, "/login?next=/secret")},
        f"after signing out it is sent to /login {REPLAYS} times: {after}",
    )


def replayed(url: str, cookies: str) -> set[tuple[int, str | None]]:
    """Ask for /secret on many new connections; return the different statuses and locations."""
    return {_replayed_once(urlsplit(url).netloc, cookies) for _ in range(REPLAYS)}


def _replayed_once(address: str, cookies: str) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/secret", headers={"Cookie": cookies})
        response = connection.getresponse()
        return response.status, response.getheader("Location")
    finally:
        connection.close()


def confirmation_path(url: str) -> str:
    """Wait for the letter in the server's log; return its link's path."""
    pattern = re.compile(re.escape(url) + r"(/confirm/\S+)")
    give_up = time.monotonic() + LETTER_SECONDS
    while time.monotonic() < give_up:
        for letter in letters():
            if EMAIL in letter and (link := pattern.search(letter)):
                return link[1]
        time.sleep(0.5)
    sys.exit(f"  NOT SO: a letter to {EMAIL} with a link to {url}/confirm/ stands in the log")


def letters() -> list[str]:
    """Return the letters that the postman has written to the log."""
    command = ["docker", "compose", "logs", "--no-log-prefix", "app"]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [event["message"] for event in events if event["logger"] == "app.postman"]


def expect(is_so: bool, sentence: str) -> None:  # noqa: FBT001 - it reads as a sentence
    """Say what is so; end the walk at what is not."""
    if not is_so:
        sys.exit(f"  NOT SO: {sentence}")
    print(f"  {sentence}")


if __name__ == "__main__":
    {"first": first, "again": again}[sys.argv[1]](sys.argv[2])
