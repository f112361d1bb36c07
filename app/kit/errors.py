"""The family of refusals: every expected no, with its code and its status.

A flow raises them after its transaction has closed; ``app.words`` has their sentences.
"""

import math
from datetime import timedelta
from typing import ClassVar


class Refusal(Exception):
    """An expected no. ``field`` names the form field that it is about, if there is one.

    ``reason`` tells one no from another of the same code; ``values`` are what its sentence names.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    field: str | None = None

    def __init__(
        self, reason: str | None = None, *, field: str | None = None, **values: object
    ) -> None:
        self.reason = reason
        self.values = values
        if field is not None:
            self.field = field
        super().__init__(self.key, values)

    @property
    def key(self) -> str:
        """What its sentence is found by: ``code``, or ``code.reason``."""
        return f"{self.code}.{self.reason}" if self.reason else self.code


class WrongCredentials(Refusal):
    """No such person, wrong password, or blocked: nobody learns which (EN-01)."""

    code = "wrong_credentials"
    status = 401


class WrongPassword(Refusal):
    """The password that was asked for once more is not the right one."""

    code = "wrong_password"
    status = 401
    field = "password"


class SignedOut(Refusal):
    """The session in which something was asked for has ended meanwhile."""

    code = "signed_out"
    status = 401


class NotPermitted(Refusal):
    """The role of who is signed in lacks the permission, or does so by now."""

    code = "not_permitted"
    status = 403


class SameAddress(Refusal):
    """The new address is the one that the user has."""

    code = "same_address"
    status = 422
    field = "email"


class NoSuchSession(Refusal):
    """The user has no session of this id; somebody else's looks the same (EN-07)."""

    code = "no_such_session"
    status = 404


class WrongAddress(Refusal, ValueError):
    """Not an email address, or not one that email can be sent to; the reason tells why."""

    code = "wrong_address"
    status = 422
    field = "email"


class WeakPassword(Refusal):
    """A new password that the policy does not take; the reason tells why."""

    code = "weak_password"
    status = 422
    field = "password"


class UsernameTaken(Refusal):
    """Usernames are public, so this may be said."""

    code = "username_taken"
    status = 422
    field = "username"


class RegistrationClosed(Refusal):
    """Nobody registers here, or only who is invited; the reason tells which."""

    code = "registration_closed"
    status = 403


class AddressNotAllowed(Refusal):
    """An address of a domain that cannot be used here; ``domains`` are those that can."""

    code = "address_not_allowed"
    status = 422
    field = "email"


class WrongProfile(Refusal, ValueError):
    """A field of the site's own does not take its value."""

    code = "wrong_profile"
    status = 422


class SiteRefusal(Refusal):
    """A no of the site's own, in its own words: ``why`` is a sentence for the user."""

    code = "site_refusal"
    status = 422

    def __init__(self, why: str, *, field: str | None = None) -> None:
        super().__init__(why=why, field=field)


class TermsNotAccepted(Refusal):
    """An account wants the terms accepted."""

    code = "terms_not_accepted"
    status = 422
    field = "terms"


class LinkUnusable(Refusal):
    """A link that is used, expired, foreign or garbled: all look the same (TK-03)."""

    code = "link_unusable"
    status = 410


class NoSuchUser(Refusal):
    """Nobody has this address or username. For operators only."""

    code = "no_such_person"
    status = 404


class NoSuchSubject(NoSuchUser):
    """Nobody whom the audit log knows has this name, address or id. For operators only."""

    code = "no_such_subject"
    status = 422
    field = "user"


class AlreadyThere(Refusal):
    """The address or the username belongs to somebody. For operators only."""

    code = "already_there"
    status = 409


class NoSuchRegistration(Refusal):
    """The registration was confirmed, or is too old. For operators only."""

    code = "no_such_registration"
    status = 404


class NoSuchNote(Refusal):
    """There is no note of this id about the user. For operators only."""

    code = "no_such_note"
    status = 404


class IsBlocked(Refusal):
    """A blocked person cannot be helped by a new password. For operators only."""

    code = "is_blocked"
    status = 409


class NoSuchRole(Refusal):
    """There is no role of this name."""

    code = "no_such_role"
    status = 422
    field = "role"


class LastAdministrator(Refusal):
    """Nobody would be left who can look after people (AZ-05)."""

    code = "last_administrator"
    status = 409


class RoleThere(Refusal):
    """A role of this name is there already."""

    code = "role_there"
    status = 409


class WrongRoleName(Refusal):
    """A name that no role can have."""

    code = "wrong_role_name"
    status = 422


class RoleHeld(Refusal):
    """A role cannot be deleted while somebody has it, or new people get it."""

    code = "role_held"
    status = 409


class DefaultTooMighty(Refusal):
    """New people would be administrators."""

    code = "default_too_mighty"
    status = 409


class WrongWord(Refusal):
    """What was to be typed, so that nothing grave happens by a slip, was not."""

    code = "wrong_word"
    status = 422
    field = "word"


class NotToBeRetried(Refusal):
    """An email that is not given up, or whose link is dead."""

    code = "not_to_be_retried"
    status = 409


class CannotRead(Refusal):
    """What people are to be read from cannot be. For operators only; the reason tells why."""

    code = "cannot_read"
    status = 422


class TryLater(Refusal):
    """Not now: ``retry_after`` is in whole seconds, at least 1."""

    retry_after: int

    def __init__(self, retry_after: float) -> None:
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(wait=timedelta(seconds=self.retry_after))


class TooManyTries(TryLater):
    """A throttle bucket is empty."""

    code = "too_many_tries"
    status = 429


class TooBusy(TryLater):
    """More people than we can serve at once; nothing was done."""

    code = "too_busy"
    status = 503


class DatabaseAway(TryLater):
    """The database does not answer; what was asked for may be tried again."""

    code = "database_away"
    status = 503
