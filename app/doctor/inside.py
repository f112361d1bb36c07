"""The deployment from inside: settings, secrets, database, outbox."""

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import URL

from app import schema
from app.complaints import complaint
from app.config import Config, WrongSettings
from app.context import operator_context
from app.db import (
    SERVER_SETTINGS,
    DatabaseServer,
    connections_allowed,
    is_away,
    make_engine,
    make_sessions,
    server_of,
)
from app.doctor.findings import Finding, ok, warning, wrong
from app.flows import checkup
from app.flows.checkup import DatabaseState
from app.runtime import serve

SECRETS = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DATABASE_PASSWORD", "SMTP_PASSWORD")
EXAMPLE_KEYS = ("tests-only-",)  # how keys begin that everybody can read in our repository
MOUNTED = "/run/secrets/"  # docker's: open to all in the container, which is one program
DATABASE_SECONDS = 20  # for all questions; each has three
LATE_SECONDS = 600
CLOCK_SECONDS = 5
SLOW_MILLISECONDS = 50
DATABASE, SCHEMA, MAIL, REFUSALS = "database", "migrations", "outbox", "refusals"


class Facts(NamedTuple):
    """What a database says that is reached. ``state``: None where not all tables are there."""

    server: DatabaseServer
    defaults: Mapping[str, str]
    connections: int
    revision: str | None
    state: DatabaseState | None


async def look(config: Config, url: URL) -> list[Finding]:
    """Ask the database, and return what is found."""
    engine = make_engine(url, pool_size=1, overflow=0, pooled=config.database_pooled)
    try:
        async with asyncio.timeout(DATABASE_SECONDS), make_sessions(engine)() as session:
            revision = await schema.revision(engine)
            facts = Facts(
                await server_of(session),
                await schema.defaults(session),
                await connections_allowed(session),
                revision,
                None
                if _is_behind(revision)
                else await checkup.look(operator_context(session, config)),
            )
    except Exception as error:
        if not is_away(error):
            raise
        return [away(error, url)]
    finally:
        await engine.dispose()
    return judge(facts, config)


def judge(facts: Facts, config: Config) -> list[Finding]:
    """Return what the database's facts say."""
    found = [
        database(facts.server),
        defaults(facts.defaults),
        clock(facts.server),
        migrations(facts.revision),
        connections(facts.connections, config),
    ]
    if facts.state is not None:
        found += [
            outbox(facts.state),
            refusals(facts.state),
            housekeeping(facts.state),
            administrator(facts.state),
            role(facts.state),
            apps(facts.state),
        ]
    return found


def settings(wrong_ones: WrongSettings | None) -> list[Finding]:
    """Name all settings that are wrong."""
    if wrong_ones is None:
        return [ok("settings", "all valid")]
    return [wrong("settings", line) for line in str(wrong_ones).splitlines()]


def keys(config: Config, environ: Mapping[str, str]) -> Finding:
    """Check the secret key and the older ones."""
    check = "secret key"
    signing = config.signing_keys
    if any(key.startswith(EXAMPLE_KEYS) for key in signing):
        return wrong(check, "is a public example. Create your own: python -m app secret-key")
    older = len(signing) - 1
    if older and signing[-1] in signing[:-1]:
        return warning(check, "is also in SECRET_KEY_FALLBACKS. Empty that setting")
    if older:
        return warning(
            check,
            f"{older} older key(s) still accepted. Empty SECRET_KEY_FALLBACKS "
            f"{config.remember_days:g} days after the change",
        )
    if not config.is_laptop and environ.get("SECRET_KEY"):
        return warning(
            check, "is in the environment, where `docker inspect` shows it. Use SECRET_KEY_FILE"
        )
    return ok(check, "long, random and the only one")


