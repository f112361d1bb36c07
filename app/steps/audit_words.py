"""The audit log in plain words: a sentence for each event, told to others or to its user."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.kit.client import OPERATOR
from app.models.audit import NO_ADDRESS, Event, Written

SOMEBODY = "somebody"
DELETED = "somebody who is erased"
COMMAND_LINE = "the command line"
NOBODY = "nobody"


class Sentence(NamedTuple):
    """``others`` tells it to an administrator, ``own`` to the user that it happened to."""

    others: str
    own: str


SENTENCES: Mapping[str, Sentence] = {
    Event.REGISTERED: Sentence("Somebody registered", "You registered"),
    Event.EMAIL_WITHHELD: Sentence(
        "An email was withheld: too many already", "An email to you was withheld: too many already"
    ),
    Event.EMAIL_REFUSED: Sentence(
        "A mail server refused an email to {domain}", "A mail server refused an email to you"
    ),
    Event.EMAIL_GAVE_UP: Sentence(
        "An email to {domain} was given up", "An email to you was given up"
    ),
    Event.EMAIL_RETRIED: Sentence(
        "{actor} had an email sent again", "An email to you was sent again"
    ),
    Event.CONFIRMATION_SENT: Sentence(
        "{actor} had a confirmation sent again", "You had a confirmation sent again"
    ),
    Event.CONFIRMED: Sentence("{subject} confirmed the address", "You confirmed your address"),
    Event.IMPORTED: Sentence("{subject} was imported", "Your account was brought here"),
    Event.CREATED: Sentence("{actor} made an account for {subject}", "Your account was made"),
    Event.INVITED: Sentence("{actor} sent {subject} an invitation", "You were sent an invitation"),
    Event.PASSWORD_SET: Sentence("{subject} chose a password", "You chose a password"),
    Event.BLOCKED: Sentence("{actor} blocked {subject}{reason}", "Your account was blocked"),
    Event.UNBLOCKED: Sentence("{actor} unblocked {subject}", "Your account was unblocked"),
    Event.ROLE_SET: Sentence("{actor} made {subject} {role}", "Your role was set to {role}"),
    Event.SESSION_ENDED: Sentence(
        "{actor} ended one session of {subject}", "One of your sessions was ended"
    ),
    Event.SESSIONS_ENDED: Sentence(
        "{actor} ended all sessions of {subject}", "All your sessions were ended"
    ),
    Event.DELETED: Sentence("{actor} erased {subject}", "Your account was erased"),
    Event.SIGNED_IN: Sentence("{subject} signed in", "You signed in"),
    Event.SIGN_IN_FAILED: Sentence(
        "Somebody failed to sign in as {subject}", "Somebody failed to sign in as you"
    ),
    Event.SIGN_IN_SLOWED: Sentence(
        "Signing in as {subject} was slowed down: too many wrong passwords",
        "Signing in as you was slowed down: too many wrong passwords",
    ),
    Event.SIGN_IN_UNCONFIRMED: Sentence(
        "Somebody signed in before the address was confirmed",
        "You signed in before your address was confirmed",
    ),
    Event.SIGNED_OUT: Sentence("{subject} signed out", "You signed out"),
    Event.EVERYBODY_SIGNED_OUT: Sentence(
        "{actor} ended the sessions of everybody", "The sessions of everybody were ended"
    ),
    Event.ROLE_CREATED: Sentence("{actor} made the role {role}", "You made the role {role}"),
    Event.ROLE_CHANGED: Sentence(
        "{actor} changed what the role {role} may: {permissions}",
        "You changed what the role {role} may",
    ),
    Event.ROLE_DEFAULT: Sentence(
        "{actor} made {role} the role of new people", "You made {role} the role of new people"
    ),
    Event.ROLE_DELETED: Sentence("{actor} deleted the role {role}", "You deleted the role {role}"),
    Event.AUDIT_LOG_EXPORTED: Sentence("{actor} exported the history", "You exported the history"),
    Event.PASSWORD_CHANGED: Sentence("{subject} changed the password", "You changed your password"),
    Event.PASSWORD_DISABLED: Sentence(
        "The password of {subject} was switched off: a hundred wrong ones in a row",
        "Your password was switched off for unknown browsers: a hundred wrong ones in a row",
    ),
    Event.RESET_ASKED: Sentence(
        "Somebody asked for a new password for {subject}", "Somebody asked for a new password"
    ),
    Event.RESET_SENT: Sentence(
        "{actor} sent {subject} a link to choose a new password",
        "You were sent a link to choose a new password",
    ),
    Event.PASSWORD_RESET: Sentence(
        "{subject} chose a new password by a link", "You chose a new password by a link"
    ),
    Event.EMAIL_CHANGE_ASKED: Sentence(
        "{subject} asked to change the address", "You asked to change your address"
    ),
    Event.EMAIL_CHANGE_CANCELLED: Sentence(
        "{subject} kept the address after all", "You kept your address after all"
    ),
    Event.EMAIL_CHANGED: Sentence("{subject} changed the address", "You changed your address"),
    Event.EMAIL_RESTORED: Sentence(
        "{subject} got the address of before back", "You got your address of before back"
    ),
    Event.USERNAME_CHANGED: Sentence("{subject} changed the username", "You changed your username"),
    Event.TAKEN_BACK: Sentence(
        "{subject} said “this wasn’t me” and took the account back",
        "You said “this wasn’t me” and took your account back",
    ),
    Event.DELETION_ASKED: Sentence(
        "{subject} asked to be deleted", "You asked that your account be deleted"
    ),
    Event.DELETION_CANCELLED: Sentence(
        "{subject} decided to stay", "You decided to keep your account"
    ),
    Event.DATA_DOWNLOADED: Sentence(
        "{subject} downloaded the own data", "You downloaded your data"
    ),
    Event.SIGN_IN_BLOCKED: Sentence(
        "{subject} gave the right password, but is blocked",
        "You gave the right password, but were blocked",
    ),
    Event.SIGN_IN_DELETION_PENDING: Sentence(
        "{subject} signed in to an account that is to be deleted",
        "You signed in to your account that is to be deleted",
    ),
    Event.REAUTHENTICATED: Sentence(
        "{subject} showed the password again", "You showed your password again"
    ),
    Event.REAUTHENTICATION_FAILED: Sentence(
        "A wrong password was shown in a session of {subject}",
        "A wrong password was shown in one of your sessions",
    ),
    Event.NEW_BROWSER: Sentence(
        "{subject} signed in with a new browser", "You signed in with a new browser"
    ),
}


def describe(event: str, detail: Mapping[str, Any], *, actor: str, subject: str) -> str:
    """Return what happened, as an administrator reads it. An unknown event is told by its name."""
    sentence = SENTENCES.get(event)
    return _filled(sentence.others if sentence else _plain(event), detail, actor, subject)


def describe_to_owner(event: str, detail: Mapping[str, Any]) -> str:
    """Return what happened, as the user reads it in their own history."""
    sentence = SENTENCES.get(event)
    return _filled(sentence.own if sentence else _plain(event), detail, "", "")


class ToldToOwner(NamedTuple):
    """A line of a user's own history, told in ``what``."""

    at: datetime
    event: str
    what: str
    ip: str | None
    user_agent: str


