"""The pages of a site's own package, beside ours."""

from collections.abc import Collection, Iterator

from quart import Quart, Response, current_app, request
from werkzeug.routing import Rule

from app.http.marks import policy_of
from app.site import Site, WrongSite

REPLACEABLE = {"/", "/secret"}  # ours are there to be replaced


def register(app: Quart, site: Site, *, taken: Collection[str]) -> None:
    """Register a site's blueprints before ours, whose names are ``taken``.

    Raises:
        WrongSite: a blueprint has the name of another.
    """
    for pages in site.pages:
        if pages.name in {*taken, *app.blueprints}:
            raise WrongSite(f"{_name(site, pages.name)}: this name is taken. Use another one.")
        app.register_blueprint(pages)
    if any(policy_of(page) for page in app.view_functions.values()):
        app.after_request(_send_policy)


def check(app: Quart, site: Site) -> None:
    """Check that no page of a site's hides one of ours.

    Raises:
        WrongSite: two pages have one address.
    """
    own = {pages.name for pages in site.pages}
    ours = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] not in own
        for method in _methods(rule)
    }
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.partition(".")[0]
        hidden = any((rule.rule, method) in ours for method in _methods(rule))
        if name in own and hidden and rule.rule not in REPLACEABLE:
            raise WrongSite(f"{_name(site, name)}: {rule.rule} is a page of Vestibule's already.")


def _name(site: Site, blueprint: str) -> str:
    return f"SITE: {site.name}/pages.py, blueprint “{blueprint}”"


def _methods(rule: Rule) -> Iterator[str]:
    yield from {"websocket"} if rule.websocket else (rule.methods or set()) - {"HEAD", "OPTIONS"}


async def _send_policy(response: Response) -> Response:
    policy = policy_of(current_app.view_functions.get(request.endpoint or ""))
    if policy is not None:
        response.headers["Content-Security-Policy"] = policy
    return response