def secret_files(paths: Mapping[str, Path]) -> Finding:
    """Check who may read and change the files that hold secrets."""
    check = "secret files"
    for name, path in paths.items():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:  # the settings' business
            continue
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            return wrong(check, f"other users can change {path} ({name}): chmod go-w {path}")
        if mode & stat.S_IROTH and not str(path).startswith(MOUNTED):
            return warning(check, f"every user can read {path} ({name}): chmod o-r {path}")
    return ok(check, "private" if paths else "none used")


def files_of(config: Config, environ: Mapping[str, str]) -> dict[str, Path]:
    """Return the files that hold secrets, by their setting."""
    found = {name: Path(environ[f"{name}_FILE"]) for name in SECRETS if environ.get(f"{name}_FILE")}
    if config.is_laptop and not environ.get("SECRET_KEY") and "SECRET_KEY" not in found:
        found["SECRET_KEY"] = config.data_dir / "secret_key"
    return found


def away(error: BaseException, url: URL) -> Finding:
    """Say why the database does not answer."""
    return wrong(DATABASE, complaint(error, url) or type(error).__name__)


def database(server: DatabaseServer) -> Finding:
    """Check that it is the primary, and near."""
    if not server.is_primary:
        return wrong(DATABASE, "is a read-only standby. Point DATABASE_URL to the primary")
    words = f"PostgreSQL {server.version}, answers in {server.milliseconds:.1f} ms"
    if server.milliseconds > SLOW_MILLISECONDS:
        return warning(
            DATABASE, f"{words}, which slows down every page. It may be far away or busy"
        )
    return ok(DATABASE, words)


def defaults(found: Mapping[str, str]) -> Finding:
    """Check the settings that our statements rely on; a pool lets few of them through."""
    check = "database's settings"
    if found.get("server_encoding") != schema.ENCODING:
        return wrong(check, f"it {schema.other_encoding(found.get('server_encoding', ''))}")
    if found.get("default_transaction_read_only") == "on":
        return wrong(
            check,
            "it's read-only: default_transaction_read_only is on. To change this: "
            "ALTER DATABASE name RESET default_transaction_read_only (or ALTER ROLE, if it's set "
            "for the role)",
        )
    other = [name for name, value in SERVER_SETTINGS.items() if not _is_so(found, name, value)]
    if other:
        lines = "; ".join(f"ALTER ROLE name SET {each} = {_written(each)}" for each in other)
        return warning(check, f"the pool blocks our settings. Set them in the database: {lines}")
    if found.get("synchronous_commit") == "off":
        return warning(
            check,
            "synchronous_commit is off, so a crash can lose saved changes. ALTER SYSTEM "
            "RESET synchronous_commit",
        )
    return ok(check, "as Vestibule needs them")


def _is_so(found: Mapping[str, str], name: str, value: str) -> bool:
    values = {each.lower(): setting for each, setting in found.items()}
    return values.get(name.lower(), "").lower() == value.lower()


def _written(name: str) -> str:
    value = SERVER_SETTINGS[name]
    return value if name == "search_path" else f"'{value}'"


def clock(server: DatabaseServer) -> Finding:
    """Check our clock against the database's."""
    ahead = server.ahead_seconds
    if abs(ahead) > CLOCK_SECONDS:
        which = "behind" if ahead > 0 else "ahead of"
        return wrong(
            "clock",
            f"this machine is {abs(ahead):.0f} s {which} the database. Links and cookies depend "
            "on it. Sync both with NTP",
        )
    return ok("clock", "in sync with the database")


def migrations(revision: str | None) -> Finding:
    """Check that the schema is this program's."""
    if revision == schema.head():
        return ok(SCHEMA, f"up to date ({revision})")
    if revision is None:
        return wrong(SCHEMA, "the database has no tables yet. Run: python -m app migrate")
    if schema.knows(revision):
        return wrong(
            SCHEMA, f"the database is out of date ({revision}). Run: python -m app migrate"
        )
    return warning(
        SCHEMA, f"the database ({revision}) is newer than this program. Upgrade the program"
    )


