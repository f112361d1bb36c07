"""Bodies that are not small well-formed forms are refused, never emptied (IN-03, IN-04, DO-03)."""

import pytest
from quart import Quart

from tests.browser import SAME_ORIGIN

FORM = "application/x-www-form-urlencoded"
FORMS = ["/login", "/register", "/confirm", "/confirm/resend", "/invitation"]
GOOD = b"email_or_user=alice&password=x"


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"a=" + b"x" * 70_000, FORM, 413),
        (b"a&" * 5_000, FORM, 413),
        (b"&".join(b"f%d=1" % number for number in range(150)), FORM, 413),
        (b"a=\xff", FORM, 400),
        (b"a=%ff", FORM, 400),
        (b"a=%ed%a0%80", FORM, 400),
        (b"a=1%00", FORM, 400),
        (b"\0=1", FORM, 400),
        (b"password=a&password=b", FORM, 400),
        (b"email_or_user=a&email_or_user=a", FORM, 400),
        (b"email_or_user=a&email%5for_user=a", FORM, 400),
        (GOOD, "text/plain", 415),
        (GOOD, "", 415),
        (GOOD, "application/json", 415),
        (b'{"email_or_user": "alice"}', "application/json", 415),
        (b"[" * 60_000, "application/json", 415),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x", 415),
        (b"--x", "multipart/form-data", 415),
        (GOOD, "multipart/form-data; boundary=\xe9", 415),
        (GOOD, "application/x-url-encoded", 415),
    ],
)
async def test_a_bad_body_is_refused(
    app: Quart, path: str, body: bytes, content_type: str, status: int
) -> None:
    headers = SAME_ORIGIN | {"Content-Type": content_type}
    response = await app.test_client().post(path, data=body, headers=headers)
    assert response.status_code == status
    text = await response.get_data(as_text=True)
    assert "<code>" in text
    assert "Traceback" not in text


async def test_a_form_with_a_charset_is_read(app: Quart) -> None:
    headers = SAME_ORIGIN | {"Content-Type": f"{FORM}; charset=UTF-8"}
    response = await app.test_client().post("/login", data=GOOD, headers=headers)
    assert response.status_code == 401


async def test_a_field_that_is_too_long_is_refused_in_words(app: Quart) -> None:
    for name in ("a" * 60_000, "@" * 20_000, "a@" + "b." * 20_000 + "c"):
        response = await app.test_client().post(
            "/login", form={"email_or_user": name, "password": "x"}, headers=SAME_ORIGIN
        )
        assert response.status_code == 422
