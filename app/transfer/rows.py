"""Rows of a file of people: CSV with a header, or JSON lines. Garbage is reported, a line each."""

import codecs
import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import BinaryIO, NamedTuple

from app.kit.addresses import meant
from app.kit.errors import CannotRead
from app.transfer.columns import AS_IT_IS, Reading

LINE_LONGEST = 100_000
AT_ONCE = 65_536
NOT_TEXT = "\udcff\n"  # stands for a line that is too long
DELIMITERS = ",;\t|"
ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
ENDS = re.compile(r"\r\n|\n|\r(?=.)", re.DOTALL)
NAMES_SHOWN = 300
# What files begin with that are no list of people.
OTHERS = {
    "PK": "excel", "\udcd0\udccf": "excel", "PGDMP": "postgresql_dump",
    "--": "sql", "/*": "sql", "CREATE ": "sql", "INSERT ": "sql", "BEGIN": "sql", "SET ": "sql",
    "PRAGMA": "sql", "SQLite format 3": "sqlite", "[": "json_list", "{": "json",
}  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")  # what a spreadsheet may take for more than text


class FileFormat(StrEnum):
    """How a file of people is written."""

    CSV = "csv"
    JSONL = "jsonl"


class Row(NamedTuple):
    """One user's columns. ``line`` is where they begin: in a table, their id."""

    line: int
    values: Mapping[str, object]


class Problem(NamedTuple):
    """Why a line cannot be taken, in words for whom it belongs to. ``column`` may be empty."""

    line: int
    address: str
    column: str
    sentence: str


NO_TEXT = "This line isn't UTF-8 text, or is too long."

Tick = Callable[[int], object]


def rows(
    file: BinaryIO, form: FileFormat, tick: Tick, reading: Reading = AS_IT_IS
) -> Iterator[Row | Problem]:
    """Return the rows of a file, in bounded memory; ``tick`` is told how many bytes are read.

    Raises:
        CannotRead: it has no header that names the column ``email``, or is no list of lines.
    """
    lines = _lines(file, tick)
    return _csv_rows(lines, reading) if form is FileFormat.CSV else _json_rows(lines)


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
    """Return the lines, whichever system's ends they have, one that is too long as ``NOT_TEXT``."""
    is_long = False
    rest = ""
    for text in _texts(file, tick):
        rest += text
        begin = 0
        for end in ENDS.finditer(rest):
            line = rest[begin : end.end()]
            yield NOT_TEXT if is_long or len(line) > LINE_LONGEST else line
            begin, is_long = end.end(), False
        rest = rest[begin:]
        if len(rest) > LINE_LONGEST:
            is_long, rest = True, rest[-1:]
    if rest or is_long:
        yield NOT_TEXT if is_long or len(rest) > LINE_LONGEST else rest


def _texts(file: BinaryIO, tick: Tick) -> Iterator[str]:
    first = file.read(AT_ONCE)
    encoding = ENCODINGS.get(first[:2], _without_mark(first[:2]))
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    while first:
        tick(len(first))
        yield decoder.decode(first)
        first = file.read(AT_ONCE)
    yield decoder.decode(b"", final=True)


def _without_mark(first: bytes) -> str:
    """Return the encoding of a text that begins with an email of ASCII."""
    if first[1:] == b"\0":
        return "utf-16-le"
    return "utf-16-be" if first[:1] == b"\0" else "utf-8-sig"


def _csv_rows(lines: Iterator[str], reading: Reading) -> Iterator[Row | Problem]:
    before, header = 1, next(lines, "")
    told = re.fullmatch(r"\"?sep=(.)\"?\s*", header, re.IGNORECASE)  # Excel's own line
    if told:
        before, header = 2, next(lines, "")
    delimiter = told[1] if told else max(DELIMITERS, key=header.count)
    names = _names(header, delimiter, reading)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + before + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(line, "", "", f"This line isn't CSV: {error}.")
            continue
        if cells:
            yield _csv_row(line, names, cells)


def _names(header: str, delimiter: str, reading: Reading) -> list[str]:
    """Return the names of a file's columns; one without a name is not read.

    Raises:
        CannotRead: none of them is an address, or a name stands there twice.
    """
    try:
        cells = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        cells = []
    names = [meant(name).lower() for name in cells]
    if "email" not in map(reading.own, names):
        raise _no_header(header, names)
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise CannotRead("columns_twice", names=sorted(twice))
    return names


def _no_header(header: str, names: list[str]) -> CannotRead:
    found = ", ".join(names)[:NAMES_SHOWN].encode(errors="replace").decode()
    other = _otherwise(header)
    if other:
        return CannotRead(other)
    return CannotRead("no_header", found=found if found.isprintable() else "")


def _otherwise(text: str) -> str | None:
    """Return what a file is that is no list of people, if its beginning tells."""
    return next((kind for begin, kind in OTHERS.items() if text.startswith(begin)), None)


def _csv_row(line: int, names: list[str], cells: list[str]) -> Row | Problem:
    if not all(_is_text(cell) for cell in cells):
        return Problem(line, "", "", NO_TEXT)
    if len(cells) != len(names):
        return Problem(
            line,
            "",
            "",
            f"This line has {len(cells)} columns, but the first line names {len(names)}.",
        )
    values = dict(zip(names, map(unguarded, cells), strict=True))
    values.pop("", None)
    return Row(line, values)


def _json_rows(lines: Iterator[str]) -> Iterator[Row | Problem]:
    for line, text in enumerate(lines, 1):
        other = _otherwise(text) if line == 1 and not text.startswith("{") else None
        if other:
            raise CannotRead(other)
        if text.strip():
            yield _json_row(line, text)


def _json_row(line: int, text: str) -> Row | Problem:
    if not _is_text(text):
        return Problem(line, "", "", NO_TEXT)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return Problem(line, "", "", "This line isn't JSON.")
    if not isinstance(found, dict):
        return Problem(line, "", "", "This line is JSON, but not an object with a user's columns.")
    return Row(line, {meant(name).lower(): value for name, value in found.items()})


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
