"""The family of refusals: every expected no, with its code, its status and its public sentence.

A flow raises them after its transaction has closed; the skins turn them into pages once.
"""

import math
from typing import ClassVar

SECONDS_ARE_CLEARER_UNTIL = 90


class Refusal(Exception):
    """An expected no. ``field`` names the form field that it is about, if there is one."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    sentence: str = "Something went wrong."
    field: str | None = None

    def __init__(self, sentence: str | None = None, *, field: str | None = None) -> None:
        if sentence is not None:
            self.sentence = sentence
        if field is not None:
            self.field = field
        super().__init__(self.sentence)


class WrongCredentials(Refusal):
    """No such person, wrong password, or blocked: nobody learns which (EN-01)."""

    code = "wrong_credentials"
    status = 401
    sentence = "Incorrect email, username or password."


class WrongPassword(Refusal):
    """The password that was asked for once more is not the right one."""

    code = "wrong_password"
    status = 401
    sentence = "Incorrect password."
    field = "password"


class WrongCode(Refusal):
    """A second factor's code, or a recovery code, that is not right, or was used before."""

    code = "wrong_code"
    status = 401
    sentence = "Incorrect code. Use the newest code in your app, or an unused recovery code."
    field = "code"


class LoginExpired(Refusal):
    """A login that waited for its second factor for too long, or had too many wrong ones."""

    code = "login_expired"
    status = 401
    sentence = "This sign-in took too long or had too many attempts. Please sign in again."


class AppDisabled(Refusal):
    """So many wrong codes came in a row that an app's are not taken any more (MF-02)."""

    code = "app_disabled"
    status = 403
    sentence = (
        "Your authenticator app was turned off after too many wrong codes. Use a passkey or a "
        "recovery code."
    )
    field = "code"


class PasskeyRefused(Refusal):
    """A passkey that proves nothing: unknown, somebody's, a copy, garbled. All look the same."""

    code = "passkey_refused"
    status = 401
    sentence = "This passkey didn't work. Try again, or sign in another way."


class TooManyPasskeys(Refusal):
    """A user has as many as there may be."""

    code = "too_many_passkeys"
    status = 409
    sentence = "You have as many passkeys as you can have. Remove one first."


class NoSuchFactor(Refusal):
    """The user has none of this kind or id; somebody else's looks the same (EN-07)."""

    code = "no_such_factor"
    status = 404
    sentence = "This doesn't exist. You may have removed it already."


class FactorNeeded(Refusal):
    """The last factor of a user whose role wants one."""

    code = "factor_needed"
    status = 409
    sentence = "Your role requires a second factor. Add another one before you remove this one."


class OwnFactorFirst(Refusal):
    """Who wants others to have a second factor has none: they would be locked out themselves."""

    code = "own_factor_first"
    status = 409
    sentence = "Set up a second factor for an administrator first, so that you're not locked out."


class NoFactorReset(Refusal):
    """An administrator's lost factor is looked after by another administrator."""

    code = "no_factor_reset"
    status = 403
    sentence = (
        "You can't do this by email, because you're an administrator. Ask another administrator, "
        "or someone with access to the server."
    )


class SignedOut(Refusal):
    """The session in which something was asked for has ended meanwhile."""

    code = "signed_out"
    status = 401
    sentence = "You've been signed out. Please sign in again."


class NotPermitted(Refusal):
    """The role of who is signed in lacks the permission, or does so by now."""

    code = "not_permitted"
    status = 403
    sentence = "Your account doesn't have permission to do this."


class SameAddress(Refusal):
    """The new address is the one that the user has."""

    code = "same_address"
    status = 422
    sentence = "That's already your email address."
    field = "email"


class NoSuchSession(Refusal):
    """The user has no session of this id; somebody else's looks the same (EN-07)."""

    code = "no_such_session"
    status = 404
    sentence = "This session doesn't exist. It may have ended already."


class WeakPassword(Refusal):
    """A new password that the policy does not take; the sentence tells why."""

    code = "weak_password"
    status = 422
    field = "password"


class UsernameTaken(Refusal):
    """Usernames are public, so this may be said."""

    code = "username_taken"
    status = 422
    sentence = "This username is taken. Choose another one."
    field = "username"


class RegistrationClosed(Refusal):
    """Nobody registers here, or only who is invited; the sentence tells which."""

    code = "registration_closed"
    status = 403


