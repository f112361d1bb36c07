"""The emails about second factors. See ``app.mail.messages``."""

from app.kit.links import NOT_ME_VALID_DAYS
from app.mail.message import Brand, Message
from app.mail.rendering import message, notice


def factors_changed(
    *, to: str, site: Brand, username: str, what: str, browser: str, ip: str, when: str, link: str
) -> Message:
    """Tell a user that a second factor came or went."""
    return notice(
        to,
        f"Your second factors at {site} were changed",
        site=site,
        username=username,
        what=f"Something changed in your account at {site}: {what}",
        browser=browser,
        ip=ip,
        when=when,
        link=link,
    )


def recovery_code_used(
    *, to: str, site: Brand, username: str, left: str, browser: str, ip: str, when: str, link: str
) -> Message:
    """Tell a user that a recovery code was used."""
    return notice(
        to,
        f"A recovery code was used at {site}",
        site=site,
        username=username,
        what=f"Someone (hopefully you) used one of your recovery codes at {site}. You have {left} "
        "left.",
        browser=browser,
        ip=ip,
        when=when,
        link=link,
    )


def app_disabled(
    *, to: str, site: Brand, username: str, browser: str, ip: str, when: str, link: str
) -> Message:
    """Tell a user that somebody who knows their password tried too many codes."""
    return notice(
        to,
        f"Your authenticator app at {site} was turned off",
        site=site,
        username=username,
        what=f"Someone who knows your password tried a hundred wrong codes at {site}. None of them "
        "worked. To be safe, codes of your authenticator app no longer work. Sign in with a "
        "passkey or a recovery code, then change your password.",
        browser=browser,
        ip=ip,
        when=when,
        link=link,
    )


def lost_factor(*, to: str, site: Brand, username: str, link: str, valid_minutes: int) -> Message:
    """Send the link on which a user asks for their lost second factor to be removed."""
    return message(
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
    return message(
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
    return message(
        "factors_removed",
        to,
        f"Your second factors at {site} were removed",
        site=site,
        username=username,
        link=link,
        valid_days=NOT_ME_VALID_DAYS,
    )
