"""What a ticket to keep an account says: the wish to leave that it can undo, and no later one."""

from app.models.credentials import Credentials


def wish(user: Credentials) -> str:
    """Return a user's wish to leave, as it stands; one that is undone or renewed is another."""
    return f"{user.id}:{user.credential_version}:{user.delete_at}"
