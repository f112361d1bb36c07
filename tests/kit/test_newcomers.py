"""Rows of people from elsewhere: garbage first."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kit import columns, newcomers
from app.kit.addresses import is_username
from app.kit.errors import CannotRead
from app.kit.newcomers import Newcomer, derived_username
from app.kit.rows import LINE_LONGEST, Format, Problem, Row, guarded, rows, unguarded

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BCRYPT = "$2b$04$zh9ve.PgzVtcmiMZl6AOY.isW4nKs9uGq0e5aWG8yCEfx3h6zkRY6"


def parsed(data: bytes, form: Format = Format.CSV) -> list[Row | Problem]:
    return list(rows(io.BytesIO(data), form, lambda _: None))


def problems(**values: object) -> list[str]:
    """Return what is wrong with a person."""
    found = newcomers.read(Row(1, {"email": "a@example.com"} | values), now=NOW)
    return [] if isinstance(found, Newcomer) else [problem.sentence for problem in found]


def person(**values: object) -> Newcomer:
    found = newcomers.read(Row(1, {"email": "Anna@Example.com"} | values), now=NOW)
    assert isinstance(found, Newcomer), found
    return found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"name,password\nanna,x\n",
        b"a@example.com,anna\n",
        b"\x00\xff\xfe" * 1000,
        b"x" * LINE_LONGEST * 2,
    ],
)
def test_a_file_without_a_header_is_refused(data: bytes) -> None:
    with pytest.raises(CannotRead, match="name the columns"):
        parsed(data)


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(CannotRead, match="twice"):
        parsed(b"email,Email\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"a@example.com", "1 columns, the first one names 2"),
        (b"a@example.com,a,b", "3 columns"),
        (b"\xff@example.com,a", "no text in UTF-8"),
        (b"a\x00@example.com,a", "no text in UTF-8"),
        (b'"a"b@example.com,a', "not CSV"),
        (b'"a@example.com,a', "not CSV"),
        (b"a" * (LINE_LONGEST + 10) + b",a", "longer than"),
    ],
)
def test_an_unreadable_line_is_told_by_its_number(line: bytes, words: str) -> None:
    found = parsed(b"email,username\nfirst@example.com,first\n" + line + b"\n")
    assert isinstance(found[0], Row)
    assert isinstance(found[1], Problem)
    assert found[1].line == 3
    assert words in found[1].sentence


def test_the_lines_after_an_unreadable_one_are_read() -> None:
    data = b"email,username\n" + b"\xff,a\n" + b"x" * LINE_LONGEST * 3 + b"\n\nlast@example.com,b\n"
    *bad, last = parsed(data)
    assert [type(problem) for problem in bad] == [Problem, Problem]
    assert last == Row(5, {"email": "last@example.com", "username": "b"})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "not JSON"),
        (b"nonsense", "not JSON"),
        (b"[1]", "no object"),
        (b'"a@example.com"', "no object"),
        (b"9" * 5000, "not JSON"),
        (b"[" * 90000, "not JSON"),
        (b'{"email": "\xff"}', "no text"),
    ],
)
def test_an_unreadable_json_line_is_told_by_its_number(line: bytes, words: str) -> None:
    first, bad, last = parsed(b'{"email": "a@b.cd"}\n' + line + b"\n\n{}\n", Format.JSONL)
    assert isinstance(first, Row)
    assert isinstance(bad, Problem)
    assert (bad.line, isinstance(last, Row) and last.line) == (2, 4)
    assert words in bad.sentence


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150)
@given(
    st.sampled_from([b"email,username\n", b"email\n", b""]), st.binary(), st.sampled_from(Format)
)
def test_garbage_never_breaks_the_reader(head: bytes, data: bytes, form: Format) -> None:
    try:
        found = parsed(head + data, form)
    except CannotRead:
        return
    for row in found:
        if isinstance(row, Row):
            newcomers.read(row, now=NOW)


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from([*newcomers.PARSERS, *columns.ALIASES, "totp_secret"]), JSON)
)
def test_whatever_a_column_holds_it_is_a_person_or_a_problem(values: Mapping[str, object]) -> None:
    for email in ({}, {"email": "a@example.com"}):
        found = newcomers.read(Row(1, {**values, **email}), now=NOW)
        if isinstance(found, Newcomer):
            json.dumps(found, default=str).encode()
            continue
        for problem in found:
            assert problem.sentence
            str(problem).encode()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("email", "", "missing"),
        ("email", None, "missing"),
        ("email", 5, "text"),
        ("email", "nonsense", "@"),
        ("email", "a@b.cd" + "x" * 300, "254"),
        ("email", "a\0@example.com", "NUL"),
        ("username", "ab", "has 2 characters; 3 to 64"),
        ("username", "a" * 65, "has 65 characters"),
        ("username", "1anna", "begins with “1”"),
        ("username", "änna", "begins with “ä”"),
        ("username", "anna lena", "contains “ ”"),
        ("username", "anna@example.com", "contains “@”"),
        ("password_hash", "secret", "no hash"),
        ("password", "secret", "no hash"),
        ("confirmed", "perhaps", "true or false"),
        ("blocked", 7, "true or false"),
        ("confirmed_at", "yesterday", "a moment, like"),
        ("created_at", "0001-01-01T00:00:00+23:59", "range"),
        ("created_at", 12, "“12” has to be a moment"),
        ("blocked_reason", "x" * 1001, "1000"),
    ],
)
def test_what_is_wrong_with_a_column_is_said(column: str, value: object, words: str) -> None:
    (sentence,) = problems(**{column: value})
    assert words in sentence


def test_all_that_is_wrong_with_a_person_is_said_at_once() -> None:
    assert len(problems(email="", username="1", password_hash="x", blocked="x")) == 4


def test_the_address_is_canonical_and_the_rest_may_be_missing() -> None:
    found = person()
    assert (found.email, found.email_key) == ("Anna@example.com", "anna@example.com")
    assert (found.username, found.is_derived, found.password_hash) == ("Anna", True, None)
    assert (found.created_at, found.confirmed_at, found.blocked_at) == (NOW, NOW, None)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, NOW),
        ({"confirmed": True}, NOW),
        ({"confirmed": "t", "created_at": "2020-01-01"}, datetime(2020, 1, 1, tzinfo=UTC)),
        ({"confirmed": "1", "confirmed_at": "2021-01-01"}, datetime(2021, 1, 1, tzinfo=UTC)),
        ({"confirmed_at": "2021-01-01T00:00:00+01:00"}, datetime(2020, 12, 31, 23, tzinfo=UTC)),
        ({"confirmed": False}, None),
        ({"confirmed": ""}, None),
        ({"confirmed": None}, None),
        ({"confirmed_at": ""}, None),
        ({"confirmed": False, "confirmed_at": "2021-01-01"}, None),
    ],
)
def test_nobody_is_confirmed_whose_source_says_he_is_not(
    values: dict[str, object], expected: datetime | None
) -> None:
    assert person(**values).confirmed_at == expected


@pytest.mark.parametrize(
    "values", [{"blocked": True}, {"is_active": False}, {"active": "0"}, {"blocked_at": NOW}]
)
def test_who_was_shut_out_stays_so(values: dict[str, object]) -> None:
    assert person(**values).blocked_at == NOW
    assert person(blocked=False, is_active=True).blocked_at is None


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("anna@example.com", "anna"),
        ("anna.lena+news@example.com", "anna.lena"),
        ("anna-lena@example.com", "anna-lena"),
        ("zoë@example.com", "zoe"),
        ("42@example.com", "user_42"),
        ("al@example.com", "user_al"),
        ("用户@example.com", "user_"),
        ("a" * 64 + "@example.com", "a" * 55),
    ],
)
def test_a_user_name_is_made_of_the_address(email: str, expected: str) -> None:
    assert derived_username(email) == expected


@given(st.text())
def test_a_derived_user_name_is_one(local: str) -> None:
    assert is_username(derived_username(f"{local}@example.com"))


@given(st.text() | st.text("=+-@\t\r'a"))
def test_a_guarded_cell_is_no_formula_and_comes_back(cell: str) -> None:
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(cell)) == cell


def test_excels_files_are_read() -> None:
    assert parsed("\ufeffEMail;Username\r\na@b.cd;anna\r\n".encode()) == [
        Row(2, {"email": "a@b.cd", "username": "anna"})
    ]
