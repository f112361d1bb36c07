"""Contexts, as interfaces make them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from app.context import Context
from app.kit.client import OPERATOR, Client
from app.services import Services

CLIENT = Client(ip="192.0.2.7", user_agent="a browser", request_id="0123456789abcdef")


@asynccontextmanager
async def context(services: Services, **given: Any) -> AsyncIterator[Context]:
    """Yield the context of somebody's request; ``given`` are attributes of it."""
    async with services.session() as db:
        yield replace(Context(db, services.config, services.hasher, CLIENT), **given)


@asynccontextmanager
async def operator(services: Services, **given: Any) -> AsyncIterator[Context]:
    """Yield the context of a command."""
    async with context(services, client=OPERATOR, is_operator=True, **given) as ctx:
        yield ctx
