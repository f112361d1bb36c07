"""What the administrator's pages share: what stands in their addresses."""

from uuid import UUID

from quart import request
from werkzeug.exceptions import NotFound

TEXT_LONGEST = 254


def user_id(text: str) -> str:
    """Return an id from an address, in the one form that it has.

    Raises:
        NotFound: it is garbled; the same page as for an id that nobody has (EN-07).
    """
    return str(uuid(text))


def uuid(text: str) -> UUID:
    """Return an id from an address.

    Raises:
        NotFound: it is garbled.
    """
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound from None
    if str(found) != text:
        raise NotFound
    return found


def argument(name: str) -> str:
    """Return what stands in the query, without what no text of ours has in it."""
    text = request.args.get(name, "")[:TEXT_LONGEST]
    return "".join(character for character in text if character.isprintable())
