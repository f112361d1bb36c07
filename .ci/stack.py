# ruff: noqa: INP001, T201 - a script that prints
"""What the walk and the faults share: how to reach the containers, and how to ask them.

``PUBLIC_URL``, ``MAIL_PORT``, ``ROOT_CERTIFICATE`` (the file of the proxy's own authority) and
docker compose's own variables are taken from the environment.
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

URL = os.environ["PUBLIC_URL"]
SITE = urlsplit(URL)
CATCHER = f"http://127.0.0.1:{os.environ['MAIL_PORT']}/api/v1"
APP_PORT = 5000
ANSWER_SECONDS = 20
EMAIL_SECONDS = 30
EMAILS_AT_MOST = 500
TLS = ssl.create_default_context(cafile=os.environ["ROOT_CERTIFICATE"])


class Answer(NamedTuple):
    """One answer, without following where it leads."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def location(self) -> str | None:
        """Return where it leads."""
        return self.headers["Location"]

    @property
    def cookies(self) -> str:
        """Return the cookies that it sets, as a Cookie header."""
        given = [line.split(";")[0] for line in self.headers.get_all("Set-Cookie", [])]
        return "; ".join(cookie for cookie in given if not cookie.endswith("="))


def ask(
    path: str,
    *,
    at: str | None = None,
    port: int = APP_PORT,
    cookies: str = "",
    form: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Ask on a new connection: the proxy, by TLS, or the replica with the address ``at``."""
    connection = (
        http.client.HTTPConnection(at, port, timeout=ANSWER_SECONDS)
        if at
        else http.client.HTTPSConnection(SITE.netloc, timeout=ANSWER_SECONDS, context=TLS)
    )
    sent = {"Host": SITE.netloc, **(headers or {})}
    if cookies:
        sent["Cookie"] = cookies
    if form is not None:
        sent |= {
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
    body = None if form is None else urlencode(form)
    try:
        connection.request("GET" if form is None else "POST", path, body, sent)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read().decode())
    finally:
        connection.close()


def compose(*arguments: str) -> str:
    """Run docker compose; return what it prints."""
    return _run("docker", "compose", "--progress", "quiet", *arguments)


def inspect(container: str) -> dict[str, Any]:
    """Return what docker knows about a container."""
    found: dict[str, Any] = json.loads(_run("docker", "inspect", container))[0]
    return found


def containers(service: str) -> list[str]:
    """Return the ids of a service's running containers."""
    return compose("ps", "--quiet", "--status", "running", service).split()


def network(container: str, name: str) -> dict[str, Any]:
    """Return a container's place in one of the project's networks; empty if it has none."""
    networks = inspect(container)["NetworkSettings"]["Networks"]
    place: dict[str, Any] = networks.get(f"{os.environ['COMPOSE_PROJECT_NAME']}_{name}", {})
    return place


def replicas() -> dict[str, str]:
    """Return the address of every running replica, by its container's id."""
    return {one: network(one, "front").get("IPAddress", "") for one in containers("app")}


def rows(query: str) -> list[list[str]]:
    """Ask the database."""
    psql = ["exec", "-T", "postgres", "psql", "-U", "vestibule", "-AtF", "\t", "-c", query]
    return [line.split("\t") for line in compose(*psql).splitlines()]


def emails_to(address: str) -> list[str]:
    """Return the texts of the emails that the catcher has for an address."""
    return [
        _caught(f"message/{email['ID']}")["Text"]
        for email in _caught(f"messages?limit={EMAILS_AT_MOST}")["messages"]
        if address in _addresses(email)
    ]


def all_addresses() -> list[str]:
    """Return the address of every email that was caught."""
    caught = _caught(f"messages?limit={EMAILS_AT_MOST}")["messages"]
    return [address for email in caught for address in _addresses(email)]


def expect(is_so: bool, sentence: str) -> None:  # noqa: FBT001 - it reads as a sentence
    """Say what is so; end at what is not."""
    if not is_so:
        sys.exit(f"  NOT SO: {sentence}")
    print(f"  {sentence}", flush=True)


def seconds_until_ready(at: str | None = None, *, give_up: float = 60) -> float:
    """Wait until the readiness check says yes; return how long it took."""
    begin = time.monotonic()
    while time.monotonic() - begin < give_up:
        try:
            if ask("/health/ready", at=at).status == http.client.OK:
                return time.monotonic() - begin
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    sys.exit(f"  NOT SO: {at or URL} is ready within {give_up} s")


def _addresses(email: dict[str, Any]) -> list[str]:
    return [each["Address"] for each in email["To"]]


def _caught(path: str) -> dict[str, Any]:
    opener = build_opener(ProxyHandler({}))
    with opener.open(f"{CATCHER}/{path}", timeout=ANSWER_SECONDS) as response:
        found: dict[str, Any] = json.load(response)
        return found


def _run(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        sys.exit(f"  NOT SO: {' '.join(command)} works: {done.stderr.strip()}")
    return done.stdout
