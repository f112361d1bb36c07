"""The files that users are read from and written to."""

import os
from pathlib import Path
from typing import TextIO

import click

from app.transfer.rows import FileFormat

ENDINGS = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
    ".json": FileFormat.JSONL,
}
STANDARD = "-"
FORMATS = click.Choice([form.value for form in FileFormat])
PRIVATE = 0o600


def format_of(name: str, form: str | None) -> FileFormat:
    """Return the format of a file: as it is said, or as its ending says."""
    found = form or ENDINGS.get(Path(name).suffix.lower())
    if found is None:
        raise click.UsageError(
            "Unknown format. Add --format csv or --format jsonl. Restore a dump (.sql) "
            "into a database first."
        )
    return FileFormat(found)


def private(name: str, flag: int) -> TextIO:
    """Create a file that only its owner can read."""
    try:
        number = os.open(name, os.O_WRONLY | os.O_CREAT | flag, PRIVATE)
    except FileExistsError:
        raise click.UsageError(f"{name} already exists. Choose another name.") from None
    except OSError as error:
        raise click.UsageError(f"Couldn't write {name}: {error.strerror}.") from None
    return os.fdopen(number, "w", encoding="utf-8", newline="")


def users_in_words(number: int) -> str:
    """Say a number of users."""
    return "1 user" if number == 1 else f"{number:,} users"
