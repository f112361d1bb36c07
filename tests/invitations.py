"""Inviting people."""

from app.flows import invitation
from app.services import Services
from tests.contexts import context, operator
from tests.mailbox import key_of
from tests.users import (
    Someone,
)


async def invite(services: Services, someone: Someone, role: str | None = "Administrator") -> str:
    async with operator(services) as ctx:
        invited = await invitation.invite(
            ctx, username=someone.username, email=someone.email, role_name=role
        )
    return invited.url


async def accept(services: Services, link: str, password: str) -> None:
    async with context(services) as ctx:
        await invitation.accept(ctx, sealed=key_of(link), password=password)
