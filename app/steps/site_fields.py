"""What may be said of a site behind the gate."""

from collections.abc import Collection
from urllib.parse import urlsplit

from app.context import Context
from app.kit.gate_errors import NoSuchSite, WrongSiteField
from app.kit.needs import EVERYBODY, Kind, KnownBy, Need, WrongNeed
from app.kit.urls import normal_origin
from app.models.guarded_site import KnownSite

NAME_LONGEST = 60


def origin(ctx: Context, text: str) -> str:
    """Return where a site is, in the one form of its address.

    Raises:
        WrongSiteField: it is no address, or the login's own.
    """
    try:
        place = normal_origin(str(text).strip())
    except ValueError:
        reason = "plain" if str(text).strip().lower().startswith("http://") else "origin"
        raise WrongSiteField(reason, field="origin") from None
    own = urlsplit(ctx.config.public_url)
    is_own_host = urlsplit(place).hostname == own.hostname
    if place == ctx.config.public_url or (is_own_host and ctx.config.is_https):
        raise WrongSiteField("own", field="origin")
    return place


def check(name: str, identity: str) -> None:
    """Check a site's name, and by what it knows people.

    Raises:
        WrongSiteField: one cannot be so.
    """
    if not 1 <= len(name.strip()) <= NAME_LONGEST or not name.isprintable():
        raise WrongSiteField("name", field="name")
    if identity not in set(KnownBy):
        raise WrongSiteField("identity", field="identity")


def need(ctx: Context, text: str, groups: Collection[str]) -> str:
    """Return a need in its one form; what it names must be there.

    Raises:
        WrongSiteField: it is none, or names what is not there.
    """
    try:
        need = Need.read(text.strip())
    except WrongNeed:
        raise WrongSiteField("need", field="need", need=text) from None
    if need.kind is Kind.PERMISSION and need.name not in ctx.site.permissions:
        names = list(ctx.site.permissions)
        raise WrongSiteField("no_permission", field="need", permission=need.name, names=names)
    if need.kind is Kind.GROUP and need.name not in {EVERYBODY, *groups}:
        raise WrongSiteField("no_group", field="need", group=need.name)
    return str(need)


def require(sites: list[KnownSite], site: str) -> KnownSite:
    """Return the site of an address, a name or an id.

    Raises:
        NoSuchSite: there is none, or more than one of this name.
    """
    wanted = site.strip().rstrip("/").lower()
    found = [each for each in sites if wanted in {each.origin, each.name.lower(), str(each.id)}]
    if len(found) != 1:
        raise NoSuchSite(site=site)
    return found[0]
