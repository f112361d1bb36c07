"""Where the database is, and how many connections it has."""

from pydantic import BaseModel, Field, SecretStr

from app.settings.types import DatabaseUrl


class DatabaseSettings(BaseModel):
    """Where the database is, and how many connections it has."""

    database_url: DatabaseUrl | None = Field(
        None,
        description="`postgresql://user@host/name`. To verify the server, add "
        "`?sslrootcert=/path/to/ca.pem`. Default: start a private PostgreSQL under "
        "`DATA_DIR`",
    )
    database_password: SecretStr | None = Field(
        None, description="Password for `DATABASE_URL`, so that it can come from a file"
    )
    database_pool_size: int = Field(
        10,
        ge=1,
        le=100,
        description="Connections each worker may keep, at least 2. One is for checking who is "
        "signed in",
    )
    database_pool_overflow: int = Field(
        0, ge=0, le=100, description="Extra connections each worker may open for a while"
    )
    database_pooled: bool = Field(
        default=False,
        description="`true` if `DATABASE_URL` points to pgbouncer or another pool that shares "
        "connections per transaction",
    )
