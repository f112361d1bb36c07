"""The tables, one file each: the class and every statement that touches it."""

from app.models import (
    address,
    administrators,
    app_secret,
    audit,
    challenge,
    daily_count,
    deleted_user,
    deletion,
    export,
    factor,
    factor_reset,
    known_browser,
    outbox,
    passkey,
    pending_login,
    profile,
    pruning,
    rate_limit,
    recovery_code,
    registration,
    role,
    session,
    token,
    user,
    user_list,
    user_note,
    user_search,
)
from app.models.base import Base

__all__ = [
    "Base", "address", "administrators", "app_secret", "audit", "challenge", "daily_count",
    "deleted_user", "deletion", "export", "factor", "factor_reset", "known_browser", "outbox",
    "passkey", "pending_login", "profile", "pruning", "rate_limit", "recovery_code", "registration",
    "role", "session", "token", "user", "user_list", "user_note", "user_search",
]  # fmt: skip
