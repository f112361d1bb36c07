"""The refusals of second factors. See ``app.kit.errors``."""

from app.kit.errors import Refusal


class WrongCode(Refusal):
    """A second factor's code, or a recovery code, that is not right, or was used before."""

    code = "wrong_code"
    status = 401
    field = "code"


class LoginExpired(Refusal):
    """A login that waited for its second factor for too long, or had too many wrong ones."""

    code = "login_expired"
    status = 401


class AppDisabled(Refusal):
    """So many wrong codes came in a row that an app's are not taken any more (MF-02)."""

    code = "app_disabled"
    status = 403
    field = "code"


class PasskeyRefused(Refusal):
    """A passkey that proves nothing: unknown, somebody's, a copy, garbled. All look the same."""

    code = "passkey_refused"
    status = 401


class TooManyPasskeys(Refusal):
    """A user has as many as there may be."""

    code = "too_many_passkeys"
    status = 409


class NoSuchFactor(Refusal):
    """The user has none of this kind or id; somebody else's looks the same (EN-07)."""

    code = "no_such_factor"
    status = 404


class FactorNeeded(Refusal):
    """The last factor of a user whose role wants one."""

    code = "factor_needed"
    status = 409


class OwnFactorFirst(Refusal):
    """Who wants others to have a second factor has none: they would be locked out themselves."""

    code = "own_factor_first"
    status = 409


class NoFactorReset(Refusal):
    """An administrator's lost factor is looked after by another administrator."""

    code = "no_factor_reset"
    status = 403
