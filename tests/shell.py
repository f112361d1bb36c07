"""Running commands."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from unittest.mock import patch

import pytest

from app.__main__ import main


class Shell:
    """Runs commands in one deployment; in this process, for a new one takes a second to start."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def run(self, *arguments: str, status: int = 0, **more: str) -> str:
        """Run a command; return what it says, on standard error if it fails."""
        code, said, complained = self._do(arguments, self.environ | more)
        assert code == status, said + complained
        assert "Traceback" not in complained
        return said if status == 0 else complained

    def _do(self, arguments: tuple[str, ...], environ: dict[str, str]) -> tuple[int, str, str]:
        said, complained = io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO())
        with (
            own_log(),
            patch.dict(os.environ, environ, clear=True),
            patch.object(sys, "argv", ["app", *arguments]),
            redirect_stdout(said),
            redirect_stderr(complained),
            pytest.raises(SystemExit) as end,
        ):
            main()
        for stream in (said, complained):
            stream.seek(0)
        return int(end.value.code or 0), said.read(), complained.read()


@contextmanager
def own_log() -> Iterator[None]:
    """Let a command have the log for itself, and close what it opened."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        yield
    finally:
        for handler in set(root.handlers) - set(before[0]):
            handler.close()
        root.handlers[:], root.level = before
