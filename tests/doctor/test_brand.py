"""What a doctor says of the brand."""

from pathlib import Path
from typing import Any

import pytest

from app.config import Config
from app.doctor import configuration
from app.doctor.findings import Level


def told(settings: dict[str, Any], **brand: object) -> tuple[Level, str]:
    found = configuration.brand(Config.model_validate({**settings, **brand}))
    return found.level, found.says


def test_a_logo_that_emails_cannot_show(settings: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "logo").write_text("<svg></svg>")
    level, says = told(settings, brand_logo=tmp_path / "logo")
    assert level is Level.WARNING
    assert "Use a PNG" in says


@pytest.mark.parametrize(
    ("brand", "words"),
    [
        ({}, "To show users a contact, set SUPPORT_URL or SUPPORT_EMAIL"),
        ({"support_url": "/help"}, "our own colours"),
        ({"brand_colour": "#0b3d91"}, "#0b3d91; text in it is shown as it is"),
        ({"brand_colour": "#ffcc00"}, "#ffcc00; text in it is shown as #826702, so that"),
    ],
)
def test_what_is_shown(settings: dict[str, Any], brand: dict[str, str], words: str) -> None:
    level, says = told(settings, **brand)
    assert level is Level.OK
    assert words in says
