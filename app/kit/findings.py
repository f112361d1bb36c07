"""What a doctor finds: one line for each check."""

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


class Finding(NamedTuple):
    """``says`` is what is so and, unless all is well, what to do."""

    check: str
    level: Level
    says: str


def ok(check: str, says: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, says)


def warning(check: str, says: str) -> Finding:
    """It works, but not as well as it should."""
    return Finding(check, Level.WARNING, says)


def wrong(check: str, says: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(check, Level.WRONG, says)


def is_well(findings: list[Finding]) -> bool:
    """Whether nothing is wrong; warnings do not count."""
    return all(finding.level is not Level.WRONG for finding in findings)
