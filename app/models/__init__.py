"""The tables, one file each: the class and every statement that touches it."""

from app.models import (
    address,
    administrators,
    audit,
    departure,
    device,
    directory,
    emigrant,
    forgotten,
    outbox,
    pruning,
    registration,
    role,
    session,
    throttle,
    token,
    user,
)
from app.models.base import Base

__all__ = [
    "Base", "address", "administrators", "audit", "departure", "device", "directory", "emigrant",
    "forgotten", "outbox", "pruning", "registration", "role", "session", "throttle", "token",
    "user",
]  # fmt: skip
