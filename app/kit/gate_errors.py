"""The refusals of the gate, of groups and of tokens. See ``app.kit.errors``."""

from app.kit.errors import Refusal


class NoSuchSite(Refusal):
    """No site is there at this address, or of this name."""

    code = "no_such_site"
    status = 404
    field = "site"


class SiteThere(Refusal):
    """A site is there already at this address."""

    code = "site_there"
    status = 409
    field = "origin"


class WrongSiteField(Refusal, ValueError):
    """What is said of a site cannot be so; the reason tells which."""

    code = "wrong_site"
    status = 422


class NotAllowedThere(Refusal):
    """Who is signed in lacks what an application asks of its visitors."""

    code = "not_allowed_there"
    status = 403


class GateExpired(Refusal):
    """The way into an application was begun too long ago, elsewhere, or not at all."""

    code = "gate_expired"
    status = 410


class NotInside(Refusal):
    """The user is not in this application, or not any more; somebody else looks the same."""

    code = "not_inside"
    status = 404


class NoSuchGroup(Refusal):
    """There is no group of this name."""

    code = "no_such_group"
    status = 404
    field = "group"


class GroupThere(Refusal):
    """A group of this name is there already."""

    code = "group_there"
    status = 409
    field = "name"


class WrongGroupName(Refusal):
    """A name that no group can have."""

    code = "wrong_group_name"
    status = 422
    field = "name"


class GroupNeeded(Refusal):
    """A rule of a site names the group."""

    code = "group_needed"
    status = 409


class NoSuchToken(Refusal):
    """The user has no token of this id; somebody else's looks the same (EN-07)."""

    code = "no_such_token"
    status = 404


class TooManyTokens(Refusal):
    """A user has as many tokens as there may be."""

    code = "too_many_tokens"
    status = 409


class WrongToken(Refusal):
    """What was to be said of a new token cannot be so; the reason tells which."""

    code = "wrong_token"
    status = 422


class NotReserved(Refusal):
    """A name that is not kept from anybody."""

    code = "not_reserved"
    status = 404
