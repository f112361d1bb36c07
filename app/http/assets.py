"""Static files, under a path that changes with them, so that browsers may keep them."""

import hashlib
from functools import lru_cache
from pathlib import Path

STATIC_DIR = Path(__file__).parent.parent / "web" / "static"


@lru_cache(maxsize=1)
def static_path() -> str:
    """Return the path, like ``/static/1f3a…``, named by a digest of all the files."""
    digest = hashlib.sha256()
    for path in sorted(STATIC_DIR.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"/static/{digest.hexdigest()[:16]}"
