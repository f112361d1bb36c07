"""One function for each mail that we write. They say what happened; sending is the mailer's."""

from typing import Unpack

from app.kit.links import KEEP_VALID_DAYS, NOT_ME_VALID_DAYS
from app.mail.message import Brand, Message
from app.mail.rendering import NoticeFacts, message, notice


def confirm_address(*, to: str, site: Brand, username: str, link: str, valid_hours: int) -> Message:
    """Ask the owner of an address to confirm an account."""
    subject = f"Confirm your address for {site}"
    return message(
        "confirm", to, subject, site=site, username=username, link=link, valid_hours=valid_hours
    )


def already_registered(*, to: str, site: Brand, username: str, login_url: str) -> Message:
    """Tell the owner of a confirmed account that somebody registered its address again."""
    subject = f"You already have an account at {site}"
    return message("already_registered", to, subject, site=site, username=username, link=login_url)


def reset_password(
    *, to: str, site: Brand, username: str, link: str, valid_minutes: int
) -> Message:
    """Send the link on which a forgotten password is replaced."""
    why = f"Someone (hopefully you) asked for a new password for your account at {site}."
    return _reset(to, site, username, link, valid_minutes, why)


def reset_by_operator(
    *, to: str, site: Brand, username: str, link: str, valid_minutes: int
) -> Message:
    """Send the same link, because an administrator wants it."""
    why = f"An administrator of {site} has sent you a link to choose a new password."
    return _reset(to, site, username, link, valid_minutes, why)


def reset_after_not_me(
    *, to: str, site: Brand, username: str, link: str, valid_minutes: int
) -> Message:
    """Send the same link, because the owner has taken the account back."""
    why = (
        f"You've protected your account at {site}. Every browser is signed out, and the old "
        "password no longer works."
    )
    return _reset(to, site, username, link, valid_minutes, why)


def reset_to_confirm(
    *, to: str, site: Brand, username: str, link: str, valid_minutes: int
) -> Message:
    """Send the same link to somebody whose address nobody confirmed before they came here."""
    why = (
        f"You signed in to {site}, but your email address isn't confirmed yet. Choose a new "
        "password to confirm it."
    )
    return _reset(to, site, username, link, valid_minutes, why)


def _reset(to: str, site: Brand, username: str, link: str, valid_minutes: int, why: str) -> Message:
    return message(
        "reset",
        to,
        f"Choose a new password for {site}",
        site=site,
        username=username,
        link=link,
        valid_minutes=valid_minutes,
        why=why,
    )


def confirm_new_address(
    *, to: str, site: Brand, username: str, link: str, valid_minutes: int
) -> Message:
    """Ask the owner of an address whether an account may change to it."""
    subject = f"Confirm your new address for {site}"
    return message(
        "new_address",
        to,
        subject,
        site=site,
        username=username,
        link=link,
        valid_minutes=valid_minutes,
    )


def address_in_use(*, to: str, site: Brand, username: str, login_url: str) -> Message:
    """Tell the owner of an account that somebody wanted to change another one to its address."""
    subject = f"You already have an account at {site}"
    return message("address_in_use", to, subject, site=site, username=username, link=login_url)


def password_disabled(*, to: str, site: Brand, username: str, reset_url: str) -> Message:
    """Tell a user that strangers have tried too many passwords."""
    subject = f"Your password at {site} was turned off"
    return message("password_disabled", to, subject, site=site, username=username, link=reset_url)


def deletion_scheduled(
    *, to: str, site: Brand, username: str, link: str, not_me: str, day: str
) -> Message:
    """Tell a user when their account will be deleted, and how to keep it."""
    subject = f"Your account at {site} will be deleted"
    return message(
        "deletion_scheduled",
        to,
        subject,
        site=site,
        username=username,
        link=link,
        not_me=not_me,
        day=day,
        valid_days=KEEP_VALID_DAYS,
    )


def password_changed(**told: Unpack[NoticeFacts]) -> Message:
    """Tell a user that there is another password now."""
    subject = f"Your password at {told['site']} was changed"
    return notice(subject, f"{subject}.", **told)


def username_changed(**told: Unpack[NoticeFacts]) -> Message:
    """Tell a user that they have another username now."""
    subject = f"Your username at {told['site']} was changed"
    return notice(subject, f"{subject} to {told['username']}.", **told)


def username_set(*, to: str, site: Brand, username: str, link: str) -> Message:
    """Tell a user that an administrator gave them another username."""
    what = f"An administrator changed your username at {site} to {username}."
    return _by_administrator(to, f"Your username at {site} was changed", what, site, username, link)


def email_change_started(*, to: str, site: Brand, username: str, email: str, link: str) -> Message:
    """Tell a user at their present address that an administrator named another one."""
    what = (
        f"An administrator asked to change the email address of your account at {site} to "
        f"{email}. This address stays until the new one is confirmed."
    )
    subject = f"Your address at {site} is about to change"
    return _by_administrator(to, subject, what, site, username, link)


def _by_administrator(
    to: str, subject: str, what: str, site: Brand, username: str, link: str
) -> Message:
    return message(
        "changed_by_administrator", to, subject, site=site, username=username, what=what,
        link=link, valid_days=NOT_ME_VALID_DAYS,
    )  # fmt: skip


def new_browser(**told: Unpack[NoticeFacts]) -> Message:
    """Tell a user that somebody signed in from a browser not seen before."""
    site = told["site"]
    what = (
        f"Someone (hopefully you) signed in to {site} from a browser you haven't used here before."
    )
    return notice(f"New sign-in to {site}", what, **told)


def token_created(*, token: str, **told: Unpack[NoticeFacts]) -> Message:
    """Tell a user that there is a new token for scripts."""
    site = told["site"]
    what = (
        f"Someone (hopefully you) created the token “{token}” for your account at {site}. Scripts "
        "can use it without your password."
    )
    return notice(f"New token at {site}", what, **told)


def email_asked(*, email: str, **told: Unpack[NoticeFacts]) -> Message:
    """Tell the owner of the old address that another one was named."""
    site = told["site"]
    what = (
        f"Someone (hopefully you) asked to change the email address of your account at {site} to "
        f"{email}. This address stays until the new one is confirmed."
    )
    return notice(f"Your address at {site} is about to change", what, **told)


def email_changed(*, email: str, **told: Unpack[NoticeFacts]) -> Message:
    """Tell the owner of the old address that the account has another one now."""
    site = told["site"]
    what = f"The email address of your account at {site} was changed to {email}."
    return notice(f"Your address at {site} was changed", what, **told)


def invitation(*, to: str, site: Brand, username: str, link: str, valid_hours: int) -> Message:
    """Let somebody in whom an administrator made an account for."""
    subject = f"Your account at {site}"
    return message(
        "invitation", to, subject, site=site, username=username, link=link, valid_hours=valid_hours
    )


def account_deleted(*, to: str, site: Brand, username: str, register_url: str) -> Message:
    """Tell somebody who asked for it that their account is gone: the last email to them."""
    subject = f"Your account at {site} has been deleted"
    return message("account_deleted", to, subject, site=site, username=username, link=register_url)


def test_email(*, to: str, site: Brand, username: str, link: str) -> Message:
    """Show an administrator that emails get through."""
    subject = f"Test email from {site}"
    return message("test", to, subject, site=site, username=username, link=link)
