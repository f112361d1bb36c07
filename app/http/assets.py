"""Static files, under a path that changes with them, so that browsers may keep them."""

import hashlib
from functools import cache
from pathlib import Path

STATIC_DIR = Path(__file__).parent.parent / "web" / "static"


@cache  # bounded by the sites
def static_path(own: Path | None = None, made: tuple[bytes, ...] = ()) -> str:
    """Return the path, like ``/static/1f3a…``, named by a digest of all the files.

    ``own``: the folder of the site's, whose files come before ours. ``made``: those that the
    settings change.
    """
    digest = hashlib.sha256(b"\0".join(made))
    for folder in (STATIC_DIR, own):
        for path in sorted(folder.rglob("*") if folder else ()):
            if path.is_file():
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"/static/{digest.hexdigest()[:16]}"