def connections(allowed: int, config: Config) -> Finding:
    """Check that the connections of all servers fit into the database."""
    check = "connections"
    try:
        workers = serve.worker_count(config, allowed)
    except serve.CannotServe as error:
        return wrong(check, str(error))
    if config.database_pooled:
        return ok(check, "managed by the pool (DATABASE_POOLED)")
    each = config.connections_of_worker
    return ok(
        check,
        f"workers × pool × replicas ({workers} × {each} × {config.replicas}) fit into the "
        f"{allowed} that PostgreSQL allows",
    )


def outbox(state: DatabaseState) -> Finding:
    """Check that emails leave."""
    count, seconds = state.waiting.count, state.waiting.oldest_seconds
    said = f" Mail server's answer for the oldest: {state.trouble}" if state.trouble else ""
    if seconds > LATE_SECONDS:
        return wrong(
            MAIL,
            f"{count} emails waiting, the oldest for {seconds / 60:.0f} minutes. Check that a "
            f"mailer is running, and what its log says about the mail server.{said}",
        )
    if said:
        return warning(MAIL, f"{count} emails waiting.{said}")
    return ok(MAIL, f"{count} emails waiting" if count else "no emails waiting")


def refusals(state: DatabaseState) -> Finding:
    """Tell which emails of the last day will not be sent."""
    if not state.given_up:
        return ok(REFUSALS, "no failed emails in the last day")
    newest = state.given_up[0]
    return warning(
        REFUSALS,
        f"{len(state.given_up)} emails failed in the last day, the newest to a user at "
        f"{newest.recipient.rpartition('@')[2]}: {newest.trouble}. To see all: python -m app "
        "emails list. To retry one: emails retry ID",
    )


def housekeeping(state: DatabaseState) -> Finding:
    """Check that somebody prunes."""
    if state.overdue:
        return wrong(
            "housekeeping",
            f"rows that expired an hour ago are still in {', '.join(state.overdue)}. Check that a "
            "mailer is running. To clean up now: python -m app housekeeping",
        )
    if state.not_deleted:
        return wrong(
            "housekeeping",
            f"{state.not_deleted} users who asked to be deleted aren't fully deleted. See the "
            "mailer's log, or run: python -m app housekeeping",
        )
    return ok("housekeeping", "nothing is overdue")


def administrator(state: DatabaseState) -> Finding:
    """Check that somebody may administer."""
    if not state.has_administrator:
        return warning(
            "administrator",
            "none yet. Create one: python -m app users create --admin you@example.com",
        )
    return ok("administrator", "at least one")


def apps(state: DatabaseState) -> Finding:
    """Check that the secrets of authenticator apps can be read."""
    check = "authenticator apps"
    if state.unreadable_apps:
        return wrong(
            check,
            f"{state.unreadable_apps} are encrypted under an unknown key, so they can't be used to "
            "sign in. Put that key into SECRET_KEY_FALLBACKS",
        )
    if state.apps_under_older_keys:
        return warning(
            check,
            f"{state.apps_under_older_keys} are encrypted under an older key. Before you empty "
            "SECRET_KEY_FALLBACKS: python -m app factors reseal",
        )
    return ok(check, "encrypted under the current key")


def passkeys(config: Config) -> Finding:
    """Check that there can be passkeys."""
    if config.passkeys_for is None:
        return warning("passkeys", "PUBLIC_URL is an IP address, and passkeys need a host name")
    return ok("passkeys", f"for {config.passkeys_for}")


def role(state: DatabaseState) -> Finding:
    """Check that new people have a role to get."""
    if state.default_role is None:
        return wrong(
            "default role",
            "no role is the default, so no one can register: UPDATE roles SET is_default = true "
            "WHERE name = 'User'",
        )
    return ok("default role", f"new users get {state.default_role}")


def _is_behind(revision: str | None) -> bool:
    return revision is None or (revision != schema.head() and schema.knows(revision))
