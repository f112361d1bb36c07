"""What a proxy lets through, and what it changes: judged by what came back."""

from urllib.parse import urlsplit

from app.config import PRIVATE_NETWORKS, Config
from app.doctor.findings import Finding, ok, warning, wrong
from app.doctor.visits import Answer, NoAnswer, Visit
from app.http.headers import ALWAYS
from app.kit import probe
from app.kit.client import is_within, parsed
from app.kit.probe import Hops
from app.kit.urls import is_loopback

STRICTEST = "default-src 'none'; "
FORGED = "203.0.113.77"  # an address for documents: nobody has it (RFC 5737)
CERTIFICATE_DAYS = 14
HSTS_AT_LEAST_SECONDS = 15_552_000
REDIRECTS = {301, 302, 307, 308}
WHO, ADDRESS, COOKIES, CLIENTS = "site", "address", "cookies", "visitors"
MISDIRECTED, NOT_FOUND, FOUND = 421, 404, 200


def certificate(first: Answer, config: Config) -> Finding | None:
    """Check for how long the certificate is good."""
    days = first.days_left
    if days is None:
        return None if is_here(config) else wrong("certificate", "none, so no TLS")
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
    policy = login.all("Content-Security-Policy")
    if len(policy) == 1 and policy[0].startswith(STRICTEST):  # this page adds a script to ours
        wanted["Content-Security-Policy"] = policy[0]
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
    if is_here(config):
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


def is_here(config: Config) -> bool:
    """Whether the site is reached on this machine alone."""
    return is_loopback(urlsplit(config.public_url).hostname or "")


def _is_strict(values: list[str]) -> bool:
    age = values[0].lower().partition("max-age=")[2].partition(";")[0] if len(values) == 1 else ""
    return age.strip().isdigit() and int(age) >= HSTS_AT_LEAST_SECONDS


def _proxies(number: int) -> str:
    return "1 proxy" if number == 1 else f"{number} proxies"
