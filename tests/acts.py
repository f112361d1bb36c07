"""What people do with their accounts, by calling flows."""

from datetime import datetime

from app.flows import deletion, email_change, password, reauthentication, takeback
from app.flows.login import SignedIn
from app.services import House
from tests.contexts import context
from tests.mailbox import key_of
from tests.people import ALICE, Someone, actor_of

NEW = "a quite different passphrase"


async def change_password(
    house: House,
    entry: SignedIn,
    *,
    someone: Someone = ALICE,
    current: str | None = None,
    new: str = NEW,
    browser: str | None = "",
) -> reauthentication.Renewed:
    async with context(
        house,
        actor=await actor_of(house, someone, entry.secret),
        session_secret=entry.secret,
        browser=entry.browser if browser == "" else browser,
    ) as ctx:
        return await password.change_password(
            ctx, current=someone.password if current is None else current, password=new
        )


async def reauthenticate(
    house: House,
    secret: str,
    *,
    someone: Someone = ALICE,
    password: str | None = None,
    browser: str | None = None,
) -> reauthentication.Renewed:
    async with context(
        house, actor=await actor_of(house, someone, secret), session_secret=secret, browser=browser
    ) as ctx:
        return await reauthentication.reauthenticate(
            ctx, password=someone.password if password is None else password
        )


async def ask_email(
    house: House, email: str, *, someone: Someone = ALICE, password: str | None = None
) -> None:
    async with context(house, actor=await actor_of(house, someone)) as ctx:
        await email_change.request_change(
            ctx, email=email, password=someone.password if password is None else password
        )


async def confirm_email(
    house: House, link: str, *, secret: str | None = None
) -> reauthentication.Renewed | None:
    async with context(house, session_secret=secret) as ctx:
        return await email_change.confirm_change(ctx, sealed=key_of(link))


async def disown(house: House, link: str) -> takeback.Disowned:
    async with context(house) as ctx:
        return await takeback.disown(ctx, sealed=key_of(link))


async def leave(house: House, *, someone: Someone = ALICE, password: str | None = None) -> datetime:
    async with context(house, actor=await actor_of(house, someone)) as ctx:
        return await deletion.leave(
            ctx, password=someone.password if password is None else password
        )


async def keep_by_link(house: House, link: str) -> None:
    async with context(house) as ctx:
        await deletion.keep_by_link(ctx, sealed=key_of(link))


async def keep_by_password(house: House, ticket: str) -> None:
    async with context(house) as ctx:
        await deletion.keep_by_password(ctx, ticket=ticket)
