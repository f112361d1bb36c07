"""Deployments to look at, and what is found there."""

from app.config import Config
from app.doctor.findings import Finding, Level

KEY = "8hGf2-vQ5xZ0rTn7Lw3KsYb9JpCd4MaE"
SITE = Config.model_validate({"secret_key": KEY, "public_url": "https://login.example.com"})
LAPTOP = Config.model_validate({"secret_key": KEY})


def check(finding: Finding | None, level: Level, words: str) -> None:
    assert finding is not None
    assert (finding.level, words in finding.says) == (level, True), finding
