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
        ok(WHO, f"{config.public_url} is this deployment (same SECRET_KEY)"),
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
            WHO,
            f"{public} can't be reached from here (normal in a container). Checked {own} instead",
        )
    if visit.is_certificate:
        return wrong(WHO, f"{public}: {visit.why}. Renew it, or make the proxy send the full chain")
    where = (
        f"The server itself answers at {own}. Check DNS, the firewall and the proxy"
        if is_local
        else "Check that the server is running (make run, or: docker compose up -d)"
    )
    return wrong(WHO, f"{public} can't be reached from here: {visit.why}. {where}")


def not_us(answer: Answer, config: Config) -> Finding:
    """Say why an answer is not that of our server."""
    status, public = answer.status, config.public_url
    if status == MISDIRECTED:
        return wrong(
            WHO,
            f"the server doesn't accept requests for {public}. Check its PUBLIC_URL, and that "
            "the proxy doesn't change the Host header",
        )
    if status in REDIRECTS:
        to = next(iter(answer.all("Location")), "")
        return wrong(
            WHO, f"{public} redirects to {to[:100]!r}: set PUBLIC_URL to the final address"
        )
    if status >= 500:  # noqa: PLR2004
        return wrong(
            WHO, f"{public} answers {status}. Check that the server runs and the proxy can reach it"
        )
    return wrong(
        WHO,
        f"{public} answers {status}, but without our SECRET_KEY. It may be another program, "
        "another deployment, an older version, or a wrong clock",
    )


def certificate(first: Answer, config: Config) -> Finding | None:
    """Check for how long the certificate is good."""
    days = first.days_left
    if days is None:
        return None if _is_here(config) else wrong("certificate", "none, so no TLS")
    if days < CERTIFICATE_DAYS:
        return warning(
            "certificate", f"expires in {days:.0f} days. Check that it renews automatically"
        )
    return ok("certificate", f"valid for {days:.0f} more days")


def redirect(plain: Visit, config: Config) -> Finding:
    """Check that plain http leads to https, and to nothing else."""
    check = "http"
    if isinstance(plain, NoAnswer):
        return warning(
            check, f"no answer on http:// ({plain.why}). People who type the bare name see nothing"
        )
    to = next(iter(plain.all("Location")), "")
    if plain.status not in REDIRECTS:
        return wrong(
            check, f"http:// answers {plain.status}. Make the proxy redirect everything to https"
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
        return wrong(COOKIES, f"{name} doesn't arrive. The proxy drops or renames cookies")
    given = {part.strip().lower() for part in ours[0].split(";")[1:]}
    wanted = {"httponly", "samesite=lax", "path=/"} | ({"secure"} if is_https else set())
    missing = sorted(wanted - given)
    if missing or any(part.startswith("domain=") for part in given):
        words = f"without {', '.join(missing)}" if missing else "with a Domain"
        return wrong(COOKIES, f"arrive {words}. The proxy must not rewrite Set-Cookie")
    if again is None or again.cookie != nonce:
        return wrong(
            COOKIES, "don't come back to the server. Check if the proxy caches or drops them"
        )
    safe = "__Host-, Secure, HttpOnly, SameSite" if is_https else "HttpOnly, SameSite"
    return ok(COOKIES, f"arrive unchanged ({safe}) and come back")


def headers(login: Visit, *, is_https: bool) -> Finding:
    """Check that the headers of a page arrive as the server set them."""
    check = "headers"
    if isinstance(login, NoAnswer):
        return wrong(check, f"no answer from /login: {login.why}")
    if login.status != FOUND:
        return wrong(check, f"/login answers {login.status}. See the server log")
    wanted = ALWAYS | {"Cache-Control": "no-store"}
    changed = [name for name, value in wanted.items() if login.all(name) != [value]]
    if is_https and not _is_strict(login.all("Strict-Transport-Security")):
        changed.append("Strict-Transport-Security")
    if changed:
        return wrong(check, f"the proxy changes, drops or duplicates {', '.join(changed)}")
    return ok(check, "arrive unchanged")


def visitors(seen: Hops, forged: Hops | None, config: Config) -> Finding:
    """Check that the server knows visitors by their own addresses."""
    number, trusted = len(seen.forwarded), config.trusted_proxies
    if (hidden := _hidden(seen, config)) is not None:
        return hidden
    if _is_here(config):
        return ok(CLIENTS, f"the server sees this machine as {seen.client}")
    if forged is not None and forged.client == FORGED:
        return wrong(
            CLIENTS,
            f"can fake their address in X-Forwarded-For. TRUSTED_PROXIES is {trusted}, but "
            f"requests pass {_proxies(number)}. Lower it, or make the proxy set the header",
        )
    if number < trusted:
        return wrong(
            CLIENTS,
            f"TRUSTED_PROXIES is {trusted}, but requests pass {_proxies(number)}. Make each add to "
            "X-Forwarded-For, or lower the setting",
        )
    if is_within(seen.client, PRIVATE_NETWORKS):
        return warning(
            CLIENTS,
            f"the server sees this machine as {seen.client}, a private address. That's fine if "
            "this request stayed inside. Otherwise, the proxy hides visitors",
        )
    through = f", through {seen.peer}" if number else ""
    return ok(CLIENTS, f"the server sees this machine as {seen.client}{through}")


def _hidden(seen: Hops, config: Config) -> Finding | None:
    """Say if all visitors seem to be a proxy."""
    number, trusted = len(seen.forwarded), config.trusted_proxies
    if number > trusted:
        return wrong(
            CLIENTS,
            f"all seem to come from {seen.client} and share its limits. Requests pass "
            f"{_proxies(number)}, but TRUSTED_PROXIES is {trusted}. Set TRUSTED_PROXIES={number}",
        )
    if number and seen.client != parsed(seen.forwarded[0]):
        return wrong(
            CLIENTS,
            f"all seem to come from {seen.client}, a proxy that isn't in TRUSTED_NETWORKS",
        )
    return None


def readiness(ready: Visit) -> Finding:
    """Check that the server is ready, and tells visitors no more than that."""
    check = "readiness"
    if isinstance(ready, NoAnswer):
        return wrong(check, f"no answer from /health/ready: {ready.why}")
    words = one_line(ready.body[:READY_LONGEST].decode("ascii", "replace"))
    if ready.status != FOUND:
        return wrong(check, f"/health/ready answers {ready.status}: {words}")
    if len(ready.body) > READY_LONGEST:
        return wrong(
            check, "/health/ready returns more than it should. Check which program answers there"
        )
    return ok(check, "the server is ready")


def private(metrics: Visit) -> Finding:
    """Check that metrics are not for everybody."""
    if isinstance(metrics, Answer) and metrics.status == FOUND:
        return wrong("metrics", "/metrics is public. The proxy must not expose METRICS_BIND")
    return ok("metrics", "/metrics isn't public")


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
    return "1 proxy" if number == 1 else f"{number} proxies"