class AddressNotAllowed(Refusal):
    """An address of a domain that cannot be used here; the sentence names those that can."""

    code = "address_not_allowed"
    status = 422
    field = "email"


class TermsNotAccepted(Refusal):
    """An account wants the terms accepted."""

    code = "terms_not_accepted"
    status = 422
    sentence = "Accept the terms to create an account."
    field = "terms"


class LinkUnusable(Refusal):
    """A link that is used, expired, foreign or garbled: all look the same (TK-03)."""

    code = "link_unusable"
    status = 410
    sentence = (
        "This link has been used, has expired, or wasn't copied completely. If you asked for "
        "several, use the one in the newest email."
    )


class NoSuchUser(Refusal):
    """Nobody has this address or username. For operators only."""

    code = "no_such_person"
    status = 404
    sentence = "No user has that email address or username."


class NoSuchSubject(NoSuchUser):
    """Nobody whom the audit log knows has this name, address or id. For operators only."""

    code = "no_such_subject"
    status = 422
    sentence = "No user has that name, address or ID. Deleted users can only be found by their ID."
    field = "user"


class AlreadyThere(Refusal):
    """The address or the username belongs to somebody. For operators only."""

    code = "already_there"
    status = 409
    sentence = "A user with that email address or username already exists."


class NoSuchRegistration(Refusal):
    """The registration was confirmed, or is too old. For operators only."""

    code = "no_such_registration"
    status = 404
    sentence = "This registration has been confirmed or has expired."


class IsBlocked(Refusal):
    """A blocked person cannot be helped by a new password. For operators only."""

    code = "is_blocked"
    status = 409
    sentence = "This user is blocked. Unblock them before you send a reset link."


class NoSuchRole(Refusal):
    """There is no role of this name."""

    code = "no_such_role"
    status = 422
    field = "role"


class LastAdministrator(Refusal):
    """Nobody would be left who can look after people (AZ-05)."""

    code = "last_administrator"
    status = 409
    sentence = (
        "This is the last administrator who can sign in. Make another user an administrator first."
    )


class RoleThere(Refusal):
    """A role of this name is there already."""

    code = "role_there"
    status = 409
    sentence = "A role with this name already exists."


class WrongRoleName(Refusal):
    """A name that no role can have."""

    code = "wrong_role_name"
    status = 422
    sentence = (
        "A role name has 2 to 40 letters, digits, spaces and hyphens, and starts with a letter."
    )


class RoleHeld(Refusal):
    """A role cannot be deleted while somebody has it, or new people get it."""

    code = "role_held"
    status = 409
    sentence = "This is the default role. Make another role the default first."


class DefaultTooMighty(Refusal):
    """New people would be administrators."""

    code = "default_too_mighty"
    status = 409
    sentence = (
        "The default role can't have ADMIN: everybody who registers would be an administrator."
    )


class WrongWord(Refusal):
    """What was to be typed, so that nothing grave happens by a slip, was not."""

    code = "wrong_word"
    status = 422
    field = "word"


class NotToBeRetried(Refusal):
    """An email that is not given up, or whose link is dead."""

    code = "not_to_be_retried"
    status = 409
    sentence = "This email can't be sent again. Its link has expired, or it's on its way."


class CannotRead(Refusal):
    """What people are to be read from cannot be. For operators only; the sentence tells why."""

    code = "cannot_read"
    status = 422


class TryLater(Refusal):
    """Not now: ``retry_after`` is in whole seconds, at least 1."""

    retry_after: int

    def __init__(self, retry_after: float) -> None:
        self.retry_after = max(1, math.ceil(retry_after))
        super().__init__(f"{self.sentence} Please try again in {_in_words(self.retry_after)}.")


class TooManyTries(TryLater):
    """A throttle bucket is empty."""

    code = "too_many_tries"
    status = 429
    sentence = "Too many attempts."


class TooBusy(TryLater):
    """More people than we can serve at once; nothing was done."""

    code = "too_busy"
    status = 503
    sentence = "Many people are signing in right now."


class DatabaseAway(TryLater):
    """The database does not answer; what was asked for may be tried again."""

    code = "database_away"
    status = 503
    sentence = "We can't do this right now. Nothing was lost."


def _in_words(seconds: int) -> str:
    if seconds <= SECONDS_ARE_CLEARER_UNTIL:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
