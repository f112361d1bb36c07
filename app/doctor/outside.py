"""The site as it is seen from outside: through DNS, TLS and proxies."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from app.config import Config
from app.doctor.findings import Finding, ok, warning, wrong
from app.doctor.proxy import (
    FORGED,
    FOUND,
    MISDIRECTED,
    REDIRECTS,
    WHO,
    certificate,
    cookies,
    headers,
    is_here,
    redirect,
    visitors,
)
from app.doctor.visits import Answer, NoAnswer, Visit, visit
from app.kit import probe
from app.kit.probe import Hops
from app.kit.urls import is_loopback, split_address
from app.mail.message import one_line

READY_LONGEST = 100


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
        if not is_local or not is_here(config):
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
    if is_local and is_here(config):
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
