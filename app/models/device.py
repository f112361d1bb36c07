"""Devices: the browsers in which a person has signed in before (BF-05).

A browser keeps a random value for years; here stands its digest, for each person who signed in
with it. It opens nothing: it spares its owner from being slowed by strangers who try his name, and
from a letter about a browser that he has long used.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Now
from app.models.pruning import Stale
from app.models.user import User


class Device(Base):
    """A browser of a person. ``failures`` counts wrong passwords in a row from it."""

    __tablename__ = "devices"
    __table_args__ = (CheckConstraint("length(digest) = 32", name="digest_length"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[Now]
    seen_at: Mapped[Now]


def unseen(term: timedelta) -> Stale:
    """Return the browsers in which nobody signed in for so long."""
    return Stale(Device, Device.seen_at <= func.now() - term, Device.seen_at)
