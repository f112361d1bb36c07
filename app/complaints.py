"""Why the database cannot be used: one sentence that names the thing, and what mends it.

By SQLSTATE and not by words: PostgreSQL speaks the language of ``lc_messages``.
"""

import ssl
from collections.abc import Iterator, Mapping
from socket import gaierror

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from app.db import CONNECT_SECONDS
from app.db_errors import is_away
from app.mail.message import one_line

REACHED, USED = "Can't reach the database: ", "Can't use the database: "
WORDS_LONGEST = 300
_BY_STATE: Mapping[str, str] = {
    "28P01": REACHED + "{place} rejected the password of “{user}”. Check DATABASE_PASSWORD. In "
    "DATABASE_URL, write % @ / : # ? in a password as %25 %40 %2F %3A %23 %3F",
    "28000": REACHED + "{place} rejected “{user}” ({words}). Check that the role exists (CREATE "
    'ROLE "{user}" LOGIN) and that pg_hba.conf allows it from here. If it requires TLS: '
    "?sslmode=require in DATABASE_URL",
    "3D000": REACHED + "{place} has no database “{name}”. Create it: CREATE DATABASE "
    '"{name}" OWNER "{user}" ENCODING \'UTF8\' TEMPLATE template0',
    "42501": USED
    + "“{user}” isn't allowed to do this in “{name}” ({words}). To let it create tables: "
    'GRANT CREATE ON SCHEMA public TO "{user}". If another role owns the tables: REASSIGN OWNED BY '
    'that_role TO "{user}"',
    "3F000": USED + "“{name}” has no schema for tables. Create it: CREATE SCHEMA public "
    'AUTHORIZATION "{user}"',
    "25006": USED + "{place} is read-only. If it's a standby, point DATABASE_URL to the primary. "
    'If it was set to read-only: ALTER DATABASE "{name}" RESET default_transaction_read_only',
    "53300": REACHED + "{place} has no free connections ({words}). Lower WORKERS, "
    "DATABASE_POOL_SIZE or REPLICAS, or raise max_connections (ALTER SYSTEM SET max_connections = "
    "200, then restart PostgreSQL)",
    "57P03": REACHED + "{place} is starting or stopping ({words}). Try again in a moment",
    "42P01": USED + "“{name}” has missing tables ({words}). Run: python -m app migrate",
    "42703": USED
    + "the tables in “{name}” are older than this version ({words}). Run: python -m app "
    "migrate",
    "08P01": REACHED + "{place} says: {words}. For pgbouncer or another pool: DATABASE_POOLED=true",
}
_BY_KIND: tuple[tuple[type[BaseException], str], ...] = (
    (gaierror, "host {host} not found. Check DATABASE_URL."),
    (
        ssl.SSLCertVerificationError,
        (
            "the certificate of {place} isn't trusted ({words}). For a private "
            "authority: DATABASE_URL=…?sslrootcert=/path/to/ca.pem"
        ),
    ),
    (
        ssl.SSLError,
        ("no TLS connection to {place} ({words}). Check sslmode in DATABASE_URL."),
    ),
    (
        ConnectionRefusedError,
        (
            "nothing is listening at {place} ({words}). Check that PostgreSQL is running "
            "there, and check DATABASE_URL."
        ),
    ),
    (
        FileNotFoundError,
        ("no PostgreSQL socket at {place}. Check that it's running, and check DATABASE_URL."),
    ),
    (
        TimeoutError,
        (
            f"{{place}} doesn't answer within {CONNECT_SECONDS} s. Check that PostgreSQL is "
            "running there, and check the firewall and DATABASE_URL."
        ),
    ),
    (
        ConnectionError,
        (
            "{place} closes the connection ({words}). Check that it's PostgreSQL. A server "
            "without TLS does this if DATABASE_URL has an sslmode that requires TLS."
        ),
    ),
)


def complaint(error: BaseException, url: URL | None) -> str | None:
    """Return the sentence, without any password; None for an error that nobody expected."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."  # a file of ours, not the database
    driver = error.orig if isinstance(error, DBAPIError) and error.orig else error
    facts = _facts(url, driver)
    state = str(getattr(driver, "sqlstate", None) or "")
    if state in _BY_STATE:
        return _BY_STATE[state].format_map(facts) + "."
    for cause in _chain(driver):
        for kind, sentence in _BY_KIND:
            if isinstance(cause, kind):
                return REACHED + sentence.format_map({**facts, "words": _words(cause)})
    if is_away(error):
        return f"{REACHED}{facts['place']} says: {facts['words']}. Check DATABASE_URL."
    return None


def _facts(url: URL | None, error: BaseException) -> Mapping[str, str]:
    if url is None:
        return {"place": "it", "host": "", "user": "", "name": "", "words": _words(error)}
    return {
        "place": _place(url),
        "host": url.host or _place(url),
        "user": url.username or "the user",
        "name": url.database or "",
        "words": _words(error),
    }


def _place(url: URL) -> str:
    if url.host:
        return f"{url.host}:{url.port or 5432}"
    hosts = url.query.get("host", "this machine's socket")
    return hosts if isinstance(hosts, str) else ", ".join(hosts)


def _words(error: BaseException) -> str:
    root = error.__cause__ if getattr(error, "sqlstate", None) and error.__cause__ else error
    said = getattr(root, "verify_message", "") or str(root) or type(root).__name__
    return one_line(said.split("\n")[0])[:WORDS_LONGEST].rstrip(".")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__
