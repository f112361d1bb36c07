"""What a ticket to keep an account says: the wish to leave that it can undo, and no later one."""

from app.models.user import Credentials


def wish(person: Credentials) -> str:
    """Return a person's wish to leave, as it stands; one that is undone or renewed is another."""
    return f"{person.id}:{person.credential_version}:{person.delete_at}"
