"""Which errors of the database mean that it is away, and why."""

from asyncpg.exceptions import InterfaceError as AsyncpgInterfaceError
from asyncpg.exceptions import InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

READ_ONLY_STATE = "25006"
# SQLSTATE classes that say "not now" rather than "your query is wrong": connection, our password
# (which is being changed), rollback (deadlock), resources, intervention (shutdown, cancelled),
# system; and lock_not_available.
_AWAY_STATES = (READ_ONLY_STATE, "08", "28", "40", "53", "57", "58", "55P03")

_TOO_SLOW_STATES = {"57014", "55P03"}  # cancelled by a time limit; a lock was not to be had
_SEVERED_STATES = ("08", "57P")  # connection; shutdown, also of a standby that is promoted

# The driver's "internal" error is what a connection says whose server has said goodbye, but whose
# end has not come yet.
GONE = (OSError, TimeoutError, PostgresError, AsyncpgInterfaceError, InternalClientError)
_ALWAYS_AWAY = (
    OSError, TimeoutError, PoolTimeout, InterfaceError, OperationalError, AsyncpgInterfaceError,
    InternalClientError,
)  # fmt: skip


def is_read_only(error: BaseException) -> bool:
    """Whether a server refuses to write: it is a standby now."""
    return _state(error) == READ_ONLY_STATE


def is_severed(error: BaseException) -> bool:
    """Whether a driver's error says that a connection is gone, not that nobody answers."""
    return _state(error).startswith(_SEVERED_STATES) or (
        isinstance(error, (OSError, AsyncpgInterfaceError, InternalClientError))
        and not isinstance(error, TimeoutError)
    )


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away or overloaded, so that 503 is right.

    The driver's own errors come as they are while a connection is set up, and wrapped later.
    """
    if isinstance(error, _ALWAYS_AWAY):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return _state(error).startswith(_AWAY_STATES)


def why_away(error: BaseException) -> str:
    """Say what is the matter with a database that ``is_away``."""
    if isinstance(error, PoolTimeout):
        return "all database connections of this worker are in use"
    if isinstance(error, TimeoutError) or _state(error) in _TOO_SLOW_STATES:
        return "the database didn't answer in time"
    return "the database isn't available"


def _state(error: BaseException) -> str:
    """Return the SQLSTATE of an error, the driver's own or wrapped; empty if it has none."""
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    return getattr(driver_error, "sqlstate", None) or ""
