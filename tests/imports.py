"""Users from elsewhere: their files and their hashes."""

from pathlib import Path
from typing import Any

from passlib import hash as passlib
from sqlalchemy import text
from werkzeug.security import generate_password_hash

from app.kit.passwords import PasswordHasher
from app.services import Services

OLD = "an old password, kept"
WERKZEUG = generate_password_hash(OLD, "scrypt:1024:8:1")


async def look(services: Services, columns: str = "username", where: str = "true") -> list[Any]:
    async with services.engine.connect() as connection:
        found = await connection.execute(
            text(f"SELECT {columns} FROM users WHERE {where} ORDER BY created_at, username")  # noqa: S608
        )
        return [row[0] if len(row) == 1 else tuple(row) for row in found]


FILES = Path(__file__).parents[1] / "files" / "import"
SALT = "146585145368132386173505678016728509634"


GOOD = "four unrelated words"


CHEAP = {
    "bcrypt": 4, "django_bcrypt": 4, "django_bcrypt_sha256": 4, "scrypt": 4,
    "sha256_crypt": 1000, "sha512_crypt": 1000, "argon2": 1,
}  # fmt: skip


def made(scheme: str, password: str = GOOD) -> str:
    """Return a hash of one of passlib's schemes, at little cost."""
    cost = {"memory_cost": 64, "parallelism": 1} if scheme == "argon2" else {}
    handler = getattr(passlib, scheme).using(rounds=CHEAP.get(scheme, 10), **cost)
    return str(handler.hash(password))


HASHER = PasswordHasher(rounds=4)
