"""Doing the same thing many times at once."""

import asyncio
from collections.abc import Awaitable

from app.kit.errors import Refusal

AT_ONCE = 16


async def at_once(*works: Awaitable[object]) -> list[object]:
    """Do all of them together; return each one's outcome, a refusal being one."""
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal):
            raise outcome
    return list(outcomes)


def wins(outcomes: list[object]) -> int:
    return sum(not isinstance(outcome, Refusal) for outcome in outcomes)
