"""The way to the mail server: whom an email is not entrusted to, and how it arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trustme

from app.mail import smtp
from app.runtime import mailer
from app.services import Services
from tests.mailers import LETTER, outbox_rows, plain, post, settled, tried, working
from tests.mailserver import OK, MailServer, certificate, hang, mail_server

SECRET = "canary-of-the-mail-server"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the authority, as an operator makes a private one trusted."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "app")
    monkeypatch.setattr(mailer, "LONGEST_PAUSE_SECONDS", 1)


def secure(authority: trustme.CA, scheme: str) -> AbstractAsyncContextManager[MailServer]:
    option = "implicit_tls" if scheme == "smtps" else "tls_context"
    return mail_server(**{option: certificate(authority)})


async def trouble(services: Services, url: str, caplog: pytest.LogCaptureFixture) -> str:
    """Post an email, and return what the log says about the server when it was tried twice."""
    await post(services)
    async with working(services, url):
        await tried(services, 2)
    assert caplog.text.count("emails can't be sent") == 1
    assert LETTER.to not in caplog.text
    (row,) = await outbox_rows(services)
    assert row["sent_at"] is None
    assert row["gave_up_at"] is None
    assert row["text"]
    return caplog.text


async def test_nothing_goes_in_the_clear_to_a_server_without_starttls(
    services: Services, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"smtp://me:{SECRET}@localhost:{server.port}"
    said = await trouble(services, url, caplog)
    assert "STARTTLS extension not supported" in said
    assert SECRET not in said
    assert {line.split()[0] for line in server.heard} <= {"EHLO", "QUIT"}


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_nothing_is_sent_under_an_unknown_certificate(
    services: Services, authority: trustme.CA, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    async with secure(authority, scheme) as server:
        said = await trouble(services, f"{scheme}://me:{SECRET}@localhost:{server.port}", caplog)
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert "SSL_CERT_FILE=/path/to/ca.pem" in said
    assert {line.split()[0] for line in server.heard} <= {"EHLO", "STARTTLS"}


@pytest.mark.usefixtures("trusted")
async def test_nothing_is_sent_to_a_server_of_another_name(
    services: Services, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server(tls_context=certificate(authority, "other.example")) as server:
        said = await trouble(services, f"smtp://me:{SECRET}@localhost:{server.port}", caplog)
    assert "not valid for 'localhost'" in said
    assert {line.split()[0] for line in server.heard} <= {"EHLO", "STARTTLS"}


@pytest.mark.usefixtures("trusted")
async def test_a_wrong_password_is_the_servers_trouble(
    services: Services, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server(tls_context=certificate(authority)) as server:
        server.password = "another"
        said = await trouble(services, f"smtp://me:{SECRET}@localhost:{server.port}", caplog)
    assert "535" in said
    assert SECRET not in said
    assert server.seen == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_an_email_goes_by_tls_and_with_a_password(
    services: Services, authority: trustme.CA, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with secure(authority, scheme) as server:
        server.password = SECRET
        await post(services)
        async with working(services, f"{scheme}://me:{SECRET}@localhost:{server.port}"):
            await server.take()
    assert [line for line in server.heard if line.startswith("AUTH")]
    way = {"smtp": "STARTTLS", "smtps": "TLS"}[scheme]
    assert f"emails go to localhost:{server.port} ({way})\n" in caplog.text
    assert [line for line in server.heard if line.startswith("EHLO")] == ["EHLO example.org"] * (
        2 if scheme == "smtp" else 1
    )


async def test_a_refused_sender_is_the_servers_trouble(
    services: Services, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: str, __: int) -> str:
        return "550 5.7.1 we do not know you"

    server.on_sender = refuse
    assert "550 5.7.1 we do not know you" in await trouble(services, plain(server), caplog)


async def test_a_server_that_wants_a_password_is_in_trouble_not_the_email(
    services: Services, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: str, __: int) -> str:
        return "530 5.7.0 authentication required"

    server.on_recipient = refuse
    assert "530 the mail server rejected our sign-in" in await trouble(
        services, plain(server), caplog
    )


async def test_a_server_that_closes_is_in_trouble_not_the_email(
    services: Services, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(address: str, __: int) -> str:
        return f"421 4.3.2 closing, try <{address}> later"

    server.on_recipient = refuse
    assert "421 4.3.2 closing, try <(address)> later" in await trouble(
        services, plain(server), caplog
    )


async def test_a_server_that_is_down_is_waited_for(
    services: Services, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    await server.stop()
    await post(services)
    async with working(services, plain(server)):
        await tried(services, 2)
        await server.start()
        await server.take()
        (row,) = await settled(services)
    assert row["sent_at"] is not None
    assert caplog.text.count("emails can't be sent") == 1
    assert caplog.text.count("emails are sent again") == 1


@pytest.mark.parametrize("step", ["on_sender", "on_recipient", "on_content"])
async def test_a_server_that_hangs_is_left_and_tried_again(
    services: Services, server: MailServer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(smtp, "STEP_SECONDS", 0.2)
    monkeypatch.setattr(smtp, "DELIVER_SECONDS", 0.5)

    async def hang_once(about: str, number: int) -> str:
        return await hang(about, number) if number == 1 else OK

    setattr(server, step, hang_once)
    await post(services)
    async with working(services, plain(server)):
        await server.take()
        (row,) = await settled(services)
    assert row["sent_at"] is not None
    assert row["tries"] >= 2
    assert "Timeout" in row["trouble"]


async def test_a_server_that_never_greets_is_left(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(smtp, "CONNECT_SECONDS", 0.2)
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        said = await trouble(services, f"smtp://127.0.0.1:{port}?tls=none", caplog)
    assert "Timed out waiting for server ready message" in said


async def test_a_whole_delivery_has_its_time(
    services: Services, monkeypatch: pytest.MonkeyPatch, server: MailServer
) -> None:
    monkeypatch.setattr(smtp, "DELIVER_SECONDS", 0.2)
    server.on_content = hang
    await post(services)
    async with working(services, plain(server)):
        row = await tried(services)
    assert row["trouble"] == "TimeoutError"


async def test_a_greeting_that_refuses_is_the_servers_trouble(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.3.2 not today\r\n")
        await writer.drain()
        writer.close()

    rude = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with rude:
        port = rude.sockets[0].getsockname()[1]
        said = await trouble(services, f"smtp://127.0.0.1:{port}?tls=none", caplog)
    assert "554 5.3.2 not today" in said


async def test_an_email_cut_off_in_mid_air_is_sent_again_as_the_same_message(
    services: Services, server: MailServer
) -> None:
    async def cut_off_once(_: str, number: int) -> str:
        if number == 1:
            server.drop()
            await asyncio.Event().wait()
        return OK

    server.on_content = cut_off_once
    await post(services)
    async with working(services, plain(server)):
        await server.take()
        (row,) = await settled(services)
    assert row["tries"] == 2
    assert [seen["Message-ID"] for seen in server.seen] == [f"<{row['id']}@example.org>"] * 2
    assert (
        bytes(server.seen[0]).partition(b"\n\n")[0] == (bytes(server.seen[1]).partition(b"\n\n")[0])
        or server.seen[0]["Date"] == server.seen[1]["Date"]
    )
