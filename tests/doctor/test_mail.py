"""Where emails would go, if none is sent."""

from app.doctor import mail
from app.doctor.findings import Level
from tests.doctor.checks import LAPTOP, SITE, check
from tests.mailers import with_mail


def test_a_public_site_needs_a_mail_server() -> None:
    check(mail.without_email(SITE, is_wanted=False), Level.WRONG, "only go to the log")
    sending = with_mail(SITE, "smtp://mail.example.com")
    check(mail.without_email(sending, is_wanted=False), Level.OK, "--to you@example.com")


def test_on_a_laptop_the_log_will_do_unless_an_email_is_asked_for() -> None:
    check(mail.without_email(LAPTOP, is_wanted=False), Level.OK, "emails go to the log")
    check(mail.without_email(LAPTOP, is_wanted=True), Level.WRONG, "only go to the log")
