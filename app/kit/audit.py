"""What the audit log tells: its events, and a line as it is read."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens here
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Event(StrEnum):
    """Everything that is worth a line in the book."""

    REGISTERED = "account.registered"
    EMAIL_WITHHELD = "email.withheld"
    EMAIL_REFUSED = "email.refused"
    EMAIL_GAVE_UP = "email.gave_up"
    CONFIRMATION_SENT = "account.confirmation_sent"
    CONFIRMED = "account.confirmed"
    CREATED = "account.created"
    IMPORTED = "account.imported"
    PASSWORD_SET = "account.password_set"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - likewise
    PASSWORD_DISABLED = "account.password_disabled"  # noqa: S105 - likewise
    RESET_ASKED = "account.reset_asked"
    RESET_SENT = "account.reset_sent"
    PASSWORD_RESET = "account.password_reset"  # noqa: S105 - likewise
    EMAIL_CHANGE_ASKED = "account.email_change_asked"
    EMAIL_CHANGE_CANCELLED = "account.email_change_cancelled"
    EMAIL_CHANGED = "account.email_changed"
    EMAIL_RESTORED = "account.email_restored"
    USERNAME_CHANGED = "account.username_changed"
    PROFILE_CHANGED = "account.profile_changed"
    TAKEN_BACK = "account.taken_back"
    DELETION_ASKED = "account.deletion_asked"
    DELETION_CANCELLED = "account.deletion_cancelled"
    DATA_DOWNLOADED = "account.data_downloaded"
    BLOCKED = "account.blocked"
    UNBLOCKED = "account.unblocked"
    ROLE_SET = "account.role_set"
    SESSION_ENDED = "account.session_ended"
    SESSIONS_ENDED = "account.sessions_ended"
    INVITED = "account.invited"
    DELETED = "account.deleted"
    SIGNED_IN = "login.succeeded"
    SIGN_IN_FAILED = "login.failed"
    SIGN_IN_SLOWED = "login.slowed"
    SIGN_IN_UNCONFIRMED = "login.unconfirmed"
    SIGN_IN_BLOCKED = "login.blocked"
    SIGN_IN_DELETION_PENDING = "login.deletion_pending"
    SIGNED_OUT = "login.ended"
    REAUTHENTICATED = "login.reauthenticated"
    REAUTHENTICATION_FAILED = "login.reauthentication_failed"
    NEW_BROWSER = "login.new_browser"
    FACTOR_ASKED = "login.factor_asked"
    FACTOR_FAILED = "login.factor_failed"
    APP_DISABLED = "login.app_disabled"
    PASSKEY_COPIED = "login.passkey_copied"
    RECOVERY_CODE_USED = "login.recovery_code_used"
    BROWSER_TRUSTED = "login.browser_trusted"
    APP_ADDED = "factor.app_added"
    APP_REMOVED = "factor.app_removed"
    PASSKEY_ADDED = "factor.passkey_added"
    PASSKEY_RENAMED = "factor.passkey_renamed"
    PASSKEY_REMOVED = "factor.passkey_removed"
    RECOVERY_CODES_MADE = "factor.recovery_codes_made"
    BROWSERS_DISTRUSTED = "factor.browsers_distrusted"
    FACTORS_RESET = "factor.reset"
    FACTOR_RESET_ASKED = "factor.reset_asked"
    FACTOR_RESET_BEGUN = "factor.reset_begun"
    FACTOR_RESET_STOPPED = "factor.reset_stopped"
    FACTORS_RESTORED = "factor.restored"
    FACTOR_REQUIRED = "role.factor_required"
    FACTOR_OPTIONAL = "role.factor_optional"
    EVERYBODY_SIGNED_OUT = "login.everybody_ended"
    ROLE_CREATED = "role.created"
    ROLE_CHANGED = "role.changed"
    ROLE_DEFAULT = "role.default"
    ROLE_DELETED = "role.deleted"
    EMAIL_RETRIED = "email.retried"
    SITE_CREATED = "site.created"
    SITE_CHANGED = "site.changed"
    SITE_REMOVED = "site.removed"
    NAME_RELEASED = "site.name_released"
    GATE_ENTERED = "gate.entered"
    GATE_LEFT = "gate.left"
    GATE_REFUSED = "gate.refused"
    GROUP_CREATED = "group.created"
    GROUP_DELETED = "group.deleted"
    GROUP_JOINED = "group.user_added"
    GROUP_LEFT = "group.user_removed"
    TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - likewise
    AUDIT_LOG_EXPORTED = "audit_log.exported"
    USERS_EXPORTED = "account.list_exported"
    USERNAME_SET = "account.username_set"
    EMAIL_SET = "account.email_set"
    EMAIL_CHANGE_STARTED = "account.email_change_started"
    NOTE_ADDED = "account.note_added"
    NOTE_REMOVED = "account.note_removed"
    ROLE_RENAMED = "role.renamed"
    TEST_EMAIL_SENT = "email.test_sent"


class Place(NamedTuple):
    """Where in the book a line stands."""

    at: datetime
    id: int

    @property
    def mark(self) -> str:
        """The place as text, fit for an address."""
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.id}"

    @classmethod
    def read(cls, mark: str) -> "Place | None":
        """Return the place that a mark stands for, None if it is garbled."""
        microseconds, _, line_id = mark.partition("-")
        try:
            place = cls(EPOCH + timedelta(microseconds=int(microseconds)), int(line_id))
        except (ValueError, OverflowError):
            return None
        return place if 0 <= place.id < 2**63 else None


class Written(NamedTuple):
    """A line as it is read. ``actor`` and ``subject`` are names, None for who is gone."""

    id: int
    at: datetime
    event: str
    actor_id: UUID | None
    actor: str | None
    subject_id: UUID | None
    subject: str | None
    ip: str
    user_agent: str
    request_id: str
    detail: dict[str, Any]

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.at, self.id)
