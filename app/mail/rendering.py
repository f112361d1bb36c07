"""Emails from templates: the site's own first, then ours."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from textwrap import fill
from typing import TypedDict, Unpack

from jinja2 import Environment, StrictUndefined, select_autoescape

from app.kit import templates
from app.kit.links import NOT_ME_VALID_DAYS
from app.mail.message import Brand, Message


class NoticeFacts(TypedDict):
    """What every email says of something that happened in an account.

    ``when`` is told in the user's time zone; by ``link`` they take the account back.
    """

    to: str
    site: Brand
    username: str
    browser: str
    ip: str
    when: str
    link: str


ALWAYS = {"site", "subject", "username", "brand", "to"}


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
    made.filters["wrapped"] = lambda text: fill(
        text, 76, break_long_words=False, break_on_hyphens=False
    )
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


def message(name: str, to: str, subject: str, *, site: Brand, **facts: str | int) -> Message:
    """Render an email by the two templates of this name, text and HTML."""
    found = environment(site.templates)
    shown = {**facts, "site": site.name, "brand": site, "to": to}
    if not site.shows_usernames:
        shown["username"] = to
    written = found.get_template(f"mail/{name}.txt").make_module({**shown, "subject": subject})
    subject, text = getattr(written, "subject", subject), str(written)
    text = f"{text.rstrip()}\n\n{found.get_template('mail/foot.txt').render(shown)}"
    html = found.get_template(f"mail/{name}.html").render(shown, subject=subject)
    return Message(to, " ".join(subject.split()), text, html, _good_for(facts))


def notice(subject: str, what: str, **told: Unpack[NoticeFacts]) -> Message:
    """Tell a user what happened in their account, and how to undo it."""
    return message("notice", subject=subject, what=what, valid_days=NOT_ME_VALID_DAYS, **told)


def _good_for(facts: Mapping[str, str | int]) -> timedelta | None:
    """Return how long an email's link works, as the email itself says; None if it has no end."""
    units = [unit for unit in ("days", "hours", "minutes") if f"valid_{unit}" in facts]
    return timedelta(**{unit: float(facts[f"valid_{unit}"]) for unit in units}) if units else None
