"""What each event is called in a list to choose from, in groups."""

from collections.abc import Mapping
from typing import NamedTuple

from app.kit.audit import Event


class EventGroup(NamedTuple):
    """Events that belong together, and what each is called."""

    title: str
    events: Mapping[Event, str]


GROUPS: Mapping[str, EventGroup] = {
    "sign-ins": EventGroup("Sign-ins", {
        Event.SIGNED_IN: "Signed in",
        Event.NEW_BROWSER: "Signed in from a new browser",
        Event.FACTOR_ASKED: "Asked for a second factor",
        Event.RECOVERY_CODE_USED: "Recovery code used",
        Event.BROWSER_TRUSTED: "Browser trusted",
        Event.REAUTHENTICATED: "Password confirmed",
        Event.SIGNED_OUT: "Signed out",
    }),
    "failed-sign-ins": EventGroup("Failed sign-ins", {
        Event.SIGN_IN_FAILED: "Wrong password",
        Event.FACTOR_FAILED: "Wrong second factor",
        Event.REAUTHENTICATION_FAILED: "Wrong password in a session",
        Event.SIGN_IN_SLOWED: "Slowed down",
        Event.SIGN_IN_BLOCKED: "Blocked user tried to sign in",
        Event.SIGN_IN_UNCONFIRMED: "Address not confirmed yet",
        Event.SIGN_IN_DELETION_PENDING: "Account scheduled for deletion",
        Event.PASSKEY_COPIED: "Copied passkey refused",
    }),
    "accounts": EventGroup("Accounts", {
        Event.REGISTERED: "Registered",
        Event.CONFIRMED: "Address confirmed",
        Event.USERNAME_CHANGED: "Username changed",
        Event.PROFILE_CHANGED: "Profile changed",
        Event.TAKEN_BACK: "“This wasn’t me” used",
        Event.DELETION_ASKED: "Deletion requested",
        Event.DELETION_CANCELLED: "Account kept",
        Event.DELETED: "Deleted",
        Event.DATA_DOWNLOADED: "Data downloaded",
    }),
    "passwords": EventGroup("Passwords", {
        Event.PASSWORD_SET: "Password chosen",
        Event.PASSWORD_CHANGED: "Password changed",
        Event.RESET_ASKED: "Reset requested",
        Event.PASSWORD_RESET: "Password reset",
        Event.PASSWORD_DISABLED: "Password turned off",
    }),
    "addresses": EventGroup("Email addresses", {
        Event.EMAIL_CHANGE_ASKED: "Change requested",
        Event.EMAIL_CHANGE_CANCELLED: "Change cancelled",
        Event.EMAIL_CHANGED: "Address changed",
        Event.EMAIL_RESTORED: "Previous address restored",
    }),
    "factors": EventGroup("Second factors", {
        Event.APP_ADDED: "Authenticator app added",
        Event.APP_REMOVED: "Authenticator app removed",
        Event.APP_DISABLED: "Authenticator app turned off",
        Event.PASSKEY_ADDED: "Passkey added",
        Event.PASSKEY_RENAMED: "Passkey renamed",
        Event.PASSKEY_REMOVED: "Passkey removed",
        Event.RECOVERY_CODES_MADE: "Recovery codes created",
        Event.BROWSERS_DISTRUSTED: "All browsers distrusted",
        Event.FACTOR_RESET_ASKED: "Lost factor: link requested",
        Event.FACTOR_RESET_BEGUN: "Lost factor: wait began",
        Event.FACTOR_RESET_STOPPED: "Lost factor: wait stopped",
        Event.FACTORS_RESET: "Second factors removed",
        Event.FACTORS_RESTORED: "Second factors restored",
    }),
    "administration": EventGroup("Administration", {
        Event.CREATED: "Account created",
        Event.INVITED: "Invitation sent",
        Event.IMPORTED: "Imported",
        Event.BLOCKED: "Blocked",
        Event.UNBLOCKED: "Unblocked",
        Event.ROLE_SET: "Role changed",
        Event.USERNAME_SET: "Username changed by an administrator",
        Event.EMAIL_SET: "Address changed by an administrator",
        Event.EMAIL_CHANGE_STARTED: "Address change started by an administrator",
        Event.RESET_SENT: "Reset link sent",
        Event.CONFIRMATION_SENT: "Confirmation resent",
        Event.SESSION_ENDED: "Session ended",
        Event.SESSIONS_ENDED: "All sessions of a user ended",
        Event.EVERYBODY_SIGNED_OUT: "All sessions of all users ended",
        Event.NOTE_ADDED: "Note written",
        Event.NOTE_REMOVED: "Note removed",
        Event.USERS_EXPORTED: "List of users exported",
        Event.AUDIT_LOG_EXPORTED: "Audit log exported",
    }),
    "roles": EventGroup("Roles", {
        Event.ROLE_CREATED: "Role created",
        Event.ROLE_RENAMED: "Role renamed",
        Event.ROLE_CHANGED: "Permissions changed",
        Event.ROLE_DEFAULT: "Default role changed",
        Event.ROLE_DELETED: "Role deleted",
        Event.FACTOR_REQUIRED: "Second factor required",
        Event.FACTOR_OPTIONAL: "Second factor optional",
    }),
    "sites": EventGroup("Sites", {
        Event.GATE_ENTERED: "Entered a site",
        Event.GATE_LEFT: "Signed out of a site",
        Event.GATE_REFUSED: "Not let into a site",
        Event.SITE_CREATED: "Site added",
        Event.SITE_CHANGED: "Site changed",
        Event.SITE_REMOVED: "Site removed",
        Event.NAME_RELEASED: "Reserved name released",
    }),
    "groups": EventGroup("Groups and tokens", {
        Event.GROUP_CREATED: "Group created",
        Event.GROUP_DELETED: "Group deleted",
        Event.GROUP_JOINED: "User added to a group",
        Event.GROUP_LEFT: "User removed from a group",
        Event.TOKEN_CREATED: "Token created",
        Event.TOKEN_REVOKED: "Token revoked",
    }),
    "emails": EventGroup("Emails", {
        Event.EMAIL_WITHHELD: "Not sent: limit reached",
        Event.EMAIL_REFUSED: "Rejected",
        Event.EMAIL_GAVE_UP: "Not delivered",
        Event.EMAIL_RETRIED: "Resent",
        Event.TEST_EMAIL_SENT: "Test email sent",
    }),
}  # fmt: skip


def events_of(chosen: str | None) -> tuple[str, ...]:
    """Return the events that a choice stands for: those of a group, or itself."""
    if chosen is None:
        return ()
    group = GROUPS.get(chosen)
    return tuple(str(event) for event in group.events) if group else (chosen,)
