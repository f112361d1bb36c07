"""The emails about second factors. See ``app.mail.messages``."""

from typing import Unpack

from app.kit.links import NOT_ME_VALID_DAYS
from app.mail.message import Brand, Message
from app.mail.rendering import NoticeFacts, message, notice


def factors_changed(*, what: str, **told: Unpack[NoticeFacts]) -> Message:
    """Tell a user that a second factor came or went."""
    site = told["site"]
    what = f"Something changed in your account at {site}: {what}"
    return notice(f"Your second factors at {site} were changed", what, **told)


def recovery_code_used(*, left: str, **told: Unpack[NoticeFacts]) -> Message:
    """Tell a user that a recovery code was used."""
    site = told["site"]
    what = (
        f"Someone (hopefully you) used one of your recovery codes at {site}. You have {left} left."
    )
    return notice(f"A recovery code was used at {site}", what, **told)


def app_disabled(**told: Unpack[NoticeFacts]) -> Message:
    """Tell a user that somebody who knows their password tried too many codes."""
    site = told["site"]
    what = (
        f"Someone who knows your password tried a hundred wrong codes at {site}. None of them "
        "worked. To be safe, codes of your authenticator app no longer work. Sign in with a "
        "passkey or a recovery code, then change your password."
    )
    return notice(f"Your authenticator app at {site} was turned off", what, **told)


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
