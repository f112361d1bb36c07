"""The audit log in plain words: who did what, told to others or to its user."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.kit.audit import NO_ADDRESS, Written
from app.kit.client import OPERATOR
from app.words.events import SENTENCES

SOMEBODY = "somebody"
DELETED = "a deleted user"
COMMAND_LINE = "the command line"
NOBODY = "nobody"


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
        what = describe(line.event, line.detail, actor="You", subject=_subject_of(line))
    return ToldToOwner(line.at, line.event, what, _address_of(line), line.user_agent)


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
    return Told(
        at=line.at,
        event=line.event,
        what=what(line),
        actor=line.actor,
        actor_id=line.actor_id,
        subject=line.subject,
        subject_id=line.subject_id,
        ip=_address_of(line),
        user_agent=line.user_agent,
        request_id=line.request_id,
        detail=line.detail,
    )


def what(line: Written) -> str:
    """Return what happened, in the names of those who are still there."""
    return describe(line.event, line.detail, actor=_actor_of(line), subject=_subject_of(line))


def _address_of(line: Written) -> str | None:
    return None if line.ip == NO_ADDRESS else line.ip


def _subject_of(line: Written) -> str:
    return line.subject or (DELETED if line.subject_id else NOBODY)


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
        "before": detail.get("before", "?"),
        "permissions": detail.get("permissions", "?"),
        "domain": detail.get("domain", "?"),
        "fields": detail.get("fields", "?"),
        "site": detail.get("site", "?"),
        "change": detail.get("change", "?"),
        "group": detail.get("group", "?"),
        "token": detail.get("token", "?"),
        "reason": f" ({detail['reason']})" if detail.get("reason") else "",
    }
    text = sentence.format_map(words)
    begins = actor if sentence.startswith("{actor}") else subject
    is_nameless = begins in {SOMEBODY, DELETED, COMMAND_LINE, NOBODY} and text.startswith(begins)
    return text[0].upper() + text[1:] if is_nameless else text  # a username stays as it is


def _plain(event: str) -> str:
    return event.replace(".", ": ").replace("_", " ").replace("{", "").replace("}", "")
