"""fastapi-users as its documentation shows it: a cookie, and its tokens in the database.

``python app.py`` makes the tables and the people of ``PEOPLE_FILE``; uvicorn serves ``app:app``.
"""

import asyncio
import os
import uuid
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import String
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = "bench-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    username: Mapped[str] = mapped_column(String(64), unique=True)


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserRead(schemas.BaseUser[uuid.UUID]):
    username: str


REAL = PasswordHelper()
CHEAP = PasswordHelper(  # who only has to be signed in, once
    PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
)
engine = create_async_engine(os.environ["DATABASE_URL"])
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def get_session():
    async with sessions() as session:
        yield session


async def get_user_db(session=Depends(get_session)):
    yield SQLAlchemyUserDatabase(session, User)


async def get_token_db(session=Depends(get_session)):
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_user_manager(user_db=Depends(get_user_db)):
    yield UserManager(user_db, CHEAP if "CHEAP" in os.environ else REAL)


def get_strategy(token_db=Depends(get_token_db)):
    return DatabaseStrategy(token_db, lifetime_seconds=12 * 3600)


backend = AuthenticationBackend(
    name="database",
    transport=CookieTransport(cookie_max_age=12 * 3600, cookie_secure=False),
    get_strategy=get_strategy,
)
users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
current_user = users.current_user(active=True)
templates = Jinja2Templates(Path(__file__).parent / "templates")

app = FastAPI()
app.include_router(users.get_auth_router(backend))


@app.get("/secret", response_class=HTMLResponse)
async def secret(request: Request, user: User = Depends(current_user)):
    return templates.TemplateResponse(request, "secret.html", {"current_user": user})


async def fill() -> None:
    """Make the tables, and the people: name, email, password, and whether the hash is cheap."""
    helpers = {"cheap": CHEAP, "real": REAL}
    known: dict[tuple[str, str], str] = {}
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions() as session:
        for line in Path(os.environ["PEOPLE_FILE"]).read_text().splitlines():
            name, email, password, cost = line.split("\t")
            if (password, cost) not in known:
                known[password, cost] = helpers[cost].hash(password)
            hashed = known[password, cost]
            session.add(User(username=name, email=email, hashed_password=hashed, is_verified=True))
        await session.commit()


if __name__ == "__main__":
    asyncio.run(fill())
