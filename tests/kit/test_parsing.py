"""Rows of people from elsewhere: garbage first."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.kit.addresses import is_username
from app.kit.errors import CannotRead
from app.transfer import columns, parsing
from app.transfer.columns import AS_IT_IS, Reading
from app.transfer.parsing import StagedUser, derived_username
from app.transfer.rows import (
    AT_ONCE,
    LINE_LONGEST,
    FileFormat,
    Problem,
    Row,
    guarded,
    rows,
    unguarded,
)
from app.transfer.values import PARSERS
from tests.refusals import refused

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BCRYPT = "$2b$04$zh9ve.PgzVtcmiMZl6AOY.isW4nKs9uGq0e5aWG8yCEfx3h6zkRY6"


def parsed(data: bytes, form: FileFormat = FileFormat.CSV) -> list[Row | Problem]:
    return list(rows(io.BytesIO(data), form, lambda _: None))


def problems(**values: object) -> list[str]:
    """Return what is wrong with a user."""
    found = parsing.read(Row(1, {"email": "a@example.com"} | values), now=NOW)
    return [] if isinstance(found, StagedUser) else [problem.sentence for problem in found]


def user(**values: object) -> StagedUser:
    named = {name.lower(): value for name, value in values.items()}
    found = parsing.read(Row(1, {"email": "Anna@Example.com"} | named), now=NOW)
    assert isinstance(found, StagedUser), found
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
    with refused(CannotRead, "name the columns"):
        parsed(data)


def test_a_column_named_twice_is_refused() -> None:
    with refused(CannotRead, "twice"):
        parsed(b"email,Email\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"a@example.com", "1 columns, but the first line names 2"),
        (b"a@example.com,a,b", "3 columns"),
        (b"\xff@example.com,a", "UTF-8 text"),
        (b"a\x00@example.com,a", "UTF-8 text"),
        (b'"a"b@example.com,a', "isn't CSV"),
        (b'"a@example.com,a', "isn't CSV"),
        (b"a" * (LINE_LONGEST + 10) + b",a", "too long"),
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
        (b"{", "isn't JSON"),
        (b"nonsense", "isn't JSON"),
        (b"[1]", "not an object"),
        (b'"a@example.com"', "not an object"),
        (b"9" * 5000, "isn't JSON"),
        (b"[" * 90000, "isn't JSON"),
        (b'{"email": "\xff"}', "isn't UTF-8 text"),
    ],
)
def test_an_unreadable_json_line_is_told_by_its_number(line: bytes, words: str) -> None:
    first, bad, last = parsed(b'{"email": "a@b.cd"}\n' + line + b"\n\n{}\n", FileFormat.JSONL)
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
    st.sampled_from([b"email,username\n", b"email\n", b""]),
    st.binary(),
    st.sampled_from(FileFormat),
)
def test_garbage_never_breaks_the_reader(head: bytes, data: bytes, form: FileFormat) -> None:
    try:
        found = parsed(head + data, form)
    except CannotRead:
        return
    for row in found:
        if isinstance(row, Row):
            parsing.read(row, now=NOW)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from([*PARSERS, *columns.ALIASES, "totp_secret"]), JSON))
def test_whatever_a_column_holds_it_is_a_person_or_a_problem(values: Mapping[str, object]) -> None:
    for email in ({}, {"email": "a@example.com"}):
        found = parsing.read(Row(1, {**values, **email}), now=NOW)
        if isinstance(found, StagedUser):
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
        ("username", "ab", "has 2 characters; use 3 to 64"),
        ("username", "a" * 65, "has 65 characters"),
        ("username", "1anna", "starts with “1”"),
        ("username", "änna", "starts with “ä”"),
        ("username", "anna lena", "contains “ ”"),
        ("username", "anna@example.com", "contains “@”"),
        ("password_hash", "secret", "a known kind of password hash"),
        ("password", "secret", "a known kind of password hash"),
        ("confirmed", "perhaps", "true or false"),
        ("blocked", 7, "true or false"),
        ("confirmed_at", "yesterday", "a date and time like"),
        ("created_at", "0001-01-01T00:00:00+23:59", "range"),
        ("created_at", 12, "“12” must be a date and time"),
        ("blocked_reason", "x" * 1001, "1000"),
    ],
)
def test_what_is_wrong_with_a_column_is_said(column: str, value: object, words: str) -> None:
    (sentence,) = problems(**{column: value})
    assert words in sentence


def test_all_that_is_wrong_with_a_person_is_said_at_once() -> None:
    assert len(problems(email="", username="1", password_hash="x", blocked="x")) == 4


def test_the_address_is_canonical_and_the_rest_may_be_missing() -> None:
    found = user()
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
        ({"confirmed": True, "email_verified_at": ""}, None),
        ({"email_verified_at": "NULL"}, None),
        ({"email_confirmed_at": "\\N"}, None),
        ({"verified_at": "0000-00-00 00:00:00"}, None),
        ({"email_confirmed_at": "2021-01-01"}, datetime(2021, 1, 1, tzinfo=UTC)),
        ({"emailVerified": "2021-01-01"}, datetime(2021, 1, 1, tzinfo=UTC)),
        ({"is_verified": "f"}, None),
        ({"Email Verified": "no"}, None),
        ({"is_verified": 1612120900}, datetime(2021, 1, 31, 19, 21, 40, tzinfo=UTC)),
        ({"confirmed_on": False}, None),
    ],
)
def test_nobody_is_confirmed_whose_source_says_he_is_not(
    values: dict[str, object], expected: datetime | None
) -> None:
    assert user(**values).confirmed_at == expected


@pytest.mark.parametrize(
    "values",
    [
        {"blocked": True},
        {"is_active": False},
        {"active": "0"},
        {"blocked_at": NOW},
        {"banned": 1},
        {"is_banned": "t"},
        {"suspended_at": NOW},
        {"disabled": "yes"},
        {"enabled": False},
        {"is_active": None},
        {"active": "NULL"},
        {"deleted_at": NOW},
        {"active": True, "is_active": False},
        {"blocked": False, "banned": True},
        {"blocked": "", "locked": True},
        {"isActive": "false"},
    ],
)
def test_who_was_shut_out_stays_so(values: dict[str, object]) -> None:
    assert user(**values).blocked_at == NOW
    assert user(blocked=False, is_active=True).blocked_at is None


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


DOUBTFUL = [
    "is_approved", "email_valid", "account_status", "state", "isshadowbanned", "lockout_end",
    "suspended_until", "activation_code", "LockoutEnabled", "pending", "password_salt",
    "password_expired", "revoked", "user_deletion", "termination_closed",
]  # fmt: skip


@pytest.mark.parametrize("column", DOUBTFUL)
def test_a_column_that_may_say_who_comes_in_is_not_passed_over(column: str) -> None:
    with refused(CannotRead, f"“{column}”.*--map .* --ignore {column}"):
        AS_IT_IS.check(["email", column])
    Reading(ignored=[column]).check(["email", column])
    Reading({column: "blocked"}).check(["email", column])


@pytest.mark.parametrize(
    "column",
    ["shoe_size", "pasword_hash", "about_me", "banner", "activity", "clock", "city", "real_name",
     "updated_at", "timezone", "last_active", "website", "remember_token"],
)  # fmt: skip
def test_a_column_that_says_nothing_of_it_is(column: str) -> None:
    AS_IT_IS.check(["email", column])


def test_what_stands_beside_an_answer_is_no_question() -> None:
    AS_IT_IS.check(["email", "confirmed_at", "confirmation_token", "blocked", "blocked_by"])
    with refused(CannotRead, "confirmation_token"):
        AS_IT_IS.check(["email", "confirmation_token"])


@pytest.mark.parametrize("column", ["fs_uniquifier", "current_login_ip", "tf_primary_method"])
def test_flask_securitys_hashes_need_its_salt(column: str) -> None:
    with refused(CannotRead, "--flask-security-salt"):
        AS_IT_IS.check(["email", "password", column])
    AS_IT_IS.check(["email", column])
    for salt in ("its salt", ""):
        Reading(flask_security_salt=salt).check(["email", "password", column])


MOMENT = datetime(2021, 1, 31, 19, 21, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1612120900, "1612120900", 1612120900.0, 1612120900000, "1612120900000",
        "2021-01-31T19:21:40Z",
        "2021-01-31 19:21:40", "2021-01-31 20:21:40+01", "2021-01-31 19:21:40 UTC",
        "2021-01-31 19:21:40 +0000", "20210131T192140Z", MOMENT, MOMENT.replace(tzinfo=None),
    ],
)  # fmt: skip
def test_a_moment_is_read_in_each_form_that_means_one(value: object) -> None:
    assert user(created_at=value).created_at == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        "20210131", "202101311921", "20210131192140", 44227, "44227.8067", "31/01/2021",
        "01.02.2021", "1612-12-09", "1969-12-31", "2026-03-03", 1e300, float("nan"), -5,
        "16121209 00", "21-01-31", 1612120900000000, "2021-13-01", "2021-02-30T00:00:00Z",
        "1772539200000", True,
    ],
)  # fmt: skip
def test_a_moment_that_would_be_guessed_is_refused_with_its_value(value: object) -> None:
    (sentence,) = problems(created_at=value)
    assert f"“{value}”"[:20] in sentence or "text" in sentence


@pytest.mark.parametrize("value", ["", None, "NULL", "\\N", "0000-00-00", "0000-00-00 00:00:00", 0])
def test_nothing_is_none(value: object) -> None:
    assert user(last_login_at=value).last_login_at is None
    assert user(created_at=value).created_at == NOW


def test_a_deletion_may_lie_ahead() -> None:
    assert user(delete_at="2026-03-09").delete_at == datetime(2026, 3, 9, tzinfo=UTC)
    assert problems(delete_at="2036-03-09")


TABLE = "email,username\nanna@example.com,anna\n"


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("utf-16-be"),
        TABLE.replace("\n", "\r").encode(),
        TABLE.replace("\n", "\r\n").encode(),
        b"sep=,\r\n" + TABLE.encode(),
        ("\ufeffsep=;\n" + TABLE.replace(",", ";")).encode(),
        TABLE.replace(",", "|").encode(),
        TABLE.replace("email,username", '" E-Mail ","User Name"').encode(),
        TABLE.replace("email", "\u200bEmail address").encode(),
        b",email,username,\n0,anna@example.com,anna,\n",
    ],
)
def test_a_table_is_read_however_it_is_written(data: bytes) -> None:
    (row,) = parsed(data)
    assert isinstance(row, Row)
    found = parsing.read(row, now=NOW)
    assert isinstance(found, StagedUser)
    assert (found.email, found.username) == ("anna@example.com", "anna")


def test_lines_are_told_apart_wherever_a_piece_of_the_file_ends() -> None:
    line = "a" * (AT_ONCE - len("email\r\n") - 1)
    assert [row.line for row in parsed(f"email\r\n{line}\r\n\r\nb@c.de\r\n".encode())] == [2, 4]


def test_a_header_that_is_none_says_what_it_names() -> None:
    with refused(CannotRead, r"It has: name, phone\."):
        parsed(b"Name;Phone\n")
    with refused(CannotRead, "twice: name"):
        parsed(b"email,name,Name\n")
