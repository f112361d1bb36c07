"""One function for each mail that we write. They say what happened; sending is the mailer's."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from textwrap import fill

from jinja2 import Environment, StrictUndefined, select_autoescape

from app.kit import templates
from app.kit.links import KEEP_VALID_DAYS, NOT_ME_VALID_DAYS
from app.mail.message import Brand, Message

ALWAYS = {"site", "subject", "username"}


@cache  # bounded by the sites
def environment(own: Path | None) -> Environment:
    """Return what emails are rendered by: the site's own templates, then ours."""
    made = Environment(
        loader=templates.loader(own),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["wrapped"] = lambda text: fill(text, 76, break_long_words=False)
    return made


def unknown_variables(name: str, own: Path) -> set[str]:
    """Return which variables an email of the site's own uses that ours of this name does not get.

    What is no email of ours is left alone.
    """
    ours, rendering = templates.FOLDER / name, environment(own)
    if not ours.is_file():
        return set()
    given = templates.variables(rendering, ours) | ALWAYS
    return templates.variables(rendering, own / name) - given


def confirm_address(*, to: str, site: Brand, username: str, link: str, valid_hours: int) -> Message:
    """Ask the owner of an address to confirm an account."""
    subject = f"Confirm your address for {site}"
    return _message(
        "confirm", to, subject, site=site, username=username, link=link, valid_hours=valid_hours
    )


def already_registered(*, to: str, site: Brand, username: str, login_url: str) -> Message:
    """Tell the owner of a confirmed account that somebody registered its address again."""
    subject = f"You already have an account at {site}"
    return _message("already_registered", to, subject, site=site, username=username, link=login_url)


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
    return _message(
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
    return _message(
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
    return _message("address_in_use", to, subject, site=site, username=username, link=login_url)


def password_disabled(*, to: str, site: Brand, username: str, reset_url: str) -> Message:
    """Tell a user that strangers have tried too many passwords."""
    subject = f"Your password at {site} was turned off"
    return _message("password_disabled", to, subject, site=site, username=username, link=reset_url)


def deletion_scheduled(
    *, to: str, site: Brand, username: str, link: str, not_me: str, day: str
) -> Message:
    """Tell a user when their account will be deleted, and how to keep it."""
    subject = f"Your account at {site} will be deleted"
    return _message(
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


def password_changed(
    *, to: str, site: Brand, username: str, browser: str, ip: str, link: str
) -> Message:
    """Tell a user that there is another password now."""
    subject = f"Your password at {site} was changed"
    return _notice(to, subject, f"{subject}.", site, username, browser, ip, link)


def username_changed(
    *, to: str, site: Brand, username: str, browser: str, ip: str, link: str
) -> Message:
    """Tell a user that they have another username now."""
    subject = f"Your username at {site} was changed"
    return _notice(to, subject, f"{subject} to {username}.", site, username, browser, ip, link)


def new_browser(
    *, to: str, site: Brand, username: str, browser: str, ip: str, link: str
) -> Message:
    """Tell a user that somebody signed in from a browser not seen before."""
    what = (
        f"Someone (hopefully you) signed in to {site} from a browser you haven't used here before."
    )
    return _notice(to, f"New sign-in to {site}", what, site, username, browser, ip, link)


def email_asked(
    *, to: str, site: Brand, username: str, email: str, browser: str, ip: str, link: str
) -> Message:
    """Tell the owner of the old address that another one was named."""
    what = (
        f"Someone (hopefully you) asked to change the email address of your account at {site} to "
        f"{email}. This address stays until the new one is confirmed."
    )
    subject = f"Your address at {site} is about to change"
    return _notice(to, subject, what, site, username, browser, ip, link)


def email_changed(
    *, to: str, site: Brand, username: str, email: str, browser: str, ip: str, link: str
) -> Message:
    """Tell the owner of the old address that the account has another one now."""
    what = f"The email address of your account at {site} was changed to {email}."
    subject = f"Your address at {site} was changed"
    return _notice(to, subject, what, site, username, browser, ip, link)


def factors_changed(
    *, to: str, site: Brand, username: str, what: str, browser: str, ip: str, link: str
) -> Message:
    """Tell a user that a second factor came or went."""
    return _notice(
        to,
        f"Your second factors at {site} were changed",
        site=site,
        username=username,
        what=f"Something changed in your account at {site}: {what}",
        browser=browser,
        ip=ip,
        link=link,
    )


def recovery_code_used(
    *, to: str, site: Brand, username: str, left: str, browser: str, ip: str, link: str
) -> Message:
    """Tell a user that a recovery code was used."""
    return _notice(
        to,
        f"A recovery code was used at {site}",
        site=site,
        username=username,
        what=f"Someone (hopefully you) used one of your recovery codes at {site}. You have {left} "
        "left.",
        browser=browser,
        ip=ip,
        link=link,
    )


def app_disabled(
    *, to: str, site: Brand, username: str, browser: str, ip: str, link: str
) -> Message:
    """Tell a user that somebody who knows their password tried too many codes."""
    return _notice(
        to,
        f"Your authenticator app at {site} was turned off",
        site=site,
        username=username,
        what=f"Someone who knows your password tried a hundred wrong codes at {site}. None of them "
        "worked. To be safe, codes of your authenticator app no longer work. Sign in with a "
        "passkey or a recovery code, then change your password.",
        browser=browser,
        ip=ip,
        link=link,
    )


def lost_factor(*, to: str, site: Brand, username: str, link: str, valid_minutes: int) -> Message:
    """Send the link on which a user asks for their lost second factor to be removed."""
    return _message(
        "lost_factor",
        to,
        f"Lost your second factor at {site}?",
        site=site,
        username=username,
        link=link,
        valid_minutes=valid_minutes,
    )


def factors_to_be_removed(
    *, to: str, site: Brand, username: str, link: str, day: str, valid_days: int
) -> Message:
    """Tell a user when their second factors will be removed, and how to stop it."""
    return _message(
        "factors_to_be_removed",
        to,
        f"Your second factors at {site} will be removed",
        site=site,
        username=username,
        link=link,
        day=day,
        valid_days=valid_days,
    )


def factors_removed(*, to: str, site: Brand, username: str, link: str) -> Message:
    """Tell a user that their second factors are gone: after the wait, or by an operator."""
    return _message(
        "factors_removed",
        to,
        f"Your second factors at {site} were removed",
        site=site,
        username=username,
        link=link,
        valid_days=NOT_ME_VALID_DAYS,
    )


def _notice(
    to: str, subject: str, what: str, site: Brand, username: str, browser: str, ip: str, link: str
) -> Message:
    now = datetime.now(UTC)
    return _message(
        "notice", to, subject, site=site, username=username, what=what, browser=browser, ip=ip,
        link=link, when=f"{now.day} {now:%B %Y, %H:%M} UTC", valid_days=NOT_ME_VALID_DAYS,
    )  # fmt: skip


def invitation(*, to: str, site: Brand, username: str, link: str, valid_hours: int) -> Message:
    """Let somebody in whom an administrator made an account for."""
    subject = f"Your account at {site}"
    return _message(
        "invitation", to, subject, site=site, username=username, link=link, valid_hours=valid_hours
    )


def account_deleted(*, to: str, site: Brand, username: str, register_url: str) -> Message:
    """Tell somebody who asked for it that their account is gone: the last email to them."""
    subject = f"Your account at {site} has been deleted"
    return _message("account_deleted", to, subject, site=site, username=username, link=register_url)


def _message(name: str, to: str, subject: str, *, site: Brand, **facts: str | int) -> Message:
    found = environment(site.templates)
    shown = facts | {"site": site.name}
    text = found.get_template(f"mail/{name}.txt").render(shown)
    html = found.get_template(f"mail/{name}.html").render(shown, subject=subject)
    return Message(to, " ".join(subject.split()), text, html, _good_for(facts))


def _good_for(facts: Mapping[str, str | int]) -> timedelta | None:
    """Return how long an email's link works, as the email itself says; None if it has no end."""
    units = [unit for unit in ("days", "hours", "minutes") if f"valid_{unit}" in facts]
    return timedelta(**{unit: float(facts[f"valid_{unit}"]) for unit in units}) if units else None
