"""The tables, one file each: the class and every statement that touches it."""

from app.models import (
    address,
    administrators,
    audit,
    deleted_user,
    deletion,
    export,
    known_browser,
    outbox,
    profile,
    pruning,
    rate_limit,
    registration,
    role,
    session,
    token,
    user,
    user_search,
)
from app.models.base import Base

__all__ = [
    "Base", "address", "administrators", "audit", "deleted_user", "deletion", "export",
    "known_browser", "outbox", "profile", "pruning", "rate_limit", "registration", "role",
    "session", "token", "user", "user_search",
]  # fmt: skip
