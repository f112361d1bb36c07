"""Every statement that the program sends: each function of the tables is called once or often.

With arguments made by their types; ``SPECIAL`` has those that a type does not say. A function of a
new kind of argument fails until it is said here what to call it with.
"""

import importlib
import inspect
import pkgutil
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID, uuid4

from sqlalchemy import event

from app import models
from app.db import Prepared
from app.flows.housekeeping import _stale
from app.kit.audit import Event, Place
from app.kit.client import OPERATOR, Client
from app.kit.passkeys import Born
from app.kit.permissions import Permission
from app.kit.sealing import Purpose
from app.limits import Delay, Rate
from app.mail.message import Message, Posted
from app.models import (
    credentials,
    profile,
    rate_limit,
    registration,
    session,
    token,
    user_list,
    user_search,
)
from app.models.audit_search import EventFilter
from app.models.challenge import Use
from app.models.credentials import Credentials
from app.models.user_search import UserFilter
from app.services import Services

BORN = Born(
    b"c" * 32,
    b"k",
    sign_count=0,
    is_first_factor=True,
    backup_eligible=True,
    backed_up=True,
    transports=["usb"],
    aaguid=uuid4(),
)
NAMES = ("pat1", "pat1@example.com")
PARTS = ("", "p", "pat1", "exa", "pat39", "example", "nobody")
HOUR = timedelta(hours=1)
SITE = UUID("11111111-2222-4333-8444-555555555555")

Sent = tuple[str, Any]  # a statement and its values
Function = Callable[..., Any]
Arguments = Mapping[str, object]


class Examples(NamedTuple):
    """What a function is called with: by the types, and by the function's name."""

    by_type: Mapping[object, object]
    by_function: Mapping[str, Sequence[Arguments]]
    by_name: Arguments  # those of statements that are made at the start


def functions(*, but: Collection[str]) -> Iterator[tuple[str, Function]]:
    """Yield all that work with the database, by name; ``but`` some modules."""
    for module in pkgutil.iter_modules(models.__path__):
        found = importlib.import_module(f"app.models.{module.name}")
        for name, function in vars(found).items():
            works = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
            is_own = works and function.__module__ == found.__name__
            if is_own and not name.startswith("_") and module.name not in but:
                yield f"{module.name}.{name}", function


def ready(given: Examples) -> Iterator[tuple[str, Collection[Sent]]]:
    """Yield the statements that are made at the start, by name."""
    for module in pkgutil.iter_modules(models.__path__):
        for name, made in vars(importlib.import_module(f"app.models.{module.name}")).items():
            if isinstance(made, Prepared):
                values = tuple(given.by_name[each] for each in made.names)
                yield f"{module.name}.{name}", [(made.text, values)]


async def sent_by(
    services: Services, name: str, function: Function, given: Examples
) -> Collection[Sent]:
    """Call a function with all that it is to be tried with; return what it sent, each once."""
    with _listening(services) as sent:
        for values, more in _calls(name, function, given):
            async with services.session() as open_session, open_session.begin() as transaction:
                called = function(open_session, *values, **more)
                await (_first(called) if inspect.isasyncgen(called) else called)
                await transaction.rollback()
    return {statement: (statement, values) for statement, values in sent}.values()


async def examples(services: Services) -> Examples:
    """Return what to call with, where ``crowd.sql`` has filled the tables."""
    async with services.session() as open_session, open_session.begin():
        someone = await credentials.find(open_session, NAMES[0])
    assert someone is not None
    by_name = {
        "digests": [b"d" * 32],
        "ids": [someone.id],
        "idle": HOUR,
        "rest": HOUR,
        "proof": HOUR,
        "origins": ["https://s1.example.com"],
    }
    return Examples(_by_type(someone), _by_function(services, someone.id), by_name)


def _by_type(someone: Credentials) -> dict[object, object]:
    moment, digest = datetime(2026, 1, 1, tzinfo=UTC), b"d" * 32
    claimed = Posted(uuid4(), "x", "s", "", "", moment)
    return {
        UUID: someone.id, UUID | None: someone.id,
        Sequence[UUID]: [someone.id], Collection[UUID]: [someone.id],
        str: NAMES[0], str | None: NAMES[0], str | int: "x", Iterable[str]: ["x"],
        int: 7, int | None: 1, bool: True,
        bytes: digest, Collection[bytes]: [digest], Sequence[bytes]: [digest],
        timedelta: HOUR, timedelta | None: HOUR, datetime: moment, datetime | None: moment,
        Permission: Permission.ADMIN, Event: Event.CONFIRMED, Purpose: Purpose.RESET,
        Client: OPERATOR, Credentials: someone, Message: Message(NAMES[1], "s", "t", "h"),
        Use: Use.ADD, Born: BORN,
        Iterable[bytes]: [digest], Delay: Delay(3, HOUR),
        Mapping[str, Iterable[Rate]]: {"x": [Rate(5, HOUR)]},
        Mapping[str, profile.Value]: {"x": profile.Value("y", "y"), "z": profile.Value("", "")},
        Mapping[str, str]: {}, Mapping[str, Delay] | None: {"x": Delay(3, HOUR)},
        Posted: claimed, token.Taken: token.Taken(someone.id, NAMES[1], moment),
    }  # fmt: skip


