"""What people do with their accounts, by calling flows."""

from datetime import datetime

from app.flows import disowning, email_change, leaving, password, reauth
from app.flows.login import SignedIn
from app.house import House
from tests.mailbox import key_of
from tests.people import ALICE, CLIENT, Someone, actor_of

NEW = "a quite different passphrase"


async def change_password(
    house: House,
    entry: SignedIn,
    *,
    someone: Someone = ALICE,
    current: str | None = None,
    new: str = NEW,
    browser: str | None = "",
) -> reauth.Renewed:
    async with house.session() as session:
        return await password.change_password(
            session,
            config=house.config,
            hasher=house.hasher,
            actor=await actor_of(house, someone, entry.secret),
            secret=entry.secret,
            current=someone.password if current is None else current,
            password=new,
            client=CLIENT,
            browser=entry.browser if browser == "" else browser,
        )


async def reauthenticate(
    house: House,
    secret: str,
    *,
    someone: Someone = ALICE,
    password: str | None = None,
    browser: str | None = None,
) -> reauth.Renewed:
    async with house.session() as session:
        return await reauth.reauthenticate(
            session,
            config=house.config,
            hasher=house.hasher,
            actor=await actor_of(house, someone, secret),
            secret=secret,
            password=someone.password if password is None else password,
            client=CLIENT,
            browser=browser,
        )


async def ask_email(
    house: House, email: str, *, someone: Someone = ALICE, password: str | None = None
) -> None:
    async with house.session() as session:
        await email_change.request_change(
            session,
            config=house.config,
            hasher=house.hasher,
            actor=await actor_of(house, someone),
            email=email,
            password=someone.password if password is None else password,
            client=CLIENT,
            browser=None,
        )


async def confirm_email(
    house: House, link: str, *, secret: str | None = None
) -> reauth.Renewed | None:
    async with house.session() as session:
        return await email_change.confirm_change(
            session, config=house.config, sealed=key_of(link), secret=secret, client=CLIENT
        )


async def disown(house: House, link: str) -> disowning.Disowned:
    async with house.session() as session:
        return await disowning.disown(
            session, config=house.config, sealed=key_of(link), client=CLIENT
        )


async def leave(house: House, *, someone: Someone = ALICE, password: str | None = None) -> datetime:
    async with house.session() as session:
        return await leaving.leave(
            session,
            config=house.config,
            hasher=house.hasher,
            actor=await actor_of(house, someone),
            password=someone.password if password is None else password,
            client=CLIENT,
            browser=None,
        )


async def keep_by_link(house: House, link: str) -> None:
    async with house.session() as session:
        await leaving.keep_by_link(session, config=house.config, sealed=key_of(link), client=CLIENT)


async def keep_by_password(house: House, ticket: str) -> None:
    async with house.session() as session:
        await leaving.keep_by_password(session, config=house.config, ticket=ticket, client=CLIENT)
