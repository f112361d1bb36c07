"""The postman and the mail server: what is refused, what is tried again, what arrives."""

import asyncio
import re
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from sqlalchemy import URL, text

from app import postman, smtp
from app.house import House
from app.kit.letter import Letter
from tests.mailserver import OK, MailServer, hang, mail_server
from tests.people import ALICE, events, move_time, register
from tests.postmen import (
    LETTER,
    SENDER,
    outbox_rows,
    post,
    process,
    settled,
    tried,
    until,
    working,
)
from tests.server import environment, free_port

SECRET = "canary-of-the-mail-server"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Trust the authority, as an operator makes a private one trusted."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    yield path


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "app")
    monkeypatch.setattr(postman, "LONGEST_PAUSE_SECONDS", 1)


def certificate(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def secure(authority: trustme.CA, scheme: str) -> AbstractAsyncContextManager[MailServer]:
    option = "implicit_tls" if scheme == "smtps" else "tls_context"
    return mail_server(**{option: certificate(authority)})


def plain(server: MailServer) -> str:
    return f"smtp://127.0.0.1:{server.port}?tls=none"


async def trouble(house: House, url: str, caplog: pytest.LogCaptureFixture) -> str:
    """Post a letter, and return what the log says about the server when it was tried twice."""
    await post(house)
    async with working(house, url):
        await tried(house, 2)
    assert caplog.text.count("letters do not get through") == 1
    assert LETTER.to not in caplog.text
    (row,) = await outbox_rows(house)
    assert row["sent_at"] is None
    assert row["gave_up_at"] is None
    assert row["text"]
    return caplog.text


# The server


async def test_nothing_goes_in_the_clear_to_a_server_without_starttls(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"smtp://me:{SECRET}@localhost:{server.port}"
    said = await trouble(house, url, caplog)
    assert "STARTTLS extension not supported" in said
    assert SECRET not in said
    assert {line.split()[0] for line in server.heard} <= {"EHLO", "QUIT"}


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_nothing_is_sent_under_an_unknown_certificate(
    house: House, authority: trustme.CA, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    async with secure(authority, scheme) as server:
        said = await trouble(house, f"{scheme}://me:{SECRET}@localhost:{server.port}", caplog)
    assert "CERTIFICATE_VERIFY_FAILED" in said
    assert {line.split()[0] for line in server.heard} <= {"EHLO", "STARTTLS"}


@pytest.mark.usefixtures("trusted")
async def test_nothing_is_sent_to_a_server_of_another_name(
    house: House, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server(tls_context=certificate(authority, "other.example")) as server:
        said = await trouble(house, f"smtp://me:{SECRET}@localhost:{server.port}", caplog)
    assert "not valid for 'localhost'" in said
    assert {line.split()[0] for line in server.heard} <= {"EHLO", "STARTTLS"}


@pytest.mark.usefixtures("trusted")
async def test_a_wrong_password_is_the_servers_trouble(
    house: House, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server(tls_context=certificate(authority)) as server:
        server.password = "another"
        said = await trouble(house, f"smtp://me:{SECRET}@localhost:{server.port}", caplog)
    assert "535" in said
    assert SECRET not in said
    assert server.seen == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_letter_goes_by_tls_and_with_a_password(
    house: House, authority: trustme.CA, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with secure(authority, scheme) as server:
        server.password = SECRET
        await post(house)
        async with working(house, f"{scheme}://me:{SECRET}@localhost:{server.port}"):
            await server.take()
    assert [line for line in server.heard if line.startswith("AUTH")]
    way = {"smtp": "STARTTLS", "smtps": "TLS"}[scheme]
    assert f"letters go to localhost:{server.port} ({way})\n" in caplog.text


async def test_a_refused_sender_is_the_servers_trouble(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: str, __: int) -> str:
        return "550 5.7.1 we do not know you"

    server.on_sender = refuse
    assert "550 5.7.1 we do not know you" in await trouble(house, plain(server), caplog)


async def test_a_server_that_wants_a_password_is_in_trouble_not_the_letter(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: str, __: int) -> str:
        return "530 5.7.0 authentication required"

    server.on_recipient = refuse
    assert "530 5.7.0" in await trouble(house, plain(server), caplog)


async def test_a_server_that_closes_is_in_trouble_not_the_letter(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(address: str, __: int) -> str:
        return f"421 4.3.2 closing, try <{address}> later"

    server.on_recipient = refuse
    assert "421 4.3.2 closing, try <(address)> later" in await trouble(house, plain(server), caplog)


async def test_a_server_that_is_down_is_waited_for(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    await server.stop()
    await post(house)
    async with working(house, plain(server)):
        await tried(house, 2)
        await server.start()
        await server.take()
        (row,) = await settled(house)
    assert row["sent_at"] is not None
    assert caplog.text.count("letters do not get through") == 1
    assert caplog.text.count("letters get through again") == 1


@pytest.mark.parametrize("step", ["on_sender", "on_recipient", "on_content"])
async def test_a_server_that_hangs_is_left_and_tried_again(
    house: House, server: MailServer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(smtp, "STEP_SECONDS", 0.2)

    async def hang_once(about: str, number: int) -> str:
        return await hang(about, number) if number == 1 else OK

    setattr(server, step, hang_once)
    await post(house)
    async with working(house, plain(server)):
        await server.take()
        (row,) = await settled(house)
    assert row["sent_at"] is not None
    assert row["tries"] == 2
    assert "Timed out" in row["trouble"]


async def test_a_server_that_never_greets_is_left(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(smtp, "CONNECT_SECONDS", 0.2)
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        said = await trouble(house, f"smtp://127.0.0.1:{port}?tls=none", caplog)
    assert "Timed out waiting for server ready message" in said


async def test_a_whole_delivery_has_its_time(
    house: House, monkeypatch: pytest.MonkeyPatch, server: MailServer
) -> None:
    monkeypatch.setattr(smtp, "DELIVER_SECONDS", 0.2)
    server.on_content = hang
    await post(house)
    async with working(house, plain(server)):
        row = await tried(house)
    assert row["trouble"] == "TimeoutError"


async def test_a_greeting_that_refuses_is_the_servers_trouble(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.3.2 not today\r\n")
        await writer.drain()
        writer.close()

    rude = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with rude:
        port = rude.sockets[0].getsockname()[1]
        said = await trouble(house, f"smtp://127.0.0.1:{port}?tls=none", caplog)
    assert "554 5.3.2 not today" in said


async def test_a_letter_cut_off_in_mid_air_is_sent_again_as_the_same_message(
    house: House, server: MailServer
) -> None:
    async def cut_off_once(_: str, number: int) -> str:
        if number == 1:
            server.drop()
            await asyncio.Event().wait()
        return OK

    server.on_content = cut_off_once
    await post(house)
    async with working(house, plain(server)):
        await server.take()
        (row,) = await settled(house)
    assert row["tries"] == 2
    assert [seen["Message-ID"] for seen in server.seen] == [f"<{row['id']}@example.org>"] * 2
    assert (
        bytes(server.seen[0]).partition(b"\n\n")[0] == (bytes(server.seen[1]).partition(b"\n\n")[0])
        or server.seen[0]["Date"] == server.seen[1]["Date"]
    )


# The letter


@pytest.mark.parametrize("step", ["on_recipient", "on_content"])
async def test_a_letter_that_is_refused_is_given_up(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    async def refuse(address: str, _: int) -> str:
        return "550 5.1.1 no such user" if address == LETTER.to else OK

    setattr(server, step, refuse)
    await post(house, LETTER, LETTER._replace(to="bob@example.com"))
    async with working(house, plain(server)):
        rows = await settled(house, 2)
    refused = next(row for row in rows if row["recipient"] == LETTER.to)
    assert refused["gave_up_at"] is not None
    assert refused["trouble"] == "550 5.1.1 no such user"
    assert refused["text"] is None
    assert [letter["To"] for letter in server.letters] == ["bob@example.com"]
    assert await events(house) == ["letter.refused"]
    (line,) = [line for line in caplog.messages if "example.com" in line]
    assert line == f"letter {refused['id']} to somebody at example.com: refused (code 550)"
    assert server.opened == 1


@pytest.mark.parametrize("step", ["on_recipient", "on_content"])
async def test_a_letter_that_is_put_off_is_sent_later_as_the_same_message(
    house: House, server: MailServer, step: str
) -> None:
    async def put_off_once(address: str, number: int) -> str:
        return "451 4.7.1 greylisted" if (address, number) == (LETTER.to, 1) else OK

    setattr(server, step, put_off_once)
    await post(house)
    async with working(house, plain(server)):
        row = await tried(house)
        assert row["trouble"] == "451 4.7.1 greylisted"
        assert 3 < (row["due_at"] - row["created_at"]).total_seconds() < 10
        await move_time(house, "outbox", "due_at", "1 hour")
        await post(house, LETTER._replace(to="bell@example.com"))
        await server.take(2)
    sent = {letter["To"]: letter["Message-ID"] for letter in server.letters}
    assert sent[LETTER.to] == f"<{row['id']}@example.org>"
    assert await events(house) == []


async def test_a_letter_goes_when_it_is_due_again_though_nobody_rings(
    house: House, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_off_once(_: str, number: int) -> str:
        return "451 4.7.1 greylisted" if number == 1 else OK

    monkeypatch.setattr("app.flows.delivery.SHORTEST_WAIT", timedelta(seconds=0.3))
    monkeypatch.setattr(postman, "LOOK_EVERY_SECONDS", 1000)
    monkeypatch.setattr(postman, "LOOK_ANYWAY_SECONDS", 1000)
    server.on_recipient = put_off_once
    await post(house)
    async with working(house, plain(server)):
        await server.take()


async def test_a_letter_is_given_up_after_its_days_though_the_server_is_away(
    house: House, server: MailServer
) -> None:
    await server.stop()
    await post(house)
    await move_time(house, "outbox", "created_at", "25 hours")
    async with working(house, plain(server), mail_retry_days=1):
        (row,) = await settled(house)
    assert row["gave_up_at"] is not None
    assert row["text"] is None
    assert await events(house) == ["letter.gave_up"]


async def test_an_address_that_the_server_cannot_take_is_given_up(
    house: House, server: MailServer
) -> None:
    await post(house, LETTER._replace(to="käthe@example.com"))
    async with working(house, plain(server)):
        (row,) = await settled(house)
    assert "does not offer SMTPUTF8" in row["trouble"]
    assert await events(house) == ["letter.refused"]
    assert server.seen == []


@pytest.mark.parametrize(
    "to", ["nobody", "@example.com", "a\r\nRCPT TO:<b@example.com>", "a@ü" * 80]
)
async def test_what_is_no_address_is_given_up(house: House, server: MailServer, to: str) -> None:
    await post(house, LETTER._replace(to=to))
    async with working(house, plain(server)):
        (row,) = await settled(house)
    assert row["gave_up_at"] is not None
    assert server.seen == []
    assert not [line for line in server.heard if line.startswith("RCPT")]


async def test_an_address_that_needs_smtputf8_gets_it(house: House) -> None:
    async with mail_server(enable_SMTPUTF8=True) as server:
        await post(house, LETTER._replace(to="käthe@bücher.example.com", subject="Grüße"))
        async with working(house, plain(server)):
            await server.take()
    (envelope,) = server.envelopes
    assert envelope.rcpt_tos == ["käthe@xn--bcher-kva.example.com"]
    assert "SMTPUTF8" in envelope.mail_options
    assert isinstance(envelope.content, bytes)
    assert "Subject: Grüße\r\n".encode() in envelope.content


async def test_a_domain_alone_needs_no_smtputf8(house: House, server: MailServer) -> None:
    await post(house, LETTER._replace(to="kate@bücher.example.com"))
    async with working(house, plain(server)):
        await server.take()
    assert server.envelopes[0].rcpt_tos == ["kate@xn--bcher-kva.example.com"]


async def test_a_message_says_who_what_and_when(house: House, server: MailServer) -> None:
    body = "Zeile mit Ümlaut\n.ein Punkt am Anfang\n" + "lang " * 300 + "\n"
    await post(house, Letter("alice@example.com", "Grüße – schön 😀", body, f"<p>{body}</p>\n"))
    async with working(house, plain(server)):
        (letter,) = await server.take()
        (row,) = await settled(house)
    (envelope,) = server.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("login@example.org", ["alice@example.com"])
    assert letter["From"] == SENDER
    assert letter["To"] == "alice@example.com"
    assert letter["Subject"] == "Grüße – schön 😀"
    assert letter["Date"].datetime == row["created_at"].replace(microsecond=0)
    assert letter["Message-ID"] == f"<{row['id']}@example.org>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["X-Auto-Response-Suppress"] == "All"
    assert letter.get_content_type() == "multipart/alternative"
    parts = {part.get_content_type(): part.get_content() for part in letter.iter_parts()}
    assert list(parts) == ["text/plain", "text/html"]
    assert parts["text/plain"].replace("\r\n", "\n") == body
    assert parts["text/html"].replace("\r\n", "\n") == f"<p>{body}</p>\n"
    assert isinstance(envelope.content, bytes)
    assert envelope.content.isascii()
    assert max(map(len, envelope.content.split(b"\r\n"))) < 100


async def test_a_subject_adds_no_header(house: House, server: MailServer) -> None:
    subject = "Hello\r\nBcc: eve@example.com\r\n\r\nBody\u2028X-Evil: 1\0"
    await post(house, LETTER._replace(subject=subject.replace("\0", "\x7f")))
    async with working(house, plain(server)):
        (letter,) = await server.take()
    assert letter["Subject"] == "Hello Bcc: eve@example.com Body X-Evil: 1?"
    assert letter["Bcc"] is None
    assert letter["X-Evil"] is None
    assert server.envelopes[0].rcpt_tos == [LETTER.to]


async def test_a_sent_letter_is_wiped(house: House, server: MailServer) -> None:
    await register(house, ALICE)
    async with working(house, plain(server)):
        (letter,) = await server.take()
        (row,) = await settled(house)
    body = letter.get_body(("plain",))
    assert body is not None
    assert "/confirm/" in body.get_content()
    assert (row["text"], row["html"]) == (None, None)


# The postman


async def test_without_a_mail_server_letters_are_written_to_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await post(house)
    async with working(house, None):
        await settled(house)
    assert "SMTP_URL is not set: letters are written to this log" in caplog.messages
    assert "A letter to alice@example.com: Hello\n\nThis is the text.\n" in caplog.messages


async def test_letters_that_follow_each_other_share_a_connection(
    house: House, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "IDLE_SECONDS", 0.2)
    await post(house, *[LETTER] * 5)
    async with working(house, plain(server)):
        await server.take(5)
        assert server.opened == 1
        await until(lambda: not server.connections)
        assert server.heard[-1] == "QUIT"
        await post(house)
        await server.take(6)
    assert server.opened == 2


async def test_a_connection_that_was_dropped_while_idle_is_opened_anew(
    house: House, server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    await post(house)
    async with working(house, plain(server)):
        await server.take()
        await settled(house)
        server.drop()
        await post(house)
        await server.take(2)
    assert "do not get through" not in caplog.text


async def test_a_server_that_takes_few_letters_a_connection_gets_all(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async with mail_server(command_call_limit={"MAIL": 2, "*": 100}) as server:
        await post(house, *[LETTER] * 5)
        async with working(house, plain(server)):
            await server.take(5)
            assert {row["tries"] for row in await settled(house, 5)} == {1}
    assert server.opened == 3
    assert "do not get through" not in caplog.text


async def test_two_postmen_send_each_letter_once(house: House, server: MailServer) -> None:
    await post(house, *[LETTER] * 30)
    async with working(house, plain(server)), working(house, plain(server)):
        await server.take(30)
        await settled(house, 30)
    assert len({letter["Message-ID"] for letter in server.seen}) == len(server.seen) == 30
    assert server.opened == 2


async def listeners(house: House, command: str = "pg_backend_pid() <> pid") -> int:
    """Do something to the connections that listen for letters, and return how many it hit."""
    async with house.engine.connect() as connection:
        found = await connection.scalars(
            text(
                f"SELECT {command} FROM pg_stat_activity WHERE datname = current_database() "  # noqa: S608
                "AND query LIKE 'LISTEN%'"
            )
        )
        return sum(found)


async def heard(house: House) -> None:
    async with asyncio.timeout(10):
        while not await listeners(house):
            await asyncio.sleep(0.01)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have postmen never look by themselves."""
    monkeypatch.setattr(postman, "LOOK_ANYWAY_SECONDS", 1000)


@pytest.mark.usefixtures("deaf")
async def test_a_letter_rings_the_bell(house: House, server: MailServer) -> None:
    async with working(house, plain(server)):
        await heard(house)
        for number in range(1, 4):
            await post(house)
            await server.take(number)
            await settled(house, number)


@pytest.mark.usefixtures("deaf")
async def test_a_bell_that_is_lost_is_hung_up_again(house: House, server: MailServer) -> None:
    async with working(house, plain(server)):
        await heard(house)
        assert await listeners(house, "pg_terminate_backend(pid)") == 1
        await post(house)
        await server.take(1)
        await heard(house)
        await settled(house)
        await post(house)
        await server.take(2)


async def test_behind_a_pool_the_postman_looks_by_himself(
    house: House, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "LOOK_EVERY_SECONDS", 0.05)
    async with working(house, plain(server), database_pooled=True):
        await post(house)
        await server.take(1)
        await settled(house)
        await post(house)
        await server.take(2)
        assert await listeners(house) == 0


async def test_a_database_that_is_away_is_waited_for(
    house: House, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "DATABASE_RETRY_SECONDS", 0.1)
    lose = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with working(house, plain(server)):
        await heard(house)
        async with house.engine.connect() as connection:
            await connection.execute(lose)
        await post(house)
        await server.take(1)


async def test_a_postman_who_is_told_to_stop_finishes_the_letter_in_hand(
    house: House, server: MailServer
) -> None:
    at_it, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_: str, __: int) -> str:
        at_it.set()
        await go_on.wait()
        return OK

    server.on_content = slowly
    await post(house, LETTER, LETTER)
    async with working(house, plain(server)):
        await at_it.wait()
        asyncio.get_running_loop().call_later(0.2, go_on.set)
    assert sum(row["sent_at"] is not None for row in await outbox_rows(house)) == 1
    assert len(server.letters) == 1


async def test_a_postman_who_is_told_to_stop_does_not_wait_for_a_server_that_hangs(
    house: House, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postman, "FINISH_SECONDS", 0.2)
    at_it = asyncio.Event()

    async def stuck(about: str, number: int) -> str:
        at_it.set()
        return await hang(about, number)

    server.on_content = stuck
    await post(house)
    async with asyncio.timeout(10):
        async with working(house, plain(server)):
            await at_it.wait()
    (row,) = await outbox_rows(house)
    assert row["sent_at"] is None
    assert row["text"]


@pytest.mark.usefixtures("database")
async def test_a_postman_is_a_process(
    house: House, authority: trustme.CA, trusted: Path, worker_database: URL
) -> None:
    async with mail_server(tls_context=certificate(authority)) as server:
        server.password = SECRET
        environ = environment(
            worker_database,
            SMTP_URL=f"smtp://me@localhost:{server.port}",
            SMTP_PASSWORD=SECRET,
            MAIL_FROM=SENDER,
            SSL_CERT_FILE=str(trusted),
        )
        with process(environ) as (child, output):
            await until(lambda: "(STARTTLS)" in Path(output.name).read_text())
            await post(house)
            await server.take()
            await settled(house)
            child.send_signal(signal.SIGTERM)
            await until(lambda: child.poll() is not None, seconds=5)
            said = Path(output.name).read_text()
    assert child.returncode == 0
    assert re.search(rf"letters go to localhost:{server.port} \(STARTTLS\)", said)
    assert "Traceback" not in said
    assert SECRET not in said


async def test_a_postman_process_stops_while_the_server_is_away(
    house: House, worker_database: URL
) -> None:
    environ = environment(
        worker_database, SMTP_URL=f"smtp://localhost:{free_port()}?tls=none", MAIL_FROM=SENDER
    )
    await post(house)
    with process(environ) as (child, output):
        await until(lambda: "do not get through" in Path(output.name).read_text())
        child.send_signal(signal.SIGTERM)
        await until(lambda: child.poll() is not None, seconds=5)
        assert "Traceback" not in Path(output.name).read_text()
    assert child.returncode == 0
