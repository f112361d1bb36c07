"""Where emails would go, if none is sent; whether the mail server would take one."""

from collections.abc import AsyncIterator

import pytest

from app.doctor import mail
from app.doctor.findings import Level
from tests.doctor.checks import LAPTOP, SITE, check
from tests.mailers import with_mail
from tests.mailserver import MailServer, mail_server


def test_a_public_site_needs_a_mail_server() -> None:
    check(mail.without_email(SITE, is_wanted=False), Level.WRONG, "only go to the log")


def test_on_a_laptop_the_log_will_do_unless_an_email_is_asked_for() -> None:
    check(mail.without_email(LAPTOP, is_wanted=False), Level.OK, "emails go to the log")
    check(mail.without_email(LAPTOP, is_wanted=True), Level.WRONG, "only go to the log")


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


async def test_a_mail_server_that_is_not_there_is_wrong() -> None:
    nowhere = with_mail(SITE, "smtp://127.0.0.1:1?tls=none")
    check(await mail.look(nowhere, None), Level.WRONG, "can't be used")
    unknown = with_mail(SITE, "smtp://mail.nothing.invalid:25?tls=none")
    check(await mail.look(unknown, None), Level.WRONG, "can't be used")


async def test_one_that_answers_is_well_and_gets_nothing(server: MailServer) -> None:
    there = with_mail(SITE, f"smtp://127.0.0.1:{server.port}?tls=none")
    check(await mail.look(there, None), Level.OK, "answers. To send a test email")
    assert not server.messages
