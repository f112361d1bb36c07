"""One function for each mail that we write. They say what happened; sending is the postman's."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.kit.letter import Letter

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def confirm_address(*, to: str, site: str, username: str, link: str, valid_hours: int) -> Letter:
    """Ask the owner of an address to confirm an account."""
    subject = f"Confirm your address for {site}"
    return _letter(
        "confirm", to, subject, site=site, username=username, link=link, valid_hours=valid_hours
    )


def already_registered(*, to: str, site: str, username: str, login_url: str) -> Letter:
    """Tell the owner of a confirmed account that somebody registered its address again."""
    subject = f"You already have an account at {site}"
    return _letter("already_registered", to, subject, site=site, username=username, link=login_url)


def account_erased(*, to: str, site: str, username: str, register_url: str) -> Letter:
    """Tell somebody who asked for it that his account is gone: the last letter to him."""
    subject = f"Your account at {site} is gone"
    return _letter("account_erased", to, subject, site=site, username=username, link=register_url)


def _letter(name: str, to: str, subject: str, **facts: str | int) -> Letter:
    text = _TEMPLATES.get_template(f"mail/{name}.txt").render(facts)
    html = _TEMPLATES.get_template(f"mail/{name}.html").render(facts, subject=subject)
    return Letter(to, " ".join(subject.split()), text, html)
