"""Throttle buckets: one statement takes a token, exact under any concurrency (BF-02)."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

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


async def look(
    db: AsyncSession, rates: Rates, *, delayed: Mapping[str, Delay] | None = None
) -> float:
    """Return for how many seconds one of these buckets is empty, 0 if none is; takes nothing.

    For turning a crowd away cheaply, without a lock. Only ``take_all`` and ``take_delayed`` decide.
    """
    free = {_key(name): delay.free for name, delay in (delayed or {}).items()}
    slacks = dict.fromkeys(free, 0.0)
    for name, each in rates.items():
        for rate in each:
            slacks[_key(_rate_name(name, rate))] = _slack(rate).total_seconds()
    left = func.extract("epoch", RateLimitBucket.free_at - func.now())
    wait = func.max(left - case(slacks, value=RateLimitBucket.key))
    statement = select(wait).where(RateLimitBucket.key.in_(slacks))
    if free:  # a free try passes whatever the moment, as it does in ``take_delayed``
        is_counted = RateLimitBucket.tries >= case(free, value=RateLimitBucket.key, else_=0)
        statement = statement.where(is_counted)
    found = await db.scalar(statement)
    return max(0.0, float(found or 0))


async def take_all(db: AsyncSession, rates: Rates) -> float:
    """Take a token of each rate, or of none; return 0, or for how many seconds one has none.

    One statement takes, in the order of the keys, so that two crowds never wait for each other.
    Where one rate has none, the others' are put back.
    """
    wanted = {_key(_rate_name(name, rate)): rate for name, each in rates.items() for rate in each}
    steps = {key: rate.period / rate.times for key, rate in sorted(wanted.items())}
    periods = case(
        {key: literal(rate.period) for key, rate in wanted.items()}, value=RateLimitBucket.key
    )
    rows = [
        {"key": key, "tries": 1, "free_at": func.now() + step, "forget_at": func.now() + step}
        for key, step in steps.items()
    ]
    statement = insert(RateLimitBucket).values(rows)
    step = statement.excluded.free_at - func.now()
    full_at = func.greatest(RateLimitBucket.free_at, func.now()) + step
    result = await db.scalars(
        statement.on_conflict_do_update(
            index_elements=[RateLimitBucket.key],
            set_={"tries": RateLimitBucket.tries + 1, "free_at": full_at, "forget_at": full_at},
            where=full_at <= func.now() + periods,
        ).returning(RateLimitBucket.key)
    )
    taken = set(result)
    if len(taken) == len(wanted):
        return 0
    for key in sorted(taken):
        await _put_back(db, key, steps[key])
    return max(1.0, await look(db, rates))


async def _put_back(db: AsyncSession, key: bytes, step: timedelta) -> None:
    await db.execute(
        update(RateLimitBucket)
        .where(RateLimitBucket.key == key)
        .values(tries=RateLimitBucket.tries - 1, free_at=RateLimitBucket.free_at - step)
    )


async def take_delayed(db: AsyncSession, name: str, delay: Delay) -> Attempt:
    """Take a try that grows slower with each one."""
    forgotten = RateLimitBucket.forget_at <= func.now()
    tries = case((forgotten, 1), else_=RateLimitBucket.tries + 1)
    over = func.least(tries - delay.free - 1, 20)  # 2^20 seconds: past any longest wait
    wait = case(
        (over < 0, timedelta(0)),
        else_=func.least(func.power(2, over) * timedelta(seconds=1), literal(delay.longest)),
    )
    statement = (
        insert(RateLimitBucket)
        .values(
            key=_key(name),
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
                forgotten,
                RateLimitBucket.tries < delay.free,
                RateLimitBucket.free_at <= func.now(),
            ),
        )
        .returning(RateLimitBucket.tries)
    )
    number = await db.scalar(statement)
    if number is not None:
        return Attempt(0, number)
    return Attempt(await _seconds_until(db, name, slack=timedelta(0)), 0)


async def give_back(db: AsyncSession, *names: str) -> None:
    """Empty buckets: the tries in them were the owner's own."""
    keys = sorted(_key(name) for name in names)
    await db.execute(delete(RateLimitBucket).where(RateLimitBucket.key.in_(keys)))


def forgotten() -> Stale:
    """Return the buckets that are as good as none (BF-11)."""
    return Stale(
        RateLimitBucket, RateLimitBucket.forget_at <= func.now(), RateLimitBucket.forget_at
    )


async def _seconds_until(db: AsyncSession, name: str, *, slack: timedelta) -> float:
    wait = func.extract("epoch", RateLimitBucket.free_at - func.now() - slack)
    found = await db.scalar(select(wait).where(RateLimitBucket.key == _key(name)))
    return max(1.0, float(found or 0))


def _rate_name(name: str, rate: Rate) -> str:
    return f"{name}:{rate.period}"


def _slack(rate: Rate) -> timedelta:
    """Return how far ahead a bucket's moment may be while it has a token."""
    return rate.period - rate.period / rate.times


def _key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
