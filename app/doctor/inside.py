"""The database of a deployment: its server, its schema, the outbox, housekeeping."""

import asyncio
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import URL

from app import schema
from app.complaints import complaint
from app.config import Config
from app.context import operator_context
from app.db import (
    SERVER_SETTINGS,
    DatabaseServer,
    connections_allowed,
    make_engine,
    make_sessions,
    server_of,
)
from app.db_errors import is_away
from app.doctor.findings import Finding, ok, warning, wrong
from app.flows import checkup
from app.flows.checkup import DatabaseState
from app.runtime import serve
from app.site import Site, load

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
    revisions: frozenset[str]
    state: DatabaseState | None


async def look(config: Config, url: URL) -> list[Finding]:
    """Ask the database, and return what is found."""
    engine = make_engine(url, pool_size=1, overflow=0, pooled=config.database_pooled)
    try:
        async with asyncio.timeout(DATABASE_SECONDS), make_sessions(engine)() as session:
            revisions = await schema.revisions(engine)
            site = load(config.site)
            facts = Facts(
                await server_of(session),
                await schema.defaults(session),
                await connections_allowed(session),
                revisions,
                None
                if schema.is_behind(revisions, site)
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
        migrations(facts.revisions, load(config.site)),
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


def migrations(found: Collection[str], site: Site) -> Finding:
    """Check that the schema is this program's, and the site's."""
    at = ", ".join(sorted(found))
    if found == {branch.head for branch in schema.branches(site)}:
        return ok(SCHEMA, f"up to date ({at})")
    if not found:
        return wrong(SCHEMA, "the database has no tables yet. Run: python -m app migrate")
    if schema.is_behind(found, site):
        return wrong(SCHEMA, f"the database is out of date ({at}). Run: python -m app migrate")
    sites = {each.rpartition("_")[0] for each in found} - {"", site.name}
    if sites:
        name = min(sites)
        return warning(SCHEMA, f"the database has tables of the site “{name}”. Set SITE={name}")
    return warning(SCHEMA, f"the database ({at}) is newer than this program. Upgrade the program")


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
    if not state.can_administer:
        return warning(
            "administrator",
            "none can sign in: each is blocked or hasn't chosen a password yet. For a new link: "
            "python -m app users create --admin you@example.com",
        )
    return ok("administrator", "at least one can sign in")


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


def role(state: DatabaseState) -> Finding:
    """Check that new people have a role to get."""
    if state.default_role is None:
        return wrong(
            "default role",
            "no role is the default, so no one can register: UPDATE roles SET is_default = true "
            "WHERE name = 'User'",
        )
    return ok("default role", f"new users get {state.default_role}")
