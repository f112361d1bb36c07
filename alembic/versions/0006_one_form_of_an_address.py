"""One form of an address: its domain by IDNA 2008, and no two mailboxes taken for one.

Revision 0006, after 0005.

Only rows whose address has letters outside ASCII change: ``bert@bücher.example`` is found as
``bert@xn--bcher-kva.example`` from now on, and ``weiß.example`` is no longer ``weiss.example``.
Where the new form is another account's already (only by rows that somebody wrote by hand), the
account keeps the old one: its owner signs in by the user name, and a line here says whose it is.
The program before this revision does not find these accounts by their address, all others it does.

``held_addresses`` has the addresses themselves from now on, as far as they are known still; the
others decide nothing any more.
"""

import logging
import unicodedata
from collections.abc import Callable

import idna
import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.runtime.migration")

Key = Callable[[str], str]
FOREIGN = "email !~ '^[\\x01-\\x7f]*$'"
FREE = "NOT EXISTS (SELECT 1 FROM users AS other WHERE other.email_key = :key)"


def upgrade() -> None:
    _rekey(_by_mailbox)
    _rewrite_held(_folded, lambda email: email)


def downgrade() -> None:
    _rewrite_held(lambda email: email, _folded)
    _rekey(_folded)


def _rekey(key: Key) -> None:
    connection = op.get_bind()
    for table, condition in (("users", FREE), ("registrations", "true")):
        rows = connection.execute(
            sa.text(f"SELECT id, email, email_key FROM {table} WHERE {FOREIGN}")  # noqa: S608
        )
        for user_id, email, old in rows.all():
            if key(email) == old:
                continue
            done = connection.execute(
                sa.text(
                    f"UPDATE {table} SET email_key = :key WHERE id = :id AND {condition}"  # noqa: S608
                ),
                {"key": key(email), "id": user_id},
            )
            if not done.rowcount:
                log.warning("the address of account %s is another's: it is found by name", user_id)


def _rewrite_held(before: Key, after: Key) -> None:
    """Write the addresses that accounts held anew, where an account or a link still has them."""
    connection = op.get_bind()
    known = connection.execute(
        sa.text(
            "SELECT held.user_id, held.email_key, users.email FROM held_addresses AS held "
            "JOIN users ON users.id = held.user_id UNION "
            "SELECT held.user_id, held.email_key, link.email FROM held_addresses AS held "
            "JOIN one_time_tokens AS link ON link.user_id = held.user_id AND link.email IS NOT NULL"
        )
    )
    for user_id, old, email in known.all():
        if before(email) != old or after(email) == old:
            continue
        connection.execute(
            sa.text(
                "UPDATE held_addresses SET email_key = :new WHERE user_id = :id "
                "AND email_key = :old AND NOT EXISTS (SELECT 1 FROM held_addresses AS other "
                "WHERE other.user_id = :id AND other.email_key = :new)"
            ),
            {"new": after(email), "id": user_id, "old": old},
        )


def _by_mailbox(email: str) -> str:
    local, _, domain = email.rpartition("@")
    try:
        domain = idna.encode(domain, uts46=True).decode()
    except UnicodeError:
        domain = unicodedata.normalize("NFC", domain).lower()
    return f"{unicodedata.normalize('NFC', local.lower())}@{domain}"


def _folded(email: str) -> str:
    return unicodedata.normalize("NFKC", email.strip()).casefold()
