"""Browsers in words."""

import pytest

from app.kit.user_agents import UNKNOWN, described

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SEEN = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0": (
        "Firefox 132 on Linux"
    ),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/131.0.0.0 Safari/537.36 "
    "Edg/131.0.0.0": "Edge 131 on Windows 10",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.6 Mobile/15E148 Safari/604.1": "Safari 17 on iOS 17",
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36": (
        "Chrome 131 on Android 14"
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Safari/605.1.15": "Safari 18 on macOS",
    "curl/8.5.0": "curl 8",
}


CRY = "Your account is locked: call 0800 123456 now bot/1"


@pytest.mark.parametrize(("user_agent", "words"), SEEN.items())
def test_a_browser_has_a_name_that_people_know(user_agent: str, words: str) -> None:
    assert described(user_agent) == words


@pytest.mark.parametrize("user_agent", ["", "???", "a" * 400, "(" * 400, "<b>bold</b>", CRY])
def test_what_nobody_knows_is_unknown_and_never_repeated(user_agent: str) -> None:
    assert described(user_agent) == UNKNOWN
