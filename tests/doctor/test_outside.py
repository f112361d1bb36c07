"""The site from outside: each check once wrong, once right."""

import json

import pytest

from app.config import Config
from app.doctor import outside, proxy
from app.doctor.findings import Level
from app.doctor.outside import Visits
from app.doctor.proxy import FORGED
from app.doctor.visits import Answer, NoAnswer
from app.http.headers import ALWAYS
from app.kit import probe
from app.kit.probe import Hops
from tests.doctor.checks import KEY, LAPTOP, SITE, check

NONCE = "0123456789abcdef"
BEHIND_TWO = SITE.model_copy(update={"trusted_proxies": 2})
BEHIND_ONE = SITE.model_copy(update={"trusted_proxies": 1})
SEEN = Hops("198.51.100.7", "172.18.0.2", ["198.51.100.7"], NONCE)
COOKIE = f"__Host-vestibule-doctor={NONCE}; Secure; HttpOnly; Path=/; SameSite=Lax; Max-Age=60"
HEADERS = ALWAYS | {
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}


def said(seen: Hops = SEEN, *, key: str = KEY, nonce: str = NONCE) -> bytes:
    return json.dumps({"proof": probe.check_password([key], nonce), **seen._asdict()}).encode()


def first(cookie: str = COOKIE, *, days_left: float | None = 60) -> Answer:
    return Answer(200, [("Set-Cookie", cookie)], said(), days_left)


def page(status: int = 200, **changed: str | None) -> Answer:
    given = HEADERS | {name.replace("_", "-"): value for name, value in changed.items()}
    return Answer(status, [(name, value) for name, value in given.items() if value], b"")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"ok\n", b"null", b"[]", b'"x"', b"\xff", b'{"proof": 1}', b'{"proof": ""}',
        said(key="another-9fK2mQ7xR4tB8wZ1cV6nJ3hL"), said(nonce="another"),
        json.dumps({"proof": probe.check_password([KEY], NONCE), "more": 1}).encode(),
    ],
    ids=range(11),
)  # fmt: skip
def test_who_has_not_our_key_is_not_us(body: bytes) -> None:
    assert outside.read(Answer(200, [], body), [KEY], NONCE) is None


def test_who_has_our_key_is_us() -> None:
    assert outside.read(first(), [KEY], NONCE) == SEEN


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "without our SECRET_KEY"),
        (200, "without our SECRET_KEY"),
        (421, "change the Host header"),
        (502, "the proxy can reach it"),
        (301, "redirects to 'https://www.example.com/'"),
    ],
)
def test_why_it_is_not_us_is_said(status: int, words: str) -> None:
    answer = Answer(status, [("Location", "https://www.example.com/")], b"")
    check(outside.not_us(answer, SITE), Level.WRONG, words)


def test_why_nobody_answers_is_said() -> None:
    refused = NoAnswer("connection refused")
    expired = NoAnswer("its certificate is not good: certificate has expired", is_certificate=True)
    for visit, config, is_local, level, words in (
        (refused, SITE, False, Level.WRONG, "Check that the server is running"),
        (refused, SITE, True, Level.WRONG, "Check DNS"),
        (expired, SITE, True, Level.WRONG, "has expired. Renew it"),
        (refused, LAPTOP, False, Level.WRONG, "make run"),
        (refused, LAPTOP, True, Level.WARNING, "normal in a container"),
    ):
        check(outside.unreached(visit, config, is_local=is_local), level, words)


def test_a_certificate_is_wanted_and_its_end_is_told() -> None:
    check(proxy.certificate(first(days_left=None), SITE), Level.WRONG, "no TLS")
    check(proxy.certificate(first(days_left=3.2), SITE), Level.WARNING, "in 3 days")
    check(proxy.certificate(first(days_left=60), SITE), Level.OK, "60 more days")
    assert proxy.certificate(first(days_left=None), LAPTOP) is None


@pytest.mark.parametrize(
    ("visit", "level", "words"),
    [
        (Answer(200, [], b""), Level.WRONG, "redirect everything"),
        (Answer(308, [], b""), Level.WRONG, "redirects to ''"),
        (Answer(301, [("Location", "http://login.example.com/")], b""), Level.WRONG, "not to h"),
        (Answer(301, [("Location", "https://evil.example/")], b""), Level.WRONG, "evil.example"),
        (NoAnswer("connection refused"), Level.WARNING, "see nothing"),
        (Answer(308, [("location", "https://login.example.com/")], b""), Level.OK, "to https"),
    ],
)  # fmt: skip
def test_plain_http_leads_to_https(visit: Answer | NoAnswer, level: Level, words: str) -> None:
    check(proxy.redirect(visit, SITE), level, words)


@pytest.mark.parametrize(
    ("cookie", "back", "words"),
    [
        (COOKIE.replace("__Host-", ""), NONCE, "t arrive"),
        (COOKIE.replace("Secure; ", ""), NONCE, "without secure"),
        (COOKIE.replace("HttpOnly; ", ""), NONCE, "without httponly"),
        (COOKIE.replace("Lax", "None"), NONCE, "without samesite=lax"),
        (COOKIE.replace("Path=/", "Path=/login"), NONCE, "without path=/"),
        (COOKIE + "; Domain=example.com", NONCE, "with a Domain"),
        (COOKIE, "", "t come back"),
    ],
)
def test_a_cookie_that_was_touched_is_told(cookie: str, back: str, words: str) -> None:
    again = SEEN._replace(cookie=back)
    found = proxy.cookies(first(cookie), again, nonce=NONCE, is_https=True)
    check(found, Level.WRONG, words)


