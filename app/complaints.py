"""Why the database cannot be used: one sentence that names the thing, and what mends it.

By SQLSTATE and not by words: PostgreSQL speaks the language of ``lc_messages``.
"""

import ssl
from collections.abc import Iterator, Mapping
from socket import gaierror

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from app.db import CONNECT_SECONDS, is_away
from app.mail.message import one_line

REACHED, USED = "The database cannot be reached: ", "The database cannot be used: "
WORDS_LONGEST = 300
_BY_STATE: Mapping[str, str] = {
    "28P01": REACHED + "{place} refuses the password of “{user}”. Is DATABASE_PASSWORD right? In "
    "DATABASE_URL the signs % @ / : # ? of a password are written %25 %40 %2F %3A %23 %3F",
    "28000": REACHED + "{place} does not let “{user}” in ({words}). Is there such a role (CREATE "
    'ROLE "{user}" LOGIN), and does pg_hba.conf let it in from here? Where it asks for TLS: '
    "?sslmode=require in DATABASE_URL",
    "3D000": REACHED + "there is no database “{name}” at {place}. Make it: CREATE DATABASE "
    '"{name}" OWNER "{user}" ENCODING \'UTF8\' TEMPLATE template0',
    "42501": USED + "“{user}” may not do this in “{name}” ({words}). May it make tables there? "
    'GRANT CREATE ON SCHEMA public TO "{user}". Are the tables another role\'s? REASSIGN OWNED BY '
    'that_role TO "{user}"',
    "3F000": USED + "“{name}” has no schema to make tables in: CREATE SCHEMA public "
    'AUTHORIZATION "{user}"',
    "25006": USED + "{place} takes no changes. A standby? DATABASE_URL must lead to the primary. "
    'Switched to reading on purpose? ALTER DATABASE "{name}" RESET default_transaction_read_only',
    "53300": REACHED + "{place} has no connection left ({words}). Lower WORKERS, "
    "DATABASE_POOL_SIZE or REPLICAS, or raise max_connections (ALTER SYSTEM SET max_connections = "
    "200, and restart PostgreSQL)",
    "57P03": REACHED + "{place} is starting or stopping ({words}). Try again in a moment",
    "42P01": USED + "tables are missing in “{name}” ({words}): python -m app migrate",
    "42703": USED + "the tables of “{name}” are older than this program ({words}): python -m app "
    "migrate",
    "08P01": REACHED + "{place} says: {words}. If it is pgbouncer or another pool: "
    "DATABASE_POOLED=true",
}
_BY_KIND: tuple[tuple[type[BaseException], str], ...] = (
    (gaierror, "there is no host {host}. Is DATABASE_URL right?"),
    (
        ssl.SSLCertVerificationError,
        (
            "the certificate of {place} is not trusted ({words}). One of a "
            "private authority: DATABASE_URL=…?sslrootcert=/path/to/ca.pem"
        ),
    ),
    (
        ssl.SSLError,
        ("{place} does not speak TLS as we do ({words}). Is sslmode in DATABASE_URL right?"),
    ),
    (
        ConnectionRefusedError,
        (
            "nothing listens at {place} ({words}). Does PostgreSQL run there, and "
            "is DATABASE_URL right?"
        ),
    ),
    (
        FileNotFoundError,
        ("there is no socket of PostgreSQL at {place}. Does it run, and is DATABASE_URL right?"),
    ),
    (
        TimeoutError,
        (
            f"{{place}} does not answer within {CONNECT_SECONDS} s. Does PostgreSQL run "
            "there, does a firewall stand between, and is DATABASE_URL right?"
        ),
    ),
    (
        ConnectionError,
        (
            "{place} hangs up ({words}). Is PostgreSQL there? One without TLS does so "
            "where sslmode in DATABASE_URL demands it"
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
        return f"{REACHED}{facts['place']} says: {facts['words']}. Is DATABASE_URL right?"
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
