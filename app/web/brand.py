"""How the site's brand stands on pages: made once, at the start."""

from markupsafe import Markup

from app.config import Config

ARCH = Markup(
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
    '<path class="mark-arch" d="M5 29V14a11 11 0 0 1 22 0v15z" />'
    '<path class="mark-door" d="M11 29V15.500a5 5 0 0 1 10 0V29z" />'
    '<path class="mark-leaf" d="M11 29V15.500a5 5 0 0 1 5-5v21z" /></svg>'
)
_LINK = Markup('<a href="{}">{}</a>')


def mark(config: Config, *, static: str) -> Markup:
    """Return the logo, or the arch; the site's name stands beside it."""
    if config.logo is None:
        return ARCH
    return Markup('<img class="mark" src="{}/{}" alt="">').format(static, config.logo.name)


def support(config: Config) -> Markup | None:
    """Return a link to where users find help, None if there is none."""
    if config.support is None:
        return None
    words = "Contact support" if config.support_url else config.support_email
    return _LINK.format(config.support, words)


def footer(config: Config) -> Markup:
    """Return the foot of all pages, empty if nothing stands there."""
    links = [_LINK.format(link.url, link.label) for link in config.footer_links]
    if config.support is not None:
        links.append(_LINK.format(config.support, "Help"))
    if not links:
        return Markup()
    items = Markup().join(Markup("<li>{}</li>").format(link) for link in links)
    return Markup("<footer><ul>{}</ul></footer>").format(items)
