"""Takes emails from the outbox and sends them by SMTP; without a mail server, to the log."""

import asyncio
import logging
import time
from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from app.config import Config
from app.context import operator_context
from app.db import Sessions, make_engine, make_sessions
from app.db_errors import is_away
from app.flows.delivery import (
    CHANNEL,
    Delivery,
    Outcome,
    Send,
    deliver_next,
    seconds_until_due,
)
from app.kit.metrics import EMAILS
from app.kit.stopping import wait_for
from app.mail.message import NoServer, Posted
from app.mail.smtp import MailServer

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1  # while nobody tells us of new emails
LOOK_ANYWAY_SECONDS = 15  # while PostgreSQL does
LOOK_AGAIN_SECONDS = 0.1
CHECK_BELL_SECONDS = 60
IDLE_SECONDS = 5
FINISH_SECONDS = 5
DATABASE_RETRY_SECONDS = 3
LONGEST_PAUSE_SECONDS = 20


async def deliver(config: Config, url: URL, stop: asyncio.Event) -> None:
    """Deliver until ``stop`` is set; the email in hand then has some seconds left."""
    pooled = config.database_pooled
    engine = make_engine(url, pool_size=2, overflow=0, pooled=pooled)  # one of them listens
    bell = _Bell(engine)
    rounds = asyncio.create_task(_Rounds(config, make_sessions(engine), bell, stop).walk())
    listening = None if pooled else asyncio.create_task(bell.listen())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([rounds, stopped], return_when=asyncio.FIRST_COMPLETED)
    bell.rung.set()
    await asyncio.wait([rounds], timeout=FINISH_SECONDS)
    tasks = [task for task in (rounds, listening, stopped) if task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await engine.dispose()
    if not rounds.cancelled():
        rounds.result()  # what nobody expected ends the process with its traceback


async def write_to_log(posted: Posted) -> None:
    """Deliver an email by writing it to the log: there is no other way to its reader."""
    log.info("Email to %s: %s\n\n%s", posted.to, posted.subject, posted.text)


class _Bell:
    """Rings when an email was put into the outbox: PostgreSQL tells who listens."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.rung = asyncio.Event()
        self.is_heard = False

    async def listen(self) -> None:
        """Listen for ever, on a connection of its own that is opened anew when it is lost."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                if not is_away(error):
                    log.exception("couldn't listen for new emails")
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        async with self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                driver.add_termination_listener(lambda _: lost.set())
                await driver.add_listener(CHANNEL, lambda *_: self.rung.set())
                self.is_heard = True
                self.rung.set()  # for what was put there before
                while not await wait_for(lost, CHECK_BELL_SECONDS):
                    await driver.execute("SELECT 1")
            finally:
                self.is_heard = False
                await connection.invalidate()


class _Rounds:
    """The mailer's rounds: deliver all that is due, rest, look again."""

    def __init__(
        self, config: Config, sessions: Sessions, bell: _Bell, stop: asyncio.Event
    ) -> None:
        self._config = config
        self._sessions = sessions
        self._bell = bell
        self._stop = stop
        self._retry_days = config.mail_retry_days
        self._server = _mail_server(config)
        self._idle_at = 0.0
        self._troubles = 0
        self._told = ""

    async def walk(self) -> None:
        """Deliver until stopped. A database that is away is waited for."""
        try:
            while not self._stop.is_set():
                self._bell.rung.clear()
                try:
                    await self._rest(await self._empty())
                except Exception as error:
                    if not is_away(error):
                        log.exception("couldn't send an email")
                    await wait_for(self._stop, DATABASE_RETRY_SECONDS)
        finally:
            if self._server is not None:
                await self._server.close()

    async def _empty(self) -> float:
        """Deliver all that is due; return for how many seconds to rest."""
        send: Send = self._server.send if self._server else write_to_log
        async with self._sessions() as db:
            ctx = operator_context(db, self._config)
            while not self._stop.is_set():
                began = time.monotonic()
                delivery = await deliver_next(ctx, send, retry_days=self._retry_days)
                if delivery is None:
                    break
                self._note(delivery)
                if isinstance(delivery.problem, NoServer):
                    await wait_for(self._stop, self._pause(time.monotonic() - began))
            due = await seconds_until_due(ctx)
        look = LOOK_ANYWAY_SECONDS if self._bell.is_heard else LOOK_EVERY_SECONDS
        return look if due is None else min(look, max(due, LOOK_AGAIN_SECONDS))

    async def _rest(self, seconds: float) -> None:
        """Wait that long or until the bell rings; hang up when the mail server is idle."""
        end = time.monotonic() + seconds
        if self._server and self._server.is_connected:
            if await wait_for(self._bell.rung, min(end, self._idle_at) - time.monotonic()):
                return
            if time.monotonic() >= self._idle_at:
                await self._server.close()
        await wait_for(self._bell.rung, end - time.monotonic())

    def _note(self, delivery: Delivery) -> None:
        """Take notice of what became of an email: all outcomes pass here."""
        EMAILS.labels(delivery.outcome).inc()
        self._idle_at = time.monotonic() + IDLE_SECONDS
        problem = delivery.problem
        if isinstance(problem, NoServer):
            self._troubles += 1
            if problem.trouble != self._told:
                log.warning("emails can't be sent: %s", problem.trouble)
            self._told = problem.trouble
        elif self._troubles:
            log.info("emails are sent again")
            self._troubles, self._told = 0, ""
        if problem is not None and delivery.outcome is not Outcome.NO_SERVER:
            may_be_mended = delivery.outcome is Outcome.PUT_OFF and problem.code >= 500  # noqa: PLR2004
            is_usual = delivery.outcome is Outcome.PUT_OFF and not may_be_mended
            log.log(
                logging.INFO if is_usual else logging.WARNING,
                "email %s to a user at %s: %s (%s)",
                delivery.email_id,
                delivery.domain,
                delivery.outcome,
                problem.trouble if may_be_mended else f"code {problem.code}",
            )

    def _pause(self, spent: float) -> float:
        """Return how long to leave a server in trouble alone, counted from the start of the try."""
        doublings = min(self._troubles - 1, 10)  # however long it lasts
        return max(1.0, min(2.0**doublings, LONGEST_PAUSE_SECONDS) - spent)


def _mail_server(config: Config) -> MailServer | None:
    relay = config.relay
    if relay is None:
        log.info("SMTP_URL isn't set, so emails are written to this log")
        return None
    log.info("emails go to %s", relay)
    return MailServer(relay, config.mail_from or "", greeting=config.greeting, logo=config.logo)
