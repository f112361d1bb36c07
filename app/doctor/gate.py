"""The sites behind the gate, each as a stranger sees it who claims to be somebody."""

import asyncio
from urllib.parse import urlsplit

from sqlalchemy import URL

from app import schema
from app.config import Config
from app.context import opened_for_operator
from app.db import make_engine
from app.db_errors import is_away
from app.doctor.findings import Finding, ok, warning, wrong
from app.doctor.proxy import REDIRECTS
from app.doctor.visits import Answer, NoAnswer, Visit, visit
from app.flows import sites
from app.flows.sites import KnownSite
from app.site import load

SPOOFED = {"Remote-User": "root", "Remote_User": "root", "Accept": "text/html"}
SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "ZG9jdG9yIGRvY3RvciBkbw==",
}
SIGN_IN, FORBIDDEN = 401, 403
SAMPLE = "Compare its proxy with: python -m app sites sample {origin} --for nginx (or caddy …)"


async def look(config: Config, url: URL) -> list[Finding]:
    """Visit each site that lets somebody in, and return what is found."""
    found = await asyncio.gather(*(_visit(site, config) for site in await _sites(config, url)))
    return list(found)


async def _sites(config: Config, url: URL) -> list[KnownSite]:
    """Return the sites; none where the database has something else to complain of."""
    engine = make_engine(url, pool_size=1, overflow=0, pooled=config.database_pooled)
    try:
        if schema.is_behind(await schema.revisions(engine), load(config.site)):
            return []
        async with opened_for_operator(config, url) as ctx:
            return [site for site in await sites.everything(ctx) if site.enabled]
    except Exception as error:
        if not is_away(error):
            raise
        return []
    finally:
        await engine.dispose()


async def _visit(site: KnownSite, config: Config) -> Finding:
    start, page, socket = await asyncio.gather(
        visit(site.origin, "/.vestibule/start?to=/"),
        visit(site.origin, "/", SPOOFED),
        visit(site.origin, "/", SOCKET),
    )
    return judge(site, config, start=start, page=page, socket=socket)


def judge(site: KnownSite, config: Config, *, start: Visit, page: Visit, socket: Visit) -> Finding:
    """Return what the visits of a site say."""
    check = f"site {urlsplit(site.origin).netloc}"
    for each in (start, page):
        if isinstance(each, NoAnswer):
            return warning(check, f"{site.origin} can't be reached from here: {each.why}")
    assert isinstance(start, Answer)  # noqa: S101 - for mypy
    assert isinstance(page, Answer)  # noqa: S101 - likewise
    sample = SAMPLE.format(origin=site.origin)
    to = next(iter(start.all("Location")), "")
    if start.status not in REDIRECTS or not to.startswith(f"{config.public_url}/gate?"):
        return wrong(check, f"its proxy doesn't hand /.vestibule/ to the login. {sample}")
    is_open = site.need == "public" or site.paths.get("/") == "public"
    if is_open:
        return ok(check, "its first page is public; /.vestibule/ leads to the login")
    to = next(iter(page.all("Location")), "")
    is_asked = page.status == SIGN_IN or to.startswith(f"{site.origin}/.vestibule/start")
    if not is_asked:
        return wrong(
            check,
            f"its first page answers a stranger with {page.status} instead of asking them to sign "
            f"in. {sample}",
        )
    said = socket.status if isinstance(socket, Answer) else socket.why
    if said not in {SIGN_IN, FORBIDDEN, *REDIRECTS}:
        return wrong(check, f"it answers a WebSocket of a stranger with {said}. {sample}")
    return ok(check, "strangers are asked to sign in, also those who claim to be someone")
