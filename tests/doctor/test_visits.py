"""Visits end in an answer or in words, within their time."""

import asyncio
from pathlib import Path

import pytest
import trustme

from app.doctor import visits
from app.doctor.visits import Answer, NoAnswer, visit
from tests.listeners import Talk, listening, silent
from tests.mailserver import certificate
from tests.server import free_port

ANSWER = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nbody"


def saying(words: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(words)

    return talk


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Return an authority that we believe."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


async def test_nobody_there_is_told() -> None:
    found = await visit(f"http://127.0.0.1:{free_port()}", "/")
    assert found == NoAnswer("connection refused")


async def test_a_name_that_nobody_has_is_told() -> None:
    assert isinstance(await visit("http://nobody.invalid", "/"), NoAnswer)


@pytest.mark.parametrize("words", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_an_answer_that_is_none_is_told(words: bytes) -> None:
    async with listening(saying(words)) as port:
        found = await visit(f"http://127.0.0.1:{port}", "/")
    assert isinstance(found, NoAnswer | Answer)
    assert not isinstance(found, Answer) or found.body == b""


async def test_who_is_silent_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "VISIT_SECONDS", 0.2)
    async with listening(silent) as port:
        found = await visit(f"http://127.0.0.1:{port}", "/")
    assert isinstance(found, NoAnswer)


async def test_a_redirect_is_not_followed_and_all_headers_are_kept() -> None:
    async with listening(saying(ANSWER)) as port:
        found = await visit(f"http://127.0.0.1:{port}", "/")
    assert isinstance(found, Answer)
    assert (found.status, found.body, found.days_left) == (302, b"body", None)
    assert found.all("set-cookie") == ["a=1", "b=2"]


async def test_an_endless_body_is_cut() -> None:
    async with listening(saying(ANSWER + b"x" * 1_000_000)) as port:
        found = await visit(f"http://127.0.0.1:{port}", "/")
    assert isinstance(found, Answer)
    assert len(found.body) == visits.BODY_LONGEST


async def test_a_strangers_certificate_is_not_good(authority: trustme.CA) -> None:
    for tls in (certificate(trustme.CA()), certificate(authority, "elsewhere.example")):
        async with listening(saying(ANSWER), tls) as port:
            found = await visit(f"https://localhost:{port}", "/")
        assert isinstance(found, NoAnswer)
        assert found.is_certificate, found


async def test_a_certificate_says_how_long_it_is_good(authority: trustme.CA) -> None:
    async with listening(saying(ANSWER), certificate(authority)) as port:
        found = await visit(f"https://localhost:{port}", "/")
    assert isinstance(found, Answer)
    assert found.days_left is not None
    assert found.days_left > 30
