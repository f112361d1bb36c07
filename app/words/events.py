"""A sentence for each event of the audit log, told to others or to its user."""

from collections.abc import Mapping
from typing import NamedTuple

from app.kit.audit import Event


class Sentence(NamedTuple):
    """``others`` tells it to an administrator, ``own`` to the user that it happened to."""

    others: str
    own: str


SENTENCES: Mapping[str, Sentence] = {
    Event.REGISTERED: Sentence("Someone registered", "You registered"),
    Event.EMAIL_WITHHELD: Sentence(
        "Email not sent: limit reached", "Email to you not sent: limit reached"
    ),
    Event.EMAIL_REFUSED: Sentence(
        "The mail server at {domain} rejected an email", "Your mail server rejected an email"
    ),
    Event.EMAIL_GAVE_UP: Sentence(
        "An email to {domain} could not be delivered", "An email to you could not be delivered"
    ),
    Event.EMAIL_RETRIED: Sentence("{actor} resent an email", "An email to you was resent"),
    Event.CONFIRMATION_SENT: Sentence(
        "{actor} resent a confirmation email", "You asked for the confirmation email again"
    ),
    Event.CONFIRMED: Sentence(
        "{subject} confirmed their email address", "You confirmed your email address"
    ),
    Event.IMPORTED: Sentence("{subject} was imported", "Your account was imported"),
    Event.CREATED: Sentence("{actor} created an account for {subject}", "Your account was created"),
    Event.INVITED: Sentence("{actor} sent {subject} an invitation", "You were sent an invitation"),
    Event.PASSWORD_SET: Sentence("{subject} chose a password", "You chose a password"),
    Event.BLOCKED: Sentence("{actor} blocked {subject}{reason}", "Your account was blocked"),
    Event.UNBLOCKED: Sentence("{actor} unblocked {subject}", "Your account was unblocked"),
    Event.ROLE_SET: Sentence(
        "{actor} changed the role of {subject} to {role}", "Your role was changed to {role}"
    ),
    Event.SESSION_ENDED: Sentence(
        "{actor} ended a session of {subject}", "One of your sessions was ended"
    ),
    Event.SESSIONS_ENDED: Sentence(
        "{actor} ended all sessions of {subject}", "All your sessions were ended"
    ),
    Event.DELETED: Sentence("{actor} deleted {subject}", "Your account was deleted"),
    Event.SIGNED_IN: Sentence("{subject} signed in", "You signed in"),
    Event.SIGN_IN_FAILED: Sentence(
        "Failed sign-in attempt for {subject}", "Failed sign-in attempt"
    ),
    Event.SIGN_IN_SLOWED: Sentence(
        "Sign-in for {subject} slowed down after too many failed attempts",
        "Sign-in slowed down after too many failed attempts",
    ),
    Event.SIGN_IN_UNCONFIRMED: Sentence(
        "Someone signed in before confirming their email address",
        "You signed in before confirming your email address",
    ),
    Event.SIGNED_OUT: Sentence("{subject} signed out", "You signed out"),
    Event.EVERYBODY_SIGNED_OUT: Sentence(
        "{actor} ended all sessions of all users", "All sessions of all users were ended"
    ),
    Event.ROLE_CREATED: Sentence("{actor} created the role {role}", "You created the role {role}"),
    Event.ROLE_CHANGED: Sentence(
        "{actor} changed the permissions of the role {role}: {permissions}",
        "You changed the permissions of the role {role}",
    ),
    Event.ROLE_DEFAULT: Sentence(
        "{actor} made {role} the default role", "You made {role} the default role"
    ),
    Event.ROLE_DELETED: Sentence("{actor} deleted the role {role}", "You deleted the role {role}"),
    Event.AUDIT_LOG_EXPORTED: Sentence(
        "{actor} exported the audit log", "You exported the audit log"
    ),
    Event.USERS_EXPORTED: Sentence(
        "{actor} exported a list of users", "You exported a list of users"
    ),
    Event.USERNAME_SET: Sentence(
        "{actor} changed the username of {subject}", "Your username was changed"
    ),
    Event.EMAIL_SET: Sentence(
        "{actor} changed the email address of {subject}", "Your email address was changed"
    ),
    Event.EMAIL_CHANGE_STARTED: Sentence(
        "{actor} started to change the email address of {subject}",
        "An administrator started to change your email address",
    ),
    Event.NOTE_ADDED: Sentence(
        "{actor} wrote a note about {subject}", "An administrator wrote a note about you"
    ),
    Event.NOTE_REMOVED: Sentence(
        "{actor} removed a note about {subject}", "An administrator removed a note about you"
    ),
    Event.ROLE_RENAMED: Sentence(
        "{actor} renamed the role {before} to {role}", "You renamed the role {before} to {role}"
    ),
    Event.TEST_EMAIL_SENT: Sentence("{actor} sent a test email", "You were sent a test email"),
    Event.PASSWORD_CHANGED: Sentence(
        "{subject} changed their password", "You changed your password"
    ),
    Event.PASSWORD_DISABLED: Sentence(
        "The password of {subject} was switched off after 100 failed attempts in a row",
        "Your password was switched off for new browsers after 100 failed attempts in a row",
    ),
    Event.RESET_ASKED: Sentence(
        "Password reset requested for {subject}", "Password reset requested"
    ),
    Event.RESET_SENT: Sentence(
        "{actor} sent {subject} a password reset link",
        "You were sent a password reset link",
    ),
    Event.PASSWORD_RESET: Sentence("{subject} reset their password", "You reset your password"),
    Event.EMAIL_CHANGE_ASKED: Sentence(
        "{subject} asked to change their email address", "You asked to change your email address"
    ),
    Event.EMAIL_CHANGE_CANCELLED: Sentence(
        "{subject} cancelled the change of their email address",
        "You cancelled the change of your email address",
    ),
    Event.EMAIL_CHANGED: Sentence(
        "{subject} changed their email address", "You changed your email address"
    ),
    Event.EMAIL_RESTORED: Sentence(
        "The previous email address of {subject} was restored",
        "Your previous email address was restored",
    ),
    Event.USERNAME_CHANGED: Sentence(
        "{subject} changed their username", "You changed your username"
    ),
    Event.PROFILE_CHANGED: Sentence(
        "The profile of {subject} was changed: {fields}", "Your profile was changed: {fields}"
    ),
    Event.TAKEN_BACK: Sentence(
        "{subject} used “this wasn’t me” to protect their account",
        "You used “this wasn’t me” to protect your account",
    ),
    Event.DELETION_ASKED: Sentence(
        "{subject} asked to delete their account", "You asked to delete your account"
    ),
    Event.DELETION_CANCELLED: Sentence("{subject} kept their account", "You kept your account"),
    Event.DATA_DOWNLOADED: Sentence("{subject} downloaded their data", "You downloaded your data"),
    Event.SIGN_IN_BLOCKED: Sentence(
        "Blocked user {subject} tried to sign in with the right password",
        "You tried to sign in while your account was blocked",
    ),
    Event.SIGN_IN_DELETION_PENDING: Sentence(
        "{subject} signed in to an account scheduled for deletion",
        "You signed in to your account scheduled for deletion",
    ),
    Event.REAUTHENTICATED: Sentence(
        "{subject} confirmed their password", "You confirmed your password"
    ),
    Event.REAUTHENTICATION_FAILED: Sentence(
        "Incorrect password entered in a session of {subject}",
        "Incorrect password entered",
    ),
    Event.NEW_BROWSER: Sentence(
        "{subject} signed in from a new browser", "You signed in from a new browser"
    ),
    Event.FACTOR_ASKED: Sentence(
        "{subject} entered the right password and was asked for a second factor",
        "You entered the right password and were asked for a second factor",
    ),
    Event.FACTOR_FAILED: Sentence(
        "Incorrect second factor for {subject}", "Incorrect second factor"
    ),
    Event.APP_DISABLED: Sentence(
        "The authenticator app of {subject} was turned off after 100 wrong codes in a row",
        "Your authenticator app was turned off after 100 wrong codes in a row",
    ),
    Event.PASSKEY_COPIED: Sentence(
        "A passkey of {subject} was refused, because there seems to be a copy of it",
        "One of your passkeys was refused, because there seems to be a copy of it",
    ),
    Event.RECOVERY_CODE_USED: Sentence(
        "{subject} used a recovery code", "You used a recovery code"
    ),
    Event.BROWSER_TRUSTED: Sentence(
        "{subject} trusted a browser", "You chose not to be asked for a second factor in a browser"
    ),
    Event.APP_ADDED: Sentence(
        "{subject} added an authenticator app", "You added an authenticator app"
    ),
    Event.APP_REMOVED: Sentence(
        "{subject} removed their authenticator app", "You removed your authenticator app"
    ),
    Event.PASSKEY_ADDED: Sentence("{subject} added a passkey", "You added a passkey"),
    Event.PASSKEY_RENAMED: Sentence("{subject} renamed a passkey", "You renamed a passkey"),
    Event.PASSKEY_REMOVED: Sentence("{subject} removed a passkey", "You removed a passkey"),
    Event.RECOVERY_CODES_MADE: Sentence(
        "{subject} created new recovery codes", "You created new recovery codes"
    ),
    Event.BROWSERS_DISTRUSTED: Sentence(
        "{subject} stopped trusting all browsers", "You stopped trusting all browsers"
    ),
    Event.FACTORS_RESET: Sentence(
        "{actor} removed the second factors of {subject}{reason}",
        "Your second factors were removed",
    ),
    Event.FACTOR_RESET_ASKED: Sentence(
        "{subject} lost their second factor and asked for a link",
        "You asked for a link to remove a lost second factor",
    ),
    Event.FACTOR_RESET_BEGUN: Sentence(
        "The wait to remove the second factors of {subject} began",
        "The wait to remove your second factors began",
    ),
    Event.FACTOR_RESET_STOPPED: Sentence(
        "The wait to remove the second factors of {subject} was stopped",
        "The wait to remove your second factors was stopped",
    ),
    Event.FACTORS_RESTORED: Sentence(
        "The previous second factors of {subject} were restored",
        "Your previous second factors were restored",
    ),
    Event.FACTOR_REQUIRED: Sentence(
        "{actor} made a second factor required for the role {role}",
        "You made a second factor required for the role {role}",
    ),
    Event.FACTOR_OPTIONAL: Sentence(
        "{actor} made a second factor optional for the role {role}",
        "You made a second factor optional for the role {role}",
    ),
    Event.SITE_CREATED: Sentence("{actor} added the site {site}", "You added the site {site}"),
    Event.SITE_CHANGED: Sentence(
        "{actor} changed the site {site}: {change}", "You changed the site {site}: {change}"
    ),
    Event.SITE_REMOVED: Sentence("{actor} removed the site {site}", "You removed the site {site}"),
    Event.NAME_RELEASED: Sentence("{actor} released a reserved name", "You released a name"),
    Event.GATE_ENTERED: Sentence("{subject} entered {site}", "You entered {site}"),
    Event.GATE_LEFT: Sentence("{subject} signed out of {site}", "You signed out of {site}"),
    Event.GATE_REFUSED: Sentence("{subject} wasn’t let into {site}", "You weren’t let into {site}"),
    Event.GROUP_CREATED: Sentence(
        "{actor} created the group {group}", "You created the group {group}"
    ),
    Event.GROUP_DELETED: Sentence(
        "{actor} deleted the group {group}", "You deleted the group {group}"
    ),
    Event.GROUP_JOINED: Sentence(
        "{actor} added {subject} to the group {group}", "You were added to the group {group}"
    ),
    Event.GROUP_LEFT: Sentence(
        "{actor} removed {subject} from the group {group}",
        "You were removed from the group {group}",
    ),
    Event.TOKEN_CREATED: Sentence(
        "{actor} created the token {token} for {subject}", "Your token {token} was created"
    ),
    Event.TOKEN_REVOKED: Sentence(
        "{actor} revoked the token {token} of {subject}", "Your token {token} was revoked"
    ),
}
