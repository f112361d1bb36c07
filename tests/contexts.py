"""Contexts, as interfaces make them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from app.context import Context
from app.kit.client import OPERATOR, Client
from app.services import House

CLIENT = Client(ip="192.0.2.7", user_agent="a browser", request_id="0123456789abcdef")


@asynccontextmanager
async def context(house: House, **given: Any) -> AsyncIterator[Context]:  # noqa: ANN401 - any attribute
    """Yield the context of somebody's request; ``given`` are attributes of it."""
    async with house.session() as db:
        yield replace(Context(db, house.config, house.hasher, CLIENT), **given)


@asynccontextmanager
async def operator(house: House, **given: Any) -> AsyncIterator[Context]:  # noqa: ANN401 - any attribute
    """Yield the context of a command."""
    async with context(house, client=OPERATOR, is_operator=True, **given) as ctx:
        yield ctx
