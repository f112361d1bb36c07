"""Icons, as inline SVG: those of Lucide (ISC licence, beside them) that pages use."""

import re
from pathlib import Path

from jinja2.ext import Extension
from markupsafe import Markup

# The kind of a flash message, as ``flash(text, kind)`` names it, and its icon. Without a kind it
# tells that something was done.
OF_FLASHES = {"info": "info", "warning": "triangle-alert", "error": "circle-alert"}
FOLDER = Path(__file__).parent / "lucide"
_INSIDE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


def _read(path: Path) -> Markup:
    """Return an icon for pages; how it looks is the stylesheet's. The file is ours."""
    found = _INSIDE.search(path.read_text())
    drawn = " ".join(found[1].split()) if found else ""
    return Markup(  # noqa: S704
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{drawn}</svg>'
    )


_CALL = re.compile(r"\{\{ icon\(\"([a-z0-9-]+)\"\) \}\}")
ICONS = {path.stem: _read(path) for path in sorted(FOLDER.glob("*.svg"))}


class Icons(Extension):
    """Draws the icons that a template names when it is read, not each time it is rendered."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        """Replace each call by what it returns; an unknown icon is told when it is rendered."""
        return _CALL.sub(lambda call: ICONS.get(call[1], Markup(call[0])), source)  # noqa: S704


def icon(name: str) -> Markup:
    """Return an icon by Lucide's name for it, like ``circle-check``.

    Raises:
        LookupError: there is no such file in ``lucide``.
    """
    found = ICONS.get(name)
    if found is None:
        raise LookupError(f"there is no icon “{name}” in app/web/lucide")
    return found