def test_a_cookie_that_arrives_whole_is_well() -> None:
    check(proxy.cookies(first(), SEEN, nonce=NONCE, is_https=True), Level.OK, "__Host-")
    plain = COOKIE.replace("__Host-", "").replace("Secure; ", "")
    check(proxy.cookies(first(plain), SEEN, nonce=NONCE, is_https=False), Level.OK, "HttpOnly")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        (NoAnswer("no answer within 5 s"), "no answer within 5 s"),
        (page(503), "answers 503"),
        (page(X_Frame_Options=None), "X-Frame-Options"),
        (page(Content_Security_Policy="default-src *"), "Content-Security-Policy"),
        (page(Cache_Control="public"), "Cache-Control"),
        (page(Strict_Transport_Security=None), "Strict-Transport-Security"),
        (page(Strict_Transport_Security="max-age=0"), "Strict-Transport-Security"),
        (Answer(200, [*HEADERS.items(), ("X-Frame-Options", "DENY")], b""), "X-Frame-Options"),
    ],
)
def test_a_header_that_was_touched_is_told(login: Answer | NoAnswer, words: str) -> None:
    check(proxy.headers(login, is_https=True), Level.WRONG, words)


def test_headers_that_arrive_whole_are_well() -> None:
    check(proxy.headers(page(), is_https=True), Level.OK, "arrive unchanged")
    plain = page(Strict_Transport_Security=None)
    check(proxy.headers(plain, is_https=False), Level.OK, "arrive unchanged")


PROXY = "172.18.0.2"
OUR = "198.51.100.7"


@pytest.mark.parametrize(
    ("seen", "forged", "config", "level", "words"),
    [
        (Hops(PROXY, PROXY, [OUR], ""), PROXY, SITE, Level.WRONG, "Set TRUSTED_PROXIES=1"),
        (Hops("192.0.2.9", PROXY, [OUR, "192.0.2.9"], ""), "192.0.2.9", BEHIND_ONE, Level.WRONG,
         "Set TRUSTED_PROXIES=2"),
        (Hops("192.0.2.9", "192.0.2.9", [OUR], ""), "192.0.2.9", BEHIND_ONE, Level.WRONG,
         "t in TRUSTED_NETWORKS"),
        (Hops("192.0.2.9", PROXY, [OUR, "192.0.2.9"], ""), "192.0.2.9", BEHIND_TWO, Level.WRONG,
         "t in TRUSTED_NETWORKS"),
        (Hops(OUR, PROXY, [OUR, "192.0.2.9"], ""), OUR, BEHIND_TWO, Level.OK, OUR),
        (Hops(PROXY, PROXY, [], ""), FORGED, BEHIND_ONE, Level.WRONG, "fake their address"),
        (Hops(PROXY, PROXY, [], ""), PROXY, BEHIND_ONE, Level.WRONG, "but requests pass 0 proxies"),
        (Hops(PROXY, PROXY, [], ""), PROXY, SITE, Level.WARNING, "a private address"),
        (Hops("172.18.0.1", PROXY, ["172.18.0.1"], ""), "172.18.0.1", BEHIND_ONE, Level.WARNING,
         "a private address"),
        (SEEN, OUR, BEHIND_ONE, Level.OK, "198.51.100.7, through 172.18.0.2"),
        (Hops(OUR, OUR, [], ""), OUR, SITE, Level.OK, "sees this machine as 198.51.100.7"),
        (Hops("127.0.0.1", "127.0.0.1", [], ""), FORGED, LAPTOP, Level.OK, "127.0.0.1"),
    ],
)  # fmt: skip
def test_visitors_are_known_by_their_own_addresses(
    seen: Hops, forged: str, config: Config, level: Level, words: str
) -> None:
    check(proxy.visitors(seen, seen._replace(client=forged), config), level, words)


def test_the_server_is_ready_and_says_little() -> None:
    for visit, words in (
        (NoAnswer("refused"), "refused"),
        (Answer(503, [], b"the database is away\n"), "503: the database is away"),
        (Answer(200, [], b"x" * 101), "more than it should"),
    ):
        check(outside.readiness(visit), Level.WRONG, words)
    check(outside.readiness(Answer(200, [], b"ok\n")), Level.OK, "is ready")


def test_metrics_are_private() -> None:
    check(outside.private(page()), Level.WRONG, "is public")
    check(outside.private(page(404)), Level.OK, "isn't public")
    check(outside.private(NoAnswer("x")), Level.OK, "isn't public")


def test_all_checks_are_made_and_may_all_be_well() -> None:
    moved = Answer(308, [("Location", "https://login.example.com/")], b"")
    again = Answer(200, [], said(SEEN))
    visits = Visits(SEEN, first(), again, page(), page(), page(404), moved)
    found = outside.judge(visits, BEHIND_ONE, NONCE)
    assert [finding.check for finding in found if finding.level is Level.OK] == [
        "site", "certificate", "http", "cookies", "headers", "visitors", "readiness", "metrics",
    ]  # fmt: skip
    assert len(found) == 8


@pytest.mark.parametrize(
    ("bind", "origin"),
    [
        ("0.0.0.0:5000", "http://127.0.0.1:5000"),
        ("[::]:5000", "http://[::1]:5000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("localhost:8000", "http://localhost:8000"),
        ("192.0.2.1:80", "http://192.0.2.1:80"),
    ],
)
def test_the_server_is_looked_for_where_it_listens(bind: str, origin: str) -> None:
    assert outside._own_origin(SITE.model_copy(update={"bind": bind})) == origin