def _by_function(services: Services, someone: UUID) -> dict[str, list[Arguments]]:
    stale: list[Arguments] = [
        {"stale": each, "limit": 1000, "by": HOUR} for each in _stale(services.config)
    ]
    by_end: list[Arguments] = [
        {"stale": each, "by": HOUR}
        for each in (session.expired(), registration.expired(), rate_limit.forgotten())
    ]
    names: list[Arguments] = [{"name": name} for name in (*NAMES, str(someone))]
    return {
        "app_secret.begin": [{"sealed": b"s" * 53}], "app_secret.reseal": [{"sealed": b"s" * 53}],
        "app_secret.add": [{"sealed": b"s" * 53, "algorithm": "sha1", "digits": 6, "period": 30}],
        "audit_search.page": list(_pages_of_history(someone)),
        "audit.forget_some": [{"since": datetime(2020, 1, 1, tzinfo=UTC), "most": 1000}],
        "audit_search.hours_of": [
            {"wanted": EventFilter(), "day": datetime.now(UTC).date()},
            {"wanted": EventFilter(("event7", "event8")), "day": datetime.now(UTC).date()},
        ],
        "user_search.page": list(_pages_of_people()), "user_search.sought_by": _wanted(),
        "user_list.page": [
            {**each, "order": order, "place": "", "back": back, "size": 51}
            for each in _wanted() for order in user_list.Order for back in (False, True)
        ],
        "user_list.count": _wanted(),
        "user_list.few": [{**each, "most": 500} for each in _wanted()],
        "daily_count.known": [{"since": date(2026, 1, 1)}],
        "daily_count.live": [{"days": [date(2026, 1, 1)], "events": ["event7"], "most": 100}],
        "daily_count.keep": [{"counts": {(date(2026, 1, 1), "event7"): 1}}],
        "profile.find": [{"name": "telephone", "key": "+44201", "narrowed": []}],
        "pruning.delete_some": stale, "pruning.count": stale, "pruning.is_overdue": by_end,
        "registration.waiting": [{"email": email, "most": 50} for email in ("", NAMES[1])],
        "registration.find_by_name": names, "credentials.find": names, "user.identify": names,
        "known_browser.find_owner": names,
        "session.end_slice": [{"number": number, "of": 1000} for number in (0, 999)],
        "guarded_site.add": [{"origin": "https://x.example", "need": "public", "identity": "id"}],
        "guarded_site.change": [{"need": "public", "identity": "id"}],
        "gate_session.start": [{"site_id": SITE, "session_id": someone}],
        "gate_ticket.add": [{"site_id": SITE, "session_id": someone, "nonce": b"n" * 32}],
        "guarded_site.set_path": [{"site_id": SITE}],
        "api_token.add": [{"name": "x"}],
        "token.add": [{"registration_id": None}], "user.set_role": [{"role_name": "User"}],
        "user.add": [{"role_id": 1, "email": "new@example.com", "username": "new"}],
    }  # fmt: skip


def _pages_of_history(someone: UUID) -> Iterator[Arguments]:
    network, since = ip_network("10.0.7.0/28"), datetime.now(UTC) - 200 * HOUR
    for wanted in (
        EventFilter(), EventFilter(("event7",)), EventFilter(user=someone),
        EventFilter(network=network), EventFilter(since=since),
        EventFilter(("event7",), user=someone),
        EventFilter(("event7",), network=network),
    ):  # fmt: skip
        for before in (None, Place(datetime.now(UTC) - HOUR, 7)):
            yield {"wanted": wanted, "before": before, "size": 51}


def _pages_of_people() -> Iterator[Arguments]:
    for part in PARTS:
        for state in (None, *user_search.UserState):
            for role in (None, "Moderator"):
                for after in ("", "pat2"):
                    wanted = UserFilter(part, state, role)
                    yield {"wanted": wanted, "after": after, "size": 51}
    for role in (None, "Moderator"):
        wanted = UserFilter("+44 20 1", role=role, field="telephone")
        yield {"wanted": wanted, "after": "pat2", "size": 51}


def _wanted() -> list[Arguments]:
    state, now = user_search.UserState.BLOCKED, datetime.now(UTC)
    filters = (
        UserFilter(), UserFilter("pat39"), UserFilter("example", state), UserFilter("pa"),
        UserFilter(never_seen=True), UserFilter("pat", seen_before=now - 900 * HOUR),
        UserFilter(role="Moderator", created_since=now - HOUR), UserFilter(has_factor=True),
        UserFilter(created_since=now - 900 * HOUR, created_before=now - 800 * HOUR),
        UserFilter("+44 20 1", field="telephone"), UserFilter(state=state, seen_since=now - HOUR),
    )  # fmt: skip
    return [{"wanted": each} for each in filters]


def _calls(
    name: str, function: Function, given: Examples
) -> Iterator[tuple[list[object], dict[str, object]]]:
    hints = get_type_hints(function)
    for chosen in given.by_function.get(name, [{}]):
        values: list[object] = []
        more: dict[str, object] = {}
        for each in list(inspect.signature(function).parameters.values())[1:]:
            known = each.name in chosen or hints[each.name] in given.by_type
            assert known, f"what is {name} to be called with for {each}?"
            value = chosen[each.name] if each.name in chosen else given.by_type[hints[each.name]]
            if each.kind in {each.KEYWORD_ONLY, each.VAR_KEYWORD}:
                more[each.name] = value
            else:
                values.append(value)
        yield values, more


async def _first(rows: AsyncIterator[object]) -> None:
    async for _ in rows:
        return


@contextmanager
def _listening(services: Services) -> Iterator[list[Sent]]:
    sent: list[Sent] = []

    def note(_c: object, _k: object, statement: str, values: object, *_: object) -> None:
        sent.append((statement, values))

    event.listen(services.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(services.engine.sync_engine, "before_cursor_execute", note)


# Without these the planner joins by running a subquery once for each row.
ALL_BUT_NESTED_LOOPS = [
    "hashjoin", "mergejoin", "hashagg", "indexscan", "bitmapscan", "material", "sort",
]  # fmt: skip
