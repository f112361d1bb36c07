"""The check before each request to an application. Whatever is doubtful is no 2xx."""

import logging
import time
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote

from hypercorn.typing import HTTPScope
from prometheus_client import Counter

from app.context import Context
from app.flows import gate
from app.flows.gate_check import GatedSite, GateFound, GateOutcome, GateQuestion, judge, named
from app.gate import answers, heads
from app.gate.answers import GateAnswer
from app.gate.credentials import brought
from app.gate.heads import Check, Convention, Heads, from_nginx
from app.http.csrf import SAFE_METHODS
from app.kit.client import Client
from app.kit.errors import TooManyTries
from app.kit.metrics import GATE_CHECKS
from app.services import Services

log = logging.getLogger("app.gate")

SAID_AGAIN_SECONDS = 60
FORBIDDEN = "Your account can't open this page."
SIGN_IN = "You need to be signed in to see this page."
FORM = (b"www-authenticate", b'Form realm="login"')
BASIC = (b"www-authenticate", b'Basic realm="login", charset="UTF-8"')


class Checks:
    """Answers proxies. ``names`` are the bits of permissions."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._names = names
        self._noted: set[tuple[object, object]] = set()
        self._said: dict[str, float] = {}

    async def answer(
        self,
        scope: HTTPScope,
        given: Heads,
        services: Services,
        convention: Convention,
        client: Client,
    ) -> GateAnswer:
        """Answer a check.

        Raises:
            DatabaseAway: it does not answer.
        """
        check = convention(scope, given)
        if check is None:
            return self.garbled("the proxy's headers don't say what it asks about")
        credential = brought(given, check.origin)
        found = await services.at_gate(
            GateQuestion(check.origin, credential.digest, is_token=credential.is_token)
        )
        site = found.site
        if site is None:
            return self.garbled(f"there is no site at {check.origin}")
        if not credential.is_of(found.visitor):
            found = found._replace(visitor=None)
        is_foreign = heads.is_foreign(check, given)
        need = site.rules.need_of(check.path)
        outcome = judge(need, found.visitor, self._names, is_foreign=is_foreign)
        _counter(outcome).inc()
        if outcome is GateOutcome.PASSED:
            visitor = named(found.visitor, is_foreign=is_foreign)
            has_usernames = services.config.has_usernames
            return answers.passed(site, visitor, has_usernames=has_usernames)
        if outcome in {GateOutcome.ANONYMOUS, GateOutcome.FACTOR}:
            if credential.is_token:
                return await _wrong_token(services, client)
            return _sign_in(site, check, given, by_redirect=convention is not from_nginx)
        if outcome is GateOutcome.REFUSED:
            await self._note(found, services, client)
        return answers.page(403, "You don't have access", FORBIDDEN)

    def garbled(self, why: str) -> GateAnswer:
        """Refuse what cannot be understood, and tell the operator, but not for each request."""
        _counter("garbled").inc()
        now = time.monotonic()
        if now - self._said.get(why, -SAID_AGAIN_SECONDS) >= SAID_AGAIN_SECONDS:
            if len(self._said) >= SAID_AGAIN_SECONDS:  # who makes up sites fills no memory
                self._said.clear()
            self._said[why] = now
            log.warning("a check of the gate was refused: %s", why)
        return answers.page(403, "You don't have access", FORBIDDEN)

    async def _note(self, found: GateFound, services: Services, client: Client) -> None:
        site, visitor = found
        if site is None or visitor is None or visitor.session is None:
            return
        session_id = visitor.session.session_id
        if (session_id, site.id) in self._noted:
            return
        if len(self._noted) >= 1000:  # noqa: PLR2004 - only saves the database a question
            self._noted.clear()
        self._noted.add((session_id, site.id))
        async with services.session() as db:
            ctx = Context(db, services.config, services.hasher, client)
            await gate.note_refused(
                ctx,
                site_id=site.id,
                site=site.name,
                user_id=visitor.user_id,
                session_id=session_id,
            )


def _sign_in(site: GatedSite, check: Check, given: Heads, *, by_redirect: bool) -> GateAnswer:
    """Send a browser to the login; nginx does so itself: it takes no redirect from a check."""
    if not heads.is_browser_page(check.method, given):
        challenge = BASIC if heads.is_from_script(given) else FORM
        return answers.page(401, "Please sign in", SIGN_IN, more=[challenge])
    is_safe = check.method in SAFE_METHODS
    path = gate.page_there(check.target.decode("latin1") if is_safe else "/")
    start = f"{site.origin}{gate.OWN}/start?to={quote(path, safe='/')}"
    if by_redirect:
        return answers.redirect(start, status=302 if is_safe else 303)
    more = [(b"location", start.encode()), FORM]
    return answers.page(401, "Please sign in", SIGN_IN, more=more)


async def _wrong_token(services: Services, client: Client) -> GateAnswer:
    try:
        async with services.session() as db:
            ctx = Context(db, services.config, services.hasher, client)
            await gate.refuse_wrong_token(ctx)
    except TooManyTries as refusal:
        wait = (b"retry-after", str(refusal.retry_after).encode())
        return answers.page(429, "Too many attempts", "Please wait a little.", more=[wait])
    sentence = "This token isn't valid here. It may have expired, or be for another site."
    return answers.page(401, "Please sign in", sentence, more=[BASIC])


@cache  # bounded by the outcomes
def _counter(outcome: str) -> Counter:
    return GATE_CHECKS.labels(str(outcome))
