"""Packages of an owner's own, written for a test."""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.config import Config
from tests.conftest import SETTINGS

WriteSite = Callable[[Mapping[str, str]], str]


@pytest.fixture
def write_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteSite:
    """Return what writes files as a package and returns its name, which no other test has."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(files: Mapping[str, str]) -> str:
        name = f"site_{uuid.uuid4().hex[:8]}"
        for path, text in {"__init__.py": "", **files}.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return name

    return write


def config_of(site: str, **more: object) -> Config:
    """Return the settings of the tests with a site."""
    return Config.model_validate(SETTINGS | {"site": site} | more)
