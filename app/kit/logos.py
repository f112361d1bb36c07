"""A site's logo: a small picture that browsers show, and most mail programs too."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

LARGEST_BYTES = 256 * 1024
# By how a file begins: its ending, and its type.
KINDS = {
    b"\x89PNG\r\n\x1a\n": ("png", "image/png"),
    b"\xff\xd8\xff": ("jpg", "image/jpeg"),
    b"GIF8": ("gif", "image/gif"),
}
SVG = ("svg", "image/svg+xml")


class Logo(NamedTuple):
    """A picture. ``name`` is what pages call it."""

    name: str
    kind: str
    content: bytes

    @property
    def is_for_emails(self) -> bool:
        """Whether mail programs show it: they know no SVG."""
        return self.kind != SVG[1]


@cache  # bounded by the settings
def read_logo(path: Path) -> Logo:
    """Return the picture of a file.

    Raises:
        ValueError: it cannot be read, is too large, or no picture that we know.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"can't read {path} ({type(error).__name__})") from error
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"{path} is larger than {LARGEST_BYTES // 1024} KB")
    found = next((kind for begin, kind in KINDS.items() if content.startswith(begin)), None)
    if found is None and b"<svg" in content[:1000].lower():
        found = SVG
    if found is None:
        raise ValueError(f"{path} must be an SVG, PNG, JPEG or GIF picture")
    ending, kind = found
    return Logo(f"logo.{ending}", kind, content)
