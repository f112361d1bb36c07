"""How the site's brand stands on pages: made once, at the start."""

from markupsafe import Markup

ARCH = Markup(
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">'
    '<path class="mark-arch" d="M5 29V14a11 11 0 0 1 22 0v15z" />'
    '<path class="mark-door" d="M11 29V15.500a5 5 0 0 1 10 0V29z" />'
    '<path class="mark-leaf" d="M11 29V15.500a5 5 0 0 1 5-5v21z" /></svg>'
)
