"""The site as it is seen from outside: through DNS, TLS and proxies."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from app.config import PRIVATE_NETWORKS, Config
from app.doctor.findings import Finding, ok, warning, wrong
from app.doctor.visits import Answer, NoAnswer, Visit, visit
from app.http.headers import ALWAYS
from app.kit import probe
from app.kit.client import is_within, parsed
from app.kit.probe import Hops
from app.kit.urls import is_loopback, split_address
from app.mail.message import one_line

FORGED = "203.0.113.77"  # an address for documents: nobody has it (RFC 5737)
CERTIFICATE_DAYS = 14
HSTS_AT_LEAST_SECONDS = 15_552_000
REDIRECTS = {301, 302, 307, 308}
READY_LONGEST = 100
WHO, ADDRESS, COOKIES, CLIENTS = "site", "address", "cookies", "visitors"
MISDIRECTED, NOT_FOUND, FOUND = 421, 404, 200


class Visits(NamedTuple):
    """What came of asking for several things. ``again`` has the cookie, and forges an address."""

    seen: Hops
    first: Answer
    again: Visit
    login: Visit
    ready: Visit
    metrics: Visit
    plain: Visit | None


async def look(config: Config) -> list[Finding]:
    """Visit the site at ``PUBLIC_URL`` and return what is found."""
    nonce = secrets.token_hex(8)
    path = probe.ask(config.signing_keys, nonce)
    origin, host = config.public_url, {"Host": urlsplit(config.public_url).netloc}
    first = await visit(origin, path)
    findings = []
    if isinstance(first, NoAnswer):
        local = await visit(_own_origin(config), path, host)
        is_local = isinstance(local, Answer) and read(local, config.signing_keys, nonce) is not None
        findings.append(unreached(first, config, is_local=is_local))
        if not is_local or not _is_here(config):
            return findings
        first, origin = local, _own_origin(config)
    assert isinstance(first, Answer)  # noqa: S101 - for mypy
    seen = read(first, config.signing_keys, nonce)
    if seen is None:
        return [*findings, not_us(first, config)]
    cookie = f"{probe.cookie_name(is_https=config.is_https)}={nonce}"
    again, login, ready, metrics, plain = await asyncio.gather(
        visit(origin, path, host | {"Cookie": cookie, "X-Forwarded-For": FORGED}),
        visit(origin, "/login", host),
        visit(origin, "/health/ready", host),
        visit(origin, "/metrics", host),
        visit(f"http://{urlsplit(origin).hostname}", "/")
        if _has_plain_sister(config)
        else _nothing(),
    )
    return findings + judge(Visits(seen, first, again, login, ready, metrics, plain), config, nonce)


def judge(visits: Visits, config: Config, nonce: str) -> list[Finding]:
    """Return what the visits say."""
    keys = config.signing_keys
    forged = read(visits.again, keys, nonce) if isinstance(visits.again, Answer) else None
    found = [
        ok(WHO, f"{config.public_url} is us: the server there has our SECRET_KEY"),
        certificate(visits.first, config),
        redirect(visits.plain, config) if visits.plain else None,
        cookies(visits.first, forged, nonce=nonce, is_https=config.is_https),
        headers(visits.login, is_https=config.is_https),
        visitors(visits.seen, forged, config),
        readiness(visits.ready),
        private(visits.metrics),
    ]
    return [finding for finding in found if finding]


def read(answer: Answer, keys: Sequence[str], nonce: str) -> Hops | None:
    """Return what arrived at the server, None if it is not ours."""
    try:
        told = json.loads(answer.body)
        if not probe.is_genuine(keys, nonce, told.pop("proof")):
            return None
        return Hops(**told)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def unreached(visit: NoAnswer, config: Config, *, is_local: bool) -> Finding:
    """Say why nobody answers at ``PUBLIC_URL``, and where somebody does."""
    own, public = config.bind, config.public_url
    if is_local and _is_here(config):
        return warning(
            WHO, f"{public} leads nowhere from here, as from inside a container; looked at {own}"
        )
    if visit.is_certificate:
        return wrong(WHO, f"{public}: {visit.why}. Renew it, or let the proxy send its whole chain")
    where = (
        f"The server itself answers at {own}: look at DNS, the firewall and the proxy"
        if is_local
        else "Is the server running? (make run, or: docker compose up -d)"
    )
    return wrong(WHO, f"{public} cannot be reached from here: {visit.why}. {where}")


def not_us(answer: Answer, config: Config) -> Finding:
    """Say why an answer is not that of our server."""
    status, public = answer.status, config.public_url
    if status == MISDIRECTED:
        return wrong(
            WHO,
            f"the server does not take its requests for {public}: is its PUBLIC_URL this "
            "one, and does the proxy leave the Host header alone?",
        )
    if status in REDIRECTS:
        to = next(iter(answer.all("Location")), "")
        return wrong(WHO, f"{public} redirects to {to[:100]!r}: set PUBLIC_URL to where it ends")
    if status >= 500:  # noqa: PLR2004
        return wrong(
            WHO, f"{public} answers {status}: does the server run, and does the proxy find it?"
        )
    return wrong(
        WHO,
        f"{public} answers {status}, but not as a server with our SECRET_KEY: another program, "
        "another deployment, an older version, or a clock that is minutes off",
    )


def certificate(first: Answer, config: Config) -> Finding | None:
    """Check for how long the certificate is good."""
    days = first.days_left
    if days is None:
        return None if _is_here(config) else wrong("certificate", "there is none: no TLS")
    if days < CERTIFICATE_DAYS:
        return warning("certificate", f"ends in {days:.0f} days. Is it renewed by itself?")
    return ok("certificate", f"good for {days:.0f} more days")


def redirect(plain: Visit, config: Config) -> Finding:
    """Check that plain http leads to https, and to nothing else."""
    check = "http"
    if isinstance(plain, NoAnswer):
        return warning(
            check, f"nobody answers http:// ({plain.why}): who types the bare name sees nothing"
        )
    to = next(iter(plain.all("Location")), "")
    if plain.status not in REDIRECTS:
        return wrong(
            check, f"http:// answers {plain.status}: let the proxy redirect all of it to https"
        )
    there, wanted = urlsplit(to), urlsplit(config.public_url)
    if there.scheme != "https" or there.hostname != wanted.hostname:
        return wrong(check, f"http:// redirects to {to[:100]!r}, not to {config.public_url}")
    return ok(check, "http:// redirects to https")


def cookies(first: Answer, again: Hops | None, *, nonce: str, is_https: bool) -> Finding:
    """Check that cookies arrive as the server set them, and come back."""
    name = probe.cookie_name(is_https=is_https)
    ours = [line for line in first.all("Set-Cookie") if line.split("=")[0].strip() == name]
    if len(ours) != 1:
        return wrong(COOKIES, f"{name} does not arrive: the proxy drops or renames cookies")
    given = {part.strip().lower() for part in ours[0].split(";")[1:]}
    wanted = {"httponly", "samesite=lax", "path=/"} | ({"secure"} if is_https else set())
    missing = sorted(wanted - given)
    if missing or any(part.startswith("domain=") for part in given):
        words = f"without {', '.join(missing)}" if missing else "with a Domain"
        return wrong(COOKIES, f"arrive {words}: the proxy must not rewrite Set-Cookie")
    if again is None or again.cookie != nonce:
        return wrong(COOKIES, "do not come back to the server: does the proxy cache, or drop them?")
    safe = "__Host-, Secure, HttpOnly, SameSite" if is_https else "HttpOnly, SameSite"
    return ok(COOKIES, f"arrive as they were set ({safe}) and come back")


def headers(login: Visit, *, is_https: bool) -> Finding:
    """Check that the headers of a page arrive as the server set them."""
    check = "headers"
    if isinstance(login, NoAnswer):
        return wrong(check, f"/login is not answered: {login.why}")
    if login.status != FOUND:
        return wrong(check, f"/login answers {login.status}; the server's log says why")
    wanted = ALWAYS | {"Cache-Control": "no-store"}
    changed = [name for name, value in wanted.items() if login.all(name) != [value]]
    if is_https and not _is_strict(login.all("Strict-Transport-Security")):
        changed.append("Strict-Transport-Security")
    if changed:
        return wrong(check, f"the proxy changes, drops or doubles {', '.join(changed)}")
    return ok(check, "arrive as the server set them")


def visitors(seen: Hops, forged: Hops | None, config: Config) -> Finding:
    """Check that the server knows visitors by their own addresses."""
    number, trusted = len(seen.forwarded), config.trusted_proxies
    if (hidden := _hidden(seen, config)) is not None:
        return hidden
    if _is_here(config):
        return ok(CLIENTS, f"this machine is {seen.client} to the server")
    if forged is not None and forged.client == FORGED:
        return wrong(
            CLIENTS,
            f"can choose their own address in X-Forwarded-For: TRUSTED_PROXIES is {trusted}, but "
            f"{_proxies(number)} who comes. Lower it, or let the proxy set the header",
        )
    if number < trusted:
        return wrong(
            CLIENTS,
            f"TRUSTED_PROXIES is {trusted}, but {_proxies(number)} who comes: let each add to "
            "X-Forwarded-For, or lower the setting",
        )
    if is_within(seen.client, PRIVATE_NETWORKS):
        return warning(
            CLIENTS,
            f"this machine is {seen.client} to the server, a private address. That is right if "
            "the way from here stays inside; else the proxy hides who comes",
        )
    through = f", by way of {seen.peer}" if number else ""
    return ok(CLIENTS, f"this machine is {seen.client} to the server{through}")


def _hidden(seen: Hops, config: Config) -> Finding | None:
    """Say if all visitors seem to be a proxy."""
    number, trusted = len(seen.forwarded), config.trusted_proxies
    if number > trusted:
        return wrong(
            CLIENTS,
            f"all seem to come from {seen.client}, and share its limits: {_proxies(number)} who "
            f"comes, but TRUSTED_PROXIES is {trusted}. Set TRUSTED_PROXIES={number}",
        )
    if number and seen.client != parsed(seen.forwarded[0]):
        return wrong(
            CLIENTS,
            f"all seem to come from {seen.client}: that is a proxy, and not in TRUSTED_NETWORKS",
        )
    return None


def readiness(ready: Visit) -> Finding:
    """Check that the server can do its work, and tells visitors no more than that."""
    check = "readiness"
    if isinstance(ready, NoAnswer):
        return wrong(check, f"/health/ready is not answered: {ready.why}")
    words = one_line(ready.body[:READY_LONGEST].decode("ascii", "replace"))
    if ready.status != FOUND:
        return wrong(check, f"/health/ready answers {ready.status}: {words}")
    if len(ready.body) > READY_LONGEST:
        return wrong(check, "/health/ready says more than it should: who answers there?")
    return ok(check, "the server can do its work")


def private(metrics: Visit) -> Finding:
    """Check that metrics are not for everybody."""
    if isinstance(metrics, Answer) and metrics.status == FOUND:
        return wrong("metrics", "/metrics is public: the proxy must not pass METRICS_BIND on")
    return ok("metrics", "/metrics is not public")


async def _nothing() -> None:
    return None


def _has_plain_sister(config: Config) -> bool:
    return config.is_https and urlsplit(config.public_url).port is None


def _own_origin(config: Config) -> str:
    """Return where the server listens, as it is reached from the same machine."""
    host, port = split_address(config.bind)
    if not is_loopback(host):
        try:
            if ip_address(host).is_unspecified:
                host = "::1" if ":" in host else "127.0.0.1"
        except ValueError:
            pass  # a name
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_here(config: Config) -> bool:
    return is_loopback(urlsplit(config.public_url).hostname or "")


def _is_strict(values: list[str]) -> bool:
    age = values[0].lower().partition("max-age=")[2].partition(";")[0] if len(values) == 1 else ""
    return age.strip().isdigit() and int(age) >= HSTS_AT_LEAST_SECONDS


def _proxies(number: int) -> str:
    return "1 proxy says" if number == 1 else f"{number} proxies say"
