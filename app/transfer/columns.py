"""Columns of people elsewhere: what each is called here, and which must not be passed over.

Who was shut out elsewhere, or never showed that the address is theirs, must not come in as
everybody else because their column has a name that nobody here knows.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from app.kit.errors import CannotRead
from app.kit.profile import ProfileField

# Without what stands between words: is_active, isActive and “Is Active” are one. The columns of
# the course, Flask-Security, Flask-User, fastapi-users, Django, Rails, NextAuth, WordPress.
NAMES = {
    "email": "emailaddress mail useremail",
    "username": "userlogin login",
    "password_hash": "password hashedpassword passworddigest pwhash pwdhash passwd userpass",
    "role": "rolename",
    "confirmed": "isconfirmed emailconfirmed isemailconfirmed verified isverified emailverified "
    "isemailverified accountverified activated isactivated",
    "confirmed_at": "confirmedon emailconfirmedat emailconfirmedon verifiedat verifiedon "
    "emailverifiedat emailverifiedon activatedat activatedon",
    "active": "isactive enabled isenabled",
    "blocked": "isblocked banned isbanned suspended issuspended disabled isdisabled locked "
    "islocked deleted isdeleted removed isremoved deactivated isdeactivated inactive isinactive "
    "archived isarchived",
    "blocked_at": "blockedon bannedat bannedon suspendedat suspendedon disabledat disabledon "
    "deletedat deletedon removedat deactivatedat deactivatedon archivedat lockedat",
    "blocked_reason": "blockreason banreason bannedreason suspensionreason suspendedreason",
    "otpauth": "otpauthuri otpauthurl otpuri totpuri totpurl",
    "created_at": "membersince datejoined createdatetime createdon datecreated created joinedat "
    "registeredat registeredon registrationdate userregistered",
    "last_login_at": "lastseen lastlogin currentloginat lastseenat lastsigninat currentsigninat "
    "lastactive lastactiveat",
}
OWN = (*NAMES, "delete_at", "terms_accepted_at")
ALIASES = {alias: own for own, names in NAMES.items() for alias in names.split()}
CONFIRMATIONS = {"confirmed", "confirmed_at"}
BARS = {"active", "blocked", "blocked_at"}

_WORDS = (
    "verif(?:y|ied|ication)|confirm(?:ed|ation)?|active|activat(?:ed|ion)|inactive|deactivated|"
    "enabled?|disabled?|block(?:ed)?|bans?|banned|shadowban(?:ned)?|suspen(?:d|ded|sion)|lock|"
    "locked|lockout|deleted?|deletion|removed?|archived?|approv(?:ed|al)|pending|valid(?:ated)?|"
    "expire[ds]?|revoked|frozen|closed|terminated|rejected|restricted|quarantined?|spam(?:mer)?|"
    "abus(?:e|er|ive)|fraud(?:ulent)?|status|state|salt|pepper"
)
_WORD = re.compile(_WORDS)
_GLUED = re.compile(
    rf"(?:is|has|was|e?mail|account|user|login|password|{_WORDS})*(?:{_WORDS})"
    r"(?:at|on|date|time|until|end)?"
)
_SECOND_FACTOR = re.compile(r"(?:.*_)?(?:totp|otp|mfa|2fa|tfa|tf|twofactor|two_factor)(?:_.*)?")
_AIDS = {"token", "tokens", "sent", "key", "code", "by", "reason", "note", "count"}
_FLASK_SECURITY = {
    "fs_uniquifier", "fs_token_uniquifier", "fs_webauthn_user_handle", "us_totp_secrets",
    "tf_primary_method", "current_login_ip",
}  # fmt: skip


# Of several of these each counts, of others the first that says something.
JUDGED = CONFIRMATIONS | BARS


class Reading(NamedTuple):
    """How the columns of a source are to be read.

    ``mapped``: by which name here a column goes; ``ignored``: which ones may be passed over.
    ``flask_security_salt`` is None as long as nobody said whether there is one. ``profile``: the
    site's own fields, each a column of its name.
    """

    mapped: Mapping[str, str] = {}
    ignored: Collection[str] = ()
    flask_security_salt: str | None = None
    special_domains: Collection[str] = ()
    profile: Sequence[ProfileField] = ()

    def own(self, column: str) -> str | None:
        """Return what a column is called here; None if it is not read."""
        if column in self.mapped:
            return self.mapped[column]
        if column in self.ignored:
            return None
        return column if column in {each.name for each in self.profile} else _own(column)

    def wants(self, column: str) -> bool:
        """Whether a column has to be looked into."""
        return self.own(column) is not None or self.is_second_factor(column)

    def is_second_factor(self, column: str) -> bool:
        """Whether a column that is not read may hold a second factor, which does not come along."""
        return (
            self.own(column) is None
            and column not in self.ignored
            and _SECOND_FACTOR.fullmatch(column) is not None
        )

    def unread(self, columns: Collection[str]) -> list[str]:
        """Return which of the columns are not read."""
        return sorted(column for column in columns if self.own(column) is None)

    def check_named(self, columns: Collection[str]) -> None:
        """Pass options whose columns are all there.

        Raises:
            CannotRead: one is not, so it was mistyped.
        """
        missing = sorted({*self.mapped, *self.ignored}.difference(columns))
        if columns and missing:
            raise CannotRead("no_column", quoted=missing, columns=sorted(columns))

    def check(self, columns: Collection[str]) -> None:
        """Pass a source whose columns are understood.

        Raises:
            CannotRead: a column may say who must not come in so, or its hashes are of another
                kind than they look like.
        """
        read = {self.own(column) for column in columns}
        doubtful = [
            column
            for column in self.unread(columns)
            if column not in self.ignored
            and not self.is_second_factor(column)
            and _is_doubtful(column, has_said=_has_said(read))
        ]
        if doubtful:
            raise CannotRead(
                "doubtful_columns", quoted=doubtful, first=doubtful[0], options=doubtful
            )
        if (
            self.flask_security_salt is None
            and "password_hash" in read
            and not _FLASK_SECURITY.isdisjoint(columns)
        ):
            raise CannotRead("flask_security_salt")


AS_IT_IS = Reading()


def squashed(column: str) -> str:
    """Return a column's name without what stands between its words."""
    return re.sub(r"[\W_]", "", column.lower())


@lru_cache(maxsize=1000)
def _own(column: str) -> str | None:
    if column in OWN:
        return column
    plain = squashed(column)
    return ALIASES.get(plain) or {squashed(own): own for own in OWN}.get(plain)


def _has_said(read: Collection[str | None]) -> bool:
    return not CONFIRMATIONS.isdisjoint(read) or not BARS.isdisjoint(read)


def _is_doubtful(column: str, *, has_said: bool) -> bool:
    words = [word for word in re.split(r"[\W_]+", column.lower()) if word]
    if has_said and not _AIDS.isdisjoint(words):
        return False  # confirmation_token beside confirmed_at
    return any(_WORD.fullmatch(word) for word in words) or bool(_GLUED.fullmatch(squashed(column)))
