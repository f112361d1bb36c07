"""Throttle buckets: one statement takes a token, exact under any concurrency (BF-02)."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Executable,
    Integer,
    Interval,
    LargeBinary,
    TableValuedAlias,
    and_,
    any_,
    bindparam,
    case,
    column,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from app.db import run
from app.limits import Delay, Rate
from app.models.base import Base, Moment
from app.models.pruning import Stale

ACCOUNT_FORGOTTEN_AFTER = timedelta(hours=1)


class RateLimitBucket(Base):
    """A bucket, kept as one moment.

    For a rate: ``free_at`` is when the bucket will be full again (the generic cell rate
    algorithm). For an account: the moment before which no further try is taken; ``tries`` counts
    them. ``key`` is a digest, so no name stands here.
    """

    __tablename__ = "rate_limit_buckets"

    key: Mapped[bytes] = mapped_column(primary_key=True)
    tries: Mapped[int]
    free_at: Mapped[Moment]
    forget_at: Mapped[Moment] = mapped_column(index=True)


class Attempt(NamedTuple):
    """The ``number``-th try in a row, or none for ``wait`` more seconds."""

    wait: float
    number: int


Rates = Mapping[str, Iterable[Rate]]  # by the name of who is limited


def _asked(**columns: type[TypeEngine[Any]]) -> TableValuedAlias:
    """Return what is asked as a table: a row a bucket, from an array a column."""
    arrays = [bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in columns.items()]
    named = [column(name, kind) for name, kind in columns.items()]
    return func.unnest(*arrays).table_valued(*named, name="asked").render_derived()


def _look() -> Executable:
    asked = _asked(key=LargeBinary, slack=Interval, free_try=Integer).c
    left = RateLimitBucket.free_at - func.now() - asked.slack
    # A free try passes whatever the moment, as it does in ``take_delayed``.
    matching = and_(RateLimitBucket.key == asked.key, RateLimitBucket.tries >= asked.free_try)
    return select(func.extract("epoch", func.max(left))).where(matching)


_LOOK = _look()


async def look(
    db: AsyncSession, rates: Rates, *, delayed: Mapping[str, Delay] | None = None
) -> float:
    """Return for how many seconds one of these buckets is empty, 0 if none is; takes nothing.

    For turning a crowd away cheaply, without a lock. Only ``take_all`` and ``take_delayed`` decide.
    """
    asked = [(key, _slack(rate), 0) for key, rate in _by_key(rates)]
    asked += [(_key(name), timedelta(0), delay.free) for name, delay in (delayed or {}).items()]
    if not asked:
        return 0
    keys, slacks, free_trys = zip(*asked, strict=True)
    found = (await run(db, _LOOK, keys=keys, slacks=slacks, free_trys=free_trys)).scalar()
    return max(0.0, float(found or 0))


def _take_all() -> Executable:
    asked = _asked(key=LargeBinary, step=Interval).c
    full_at = func.now() + asked.step
    statement = insert(RateLimitBucket).from_select(
        ["key", "tries", "free_at", "forget_at"],
        select(asked.key, literal(1), full_at, full_at).order_by(asked.key),
    )
    step = statement.excluded.free_at - func.now()
    full_at = func.greatest(RateLimitBucket.free_at, func.now()) + step
    limits = _asked(key=LargeBinary, period=Interval).c
    # As a column the table would be read anew.
    bucket = literal_column("rate_limit_buckets.key", LargeBinary)
    period = select(limits.period).where(limits.key == bucket).scalar_subquery()
    return statement.on_conflict_do_update(
        index_elements=[RateLimitBucket.key],
        set_={"tries": RateLimitBucket.tries + 1, "free_at": full_at, "forget_at": full_at},
        where=full_at <= func.now() + period,
    ).returning(RateLimitBucket.key)


_TAKE_ALL = _take_all()


async def take_all(db: AsyncSession, rates: Rates) -> float:
    """Take a token of each rate, or of none; return 0, or for how many seconds one has none.

    One statement takes, in the order of the keys, so that two crowds never wait for each other.
    Where one rate has none, the others' are put back.
    """
    wanted = dict(_by_key(rates))
    steps = {key: rate.period / rate.times for key, rate in wanted.items()}
    periods = [rate.period for rate in wanted.values()]
    taken = (
        await run(db, _TAKE_ALL, keys=[*steps], steps=[*steps.values()], periods=periods)
    ).scalars()
    keys = sorted(taken)
    if len(keys) == len(wanted):
        return 0
    for key in keys:
        await _put_back(db, key, steps[key])
    return max(1.0, await look(db, rates))


async def _put_back(db: AsyncSession, key: bytes, step: timedelta) -> None:
    await db.execute(
        update(RateLimitBucket)
        .where(RateLimitBucket.key == key)
        .values(tries=RateLimitBucket.tries - 1, free_at=RateLimitBucket.free_at - step)
    )


def _take_delayed() -> Executable:
    free, longest = bindparam("free", type_=Integer), bindparam("longest", type_=Interval)
    forgotten = RateLimitBucket.forget_at <= func.now()
    tries = case((forgotten, 1), else_=RateLimitBucket.tries + 1)
    over = func.least(tries - free - 1, 20)  # 2^20 seconds: past any longest wait
    wait = case(
        (over < 0, timedelta(0)),
        else_=func.least(func.power(2, over) * timedelta(seconds=1), longest),
    )
    return (
        insert(RateLimitBucket)
        .values(
            key=bindparam("key"),
            tries=1,
            free_at=func.now(),
            forget_at=func.now() + ACCOUNT_FORGOTTEN_AFTER,
        )
        .on_conflict_do_update(
            index_elements=[RateLimitBucket.key],
            set_={
                "tries": tries,
                "free_at": func.now() + wait,
                "forget_at": func.now() + wait + ACCOUNT_FORGOTTEN_AFTER,
            },
            # A free try passes whatever the moment: who came later may have been written before.
            where=or_(
                forgotten, RateLimitBucket.tries < free, RateLimitBucket.free_at <= func.now()
            ),
        )
        .returning(RateLimitBucket.tries)
    )


_TAKE_DELAYED = _take_delayed()


async def take_delayed(db: AsyncSession, name: str, delay: Delay) -> Attempt:
    """Take a try that grows slower with each one."""
    values = {"key": _key(name), "free": delay.free, "longest": delay.longest}
    number = (await run(db, _TAKE_DELAYED, **values)).scalar()
    if number is not None:
        return Attempt(0, number)
    return Attempt(max(1.0, await look(db, {}, delayed={name: Delay(0, delay.longest)})), 0)


_EMPTY = delete(RateLimitBucket).where(
    RateLimitBucket.key == any_(bindparam("keys", type_=ARRAY(LargeBinary)))
)


async def give_back(db: AsyncSession, *names: str) -> None:
    """Empty buckets: the tries in them were the owner's own."""
    await run(db, _EMPTY, keys=[_key(name) for name in names])


def forgotten() -> Stale:
    """Return the buckets that are as good as none (BF-11)."""
    return Stale(
        RateLimitBucket, RateLimitBucket.forget_at <= func.now(), RateLimitBucket.forget_at
    )


def _by_key(rates: Rates) -> Iterator[tuple[bytes, Rate]]:
    for name, each in rates.items():
        for rate in each:
            yield _key(_rate_name(name, rate)), rate


def _rate_name(name: str, rate: Rate) -> str:
    return f"{name}:{rate.period}"


def _slack(rate: Rate) -> timedelta:
    """Return how far ahead a bucket's moment may be while it has a token."""
    return rate.period - rate.period / rate.times


def _key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
