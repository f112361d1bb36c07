"""Rows of a file of people: CSV with a header, or JSON lines. Garbage is reported, a line each."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import BinaryIO, NamedTuple

from app.kit.errors import CannotRead

LINE_LONGEST = 100_000
NOT_TEXT = b"\xff\n"  # stands for a line that is too long
DELIMITERS = ",;\t"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")  # what a spreadsheet may take for more than text


class Format(StrEnum):
    """How a file of people is written."""

    CSV = "csv"
    JSONL = "jsonl"


class Row(NamedTuple):
    """One person's columns. ``line`` is where he begins: in a table, his id."""

    line: int
    values: Mapping[str, object]


class Problem(NamedTuple):
    """Why a line cannot be taken, in words for whom it belongs to. ``column`` may be empty."""

    line: int
    address: str
    column: str
    sentence: str


NO_TEXT = "This line is no text in UTF-8, or longer than a person's line can be."

Tick = Callable[[int], object]


def rows(file: BinaryIO, form: Format, tick: Tick) -> Iterator[Row | Problem]:
    """Return the rows of a file, in bounded memory; ``tick`` is told how many bytes are read.

    Raises:
        CannotRead: it has no header that names the column ``email``.
    """
    lines = _lines(file, tick)
    return _csv_rows(lines) if form is Format.CSV else _json_rows(lines)


def guarded(cell: str) -> str:
    """Return a cell as it may stand in a CSV that somebody opens in a spreadsheet.

    An apostrophe goes before what would be a formula, and before an apostrophe, so that
    ``unguarded`` gives the very same cell back.
    """
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def unguarded(cell: str) -> str:
    """Return what a cell was before it was ``guarded``."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def _lines(file: BinaryIO, tick: Tick) -> Iterator[str]:
    encoding = "utf-8-sig"
    while line := file.readline(LINE_LONGEST):
        tick(len(line))
        if len(line) == LINE_LONGEST and not line.endswith(b"\n"):
            _skip_line(file, tick)
            line = NOT_TEXT
        yield line.decode(encoding, errors="surrogateescape")
        encoding = "utf-8"


def _skip_line(file: BinaryIO, tick: Tick) -> None:
    while rest := file.readline(LINE_LONGEST):
        tick(len(rest))
        if rest.endswith(b"\n"):
            return


def _csv_rows(lines: Iterator[str]) -> Iterator[Row | Problem]:
    header = next(lines, "")
    delimiter = max(DELIMITERS, key=header.count)
    try:
        cells = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        cells = []
    names = [name.strip().lower() for name in cells]
    if "email" not in names:
        raise CannotRead(
            "The first line has to name the columns, one of them “email”, in UTF-8: like "
            "email,username,password_hash"
        )
    if len(set(names)) < len(names):
        raise CannotRead("The first line names a column twice.")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(line, "", "", f"This line is not CSV: {error}.")
            continue
        if cells:
            yield _csv_row(line, names, cells)


def _csv_row(line: int, names: list[str], cells: list[str]) -> Row | Problem:
    if not all(_is_text(cell) for cell in cells):
        return Problem(line, "", "", NO_TEXT)
    if len(cells) != len(names):
        return Problem(
            line, "", "", f"This line has {len(cells)} columns, the first one names {len(names)}."
        )
    return Row(line, dict(zip(names, map(unguarded, cells), strict=True)))


def _json_rows(lines: Iterator[str]) -> Iterator[Row | Problem]:
    for line, text in enumerate(lines, 1):
        if text.strip():
            yield _json_row(line, text)


def _json_row(line: int, text: str) -> Row | Problem:
    if not _is_text(text):
        return Problem(line, "", "", NO_TEXT)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Problem(line, "", "", "This line is not JSON.")
    if not isinstance(found, dict):
        return Problem(line, "", "", "This line is JSON, but no object with a person's columns.")
    return Row(line, {name.strip().lower(): value for name, value in found.items()})


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
