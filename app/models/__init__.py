"""The tables, one file each: the class and every statement that touches it."""

from app.models import (
    address,
    administrators,
    api_token,
    app_secret,
    audit,
    challenge,
    deleted_user,
    deletion,
    export,
    factor,
    factor_reset,
    gate_lookup,
    gate_session,
    gate_ticket,
    group,
    guarded_site,
    known_browser,
    outbox,
    passkey,
    pending_login,
    profile,
    pruning,
    rate_limit,
    recovery_code,
    registration,
    reserved_name,
    role,
    session,
    token,
    user,
    user_search,
)
from app.models.base import Base

__all__ = [
    "Base", "address", "administrators", "api_token", "app_secret", "audit", "challenge",
    "deleted_user", "deletion", "export", "factor", "factor_reset", "gate_lookup", "gate_session",
    "gate_ticket", "group", "guarded_site", "known_browser", "outbox", "passkey", "pending_login",
    "profile", "pruning", "rate_limit", "recovery_code", "registration", "reserved_name", "role",
    "session", "token", "user", "user_search",
]  # fmt: skip
