"""What people do with their accounts, by calling flows."""

from datetime import datetime

from app.flows import deletion, email_change, password, reauthentication, takeback
from app.flows.login import SignedIn
from app.services import Services
from tests.contexts import context
from tests.mailbox import key_of
from tests.users import ALICE, Someone, actor_of

NEW = "a quite different passphrase"


async def change_password(
    services: Services,
    entry: SignedIn,
    *,
    someone: Someone = ALICE,
    current: str | None = None,
    new: str = NEW,
    browser: str | None = "",
) -> reauthentication.Renewed:
    async with context(
        services,
        actor=await actor_of(services, someone, entry.secret),
        session_secret=entry.secret,
        browser=entry.browser if browser == "" else browser,
    ) as ctx:
        return await password.change_password(
            ctx, current=someone.password if current is None else current, password=new
        )


async def reauthenticate(
    services: Services,
    secret: str,
    *,
    someone: Someone = ALICE,
    password: str | None = None,
    browser: str | None = None,
) -> reauthentication.Renewed:
    async with context(
        services,
        actor=await actor_of(services, someone, secret),
        session_secret=secret,
        browser=browser,
    ) as ctx:
        return await reauthentication.reauthenticate(
            ctx, password=someone.password if password is None else password
        )


async def ask_email(
    services: Services, email: str, *, someone: Someone = ALICE, password: str | None = None
) -> None:
    async with context(services, actor=await actor_of(services, someone)) as ctx:
        await email_change.request_change(
            ctx, email=email, password=someone.password if password is None else password
        )


async def confirm_email(
    services: Services, link: str, *, secret: str | None = None
) -> reauthentication.Renewed | None:
    async with context(services, session_secret=secret) as ctx:
        return await email_change.confirm_change(ctx, sealed=key_of(link))


async def take_back(services: Services, link: str) -> takeback.TakenBack:
    async with context(services) as ctx:
        return await takeback.take_back(ctx, sealed=key_of(link))


async def leave(
    services: Services, *, someone: Someone = ALICE, password: str | None = None
) -> datetime:
    async with context(services, actor=await actor_of(services, someone)) as ctx:
        return await deletion.request_deletion(
            ctx, password=someone.password if password is None else password
        )


async def keep_by_link(services: Services, link: str) -> None:
    async with context(services) as ctx:
        await deletion.keep_by_link(ctx, sealed=key_of(link))


async def keep_by_password(services: Services, ticket: str) -> None:
    async with context(services) as ctx:
        await deletion.keep_by_password(ctx, ticket=ticket)
