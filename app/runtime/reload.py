"""Restarting the server when a file changes: for whoever writes a site's own pages."""

import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click
from watchfiles import run_process

from app.kit import templates

STOP_SECONDS = 30


def run(site: str | None, arguments: Sequence[str]) -> None:
    """Serve in a process of its own, and again after each change, until Ctrl+C.

    Where a mistake has stopped the server, the next change starts it again.
    """
    command = shlex.join([sys.executable, "-m", "app", "serve", *arguments])
    run_process(
        *_folders(site), target=command, target_type="command",
        sigint_timeout=STOP_SECONDS, callback=lambda _: click.echo("Changed. Restarting ..."),
    )  # fmt: skip


def _folders(site: str | None) -> list[Path]:
    """Return what is watched: the program, its templates, and a site's package."""
    program = Path(__file__).parents[1]
    found = find_spec(site) if site and site.isidentifier() else None
    own = found.submodule_search_locations if found else None
    return [program, templates.FOLDER, *map(Path, own or [])]