def tell_owner(line: Written, user_id: UUID) -> ToldToOwner:
    """Return a line that a user is in, as they read it: what happened to them, or what they did."""
    if line.subject_id == user_id:
        what = describe_to_owner(line.event, line.detail)
    else:
        subject = line.subject or (DELETED if line.subject_id else NOBODY)
        what = describe(line.event, line.detail, actor="You", subject=subject)
    if line.actor_id not in {None, user_id}:  # where an administrator sits is not their to know
        return ToldToOwner(line.at, line.event, what, None, "")
    ip = None if line.ip == NO_ADDRESS else line.ip
    return ToldToOwner(line.at, line.event, what, ip, line.user_agent)


class Told(NamedTuple):
    """A line of the book, told in ``what``. Names are None where nobody has them any more."""

    at: datetime
    event: str
    what: str
    actor: str | None
    actor_id: UUID | None
    subject: str | None
    subject_id: UUID | None
    ip: str | None
    user_agent: str
    request_id: str
    detail: Mapping[str, Any]


def tell(line: Written) -> Told:
    """Return a line with its sentence, in the names of those who are still there."""
    subject = line.subject or (DELETED if line.subject_id else NOBODY)
    return Told(
        at=line.at,
        event=line.event,
        what=describe(line.event, line.detail, actor=_actor_of(line), subject=subject),
        actor=line.actor,
        actor_id=line.actor_id,
        subject=line.subject,
        subject_id=line.subject_id,
        ip=None if line.ip == NO_ADDRESS else line.ip,
        user_agent=line.user_agent,
        request_id=line.request_id,
        detail=line.detail,
    )


def _actor_of(line: Written) -> str:
    if line.actor is not None:
        return line.actor
    if line.actor_id is not None:
        return DELETED
    return COMMAND_LINE if line.request_id == OPERATOR.request_id else SOMEBODY


def _filled(sentence: str, detail: Mapping[str, Any], actor: str, subject: str) -> str:
    words = {
        "actor": actor,
        "subject": subject,
        "role": detail.get("role", "?"),
        "permissions": detail.get("permissions", "?"),
        "domain": detail.get("domain", "?"),
        "reason": f" ({detail['reason']})" if detail.get("reason") else "",
    }
    text = sentence.format_map(words)
    begins = actor if sentence.startswith("{actor}") else subject
    is_nameless = begins in {SOMEBODY, DELETED, COMMAND_LINE, NOBODY} and text.startswith(begins)
    return text[0].upper() + text[1:] if is_nameless else text  # a username stays as it is


def _plain(event: str) -> str:
    return event.replace(".", ": ").replace("_", " ").replace("{", "").replace("}", "")
