"""Signing in and out: refusals first."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from sqlalchemy import text
from werkzeug.security import generate_password_hash

from app.flows import login
from app.kit import passwords
from app.kit.errors import TooBusy, TooManyTries, WrongCredentials
from app.kit.passwords import Verdict
from app.kit.tokens import digest
from app.services import Services
from app.words.refusals import sentence
from tests.contexts import CLIENT, context
from tests.users import (
    ALICE,
    BOB,
    Someone,
    block,
    count,
    create_user,
    events,
    move_time,
    register,
    sign_in,
    signed_in,
    unblock,
    who,
)


async def scalar(services: Services, statement: str) -> object:
    async with services.engine.connect() as connection:
        return await connection.scalar(text(statement))


async def execute(services: Services, statement: str, **values: object) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(text(statement), values)


@pytest.mark.parametrize(
    "password", ["", "wrong", ALICE.password + " ", ALICE.password[:-1], "x" * 129, "é" * 2000]
)
async def test_a_wrong_password_is_refused(services: Services, password: str) -> None:
    await create_user(services, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, password=password)
    assert await count(services, "login_sessions") == 0


@pytest.mark.parametrize("name", ["nobody", "nobody@example.com", "@", "é" * 200, "alice@"])
async def test_a_name_that_nobody_has_is_refused_alike(services: Services, name: str) -> None:
    with pytest.raises(WrongCredentials) as unknown:
        await sign_in(services, ALICE, name=name)
    await create_user(services, ALICE)
    with pytest.raises(WrongCredentials) as known:
        await sign_in(services, ALICE, password="wrong")
    said = [sentence(refusal.value) for refusal in (unknown, known)]
    assert said == ["Incorrect email, username or password."] * 2


async def test_a_blocked_person_is_refused_alike(services: Services) -> None:
    await create_user(services, ALICE)
    await block(services, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE)


@pytest.mark.parametrize("name", [ALICE.email, ALICE.username, "Alice@EXAMPLE.com"])
async def test_only_who_knows_the_password_learns_that_an_account_waits(
    services: Services, name: str
) -> None:
    await register(services, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, name=name, password="wrong")
    assert isinstance(await sign_in(services, ALICE, name=name), login.Unconfirmed)
    assert await count(services, "login_sessions") == 0
    assert (await events(services))[-2:] == ["login.failed", "login.unconfirmed"]


async def test_registering_a_known_address_looks_the_same_at_the_login(services: Services) -> None:
    """Else the login would tell a stranger whether their registration met an account (EN-03)."""
    await create_user(services, ALICE)
    stranger = Someone("stranger", ALICE.email, "the stranger has plans")
    await register(services, stranger)
    assert isinstance(await sign_in(services, stranger), login.Unconfirmed)
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_who_registers_twice_with_his_own_password_still_signs_in(services: Services) -> None:
    await create_user(services, ALICE)
    await register(services, ALICE._replace(username="alice2"))
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_an_expired_registration_is_nobody(services: Services) -> None:
    await register(services, ALICE)
    await move_time(services, "registrations", "expires_at", "24 hours 1 second")
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE)


class Counting:
    """Counts how many hashes a login verifies."""

    def __init__(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        self.checks = 0
        verify = services.hasher.verify_at_once

        def count(password: str, stored: str | None) -> Verdict:
            self.checks += 1
            return verify(password, stored)

        monkeypatch.setattr(services.hasher, "verify_at_once", count)


async def test_every_failure_verifies_one_hash(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_user(services, ALICE)
    await create_user(services, BOB)
    await block(services, BOB)
    await register(services, Someone("late", "late@example.com", "late comes too late"))
    counting = Counting(services, monkeypatch)
    tries = [
        ("nobody", "wrong"),
        (ALICE.email, "wrong"),
        (BOB.email, BOB.password),
        ("late", "wrong"),
    ]
    for name, password in tries:
        before = counting.checks
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE, name=name, password=password)
        assert counting.checks == before + 1, name


async def test_a_registrations_password_verifies_two_whether_or_not_there_is_a_person(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_user(services, ALICE)
    stranger = Someone("stranger", ALICE.email, "the stranger has plans")
    for someone in (stranger, stranger._replace(email="new@example.com")):
        await register(services, someone)
        counting = Counting(services, monkeypatch)
        assert isinstance(await sign_in(services, someone), login.Unconfirmed)
        assert counting.checks == 2


async def test_a_slowed_person_does_not_change_what_is_said_of_a_registration(
    services: Services,
) -> None:
    """Else slowing a username would tell whose the address is."""
    await create_user(services, ALICE)
    for email in (ALICE.email, "new@example.com"):
        stranger = Someone("stranger", email, "the stranger has plans")
        await register(services, stranger)
        for _ in range(5):
            with suppress(WrongCredentials, TooManyTries):
                await sign_in(services, ALICE, name="alice", password="wrong")
        assert isinstance(await sign_in(services, stranger), login.Unconfirmed)


@pytest.mark.parametrize("email", [ALICE.email, "new@example.com"])
async def test_a_password_with_a_registrations_fingerprint_verifies_two(
    services: Services, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """The pair collides for all addresses alike: the number of checks must not tell (EN-02)."""
    await create_user(services, ALICE)
    monkeypatch.setattr(passwords, "fingerprint", lambda *_, **__: b"12")
    monkeypatch.setattr(login, "fingerprint", lambda *_, **__: b"12")
    await register(services, Someone("stranger", email, "the stranger has plans"))
    counting = Counting(services, monkeypatch)
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, name=email, password="another password")
    assert counting.checks == 2


async def test_a_try_counts_even_if_nobody_waits_for_the_answer(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BF-03: a request that is cut off while its password is checked has been counted."""
    checking, gate = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def stuck(*_: object) -> Verdict:
        loop.call_soon_threadsafe(checking.set)
        gate.wait(10)
        return Verdict(is_right=False)

    monkeypatch.setattr(services.hasher, "verify_at_once", stuck)
    work = asyncio.ensure_future(sign_in(services, ALICE, password="wrong"))
    await checking.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    gate.set()
    name = f"logins:name:{ALICE.email}"
    tries = f"SELECT tries FROM rate_limit_buckets WHERE key = sha256('{name}')"  # noqa: S608
    assert await scalar(services, tries) == 1


@asynccontextmanager
async def full(services: Services) -> AsyncIterator[None]:
    """Take all places at the password threads, and all room to wait for one."""

    async def crowd() -> None:
        with suppress(TooBusy):
            async with services.hasher.place(CLIENT.group):
                await asyncio.Event().wait()

    waiting = [asyncio.create_task(crowd()) for _ in range(services.config.password_queue + 2)]
    await asyncio.sleep(0)
    yield
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_full_queue_costs_no_try(services: Services) -> None:
    await create_user(services, ALICE)
    async with full(services):
        for _ in range(10):
            with pytest.raises(TooBusy):
                await sign_in(services, ALICE)
    assert await count(services, "rate_limit_buckets") == 6  # of the registration and its email
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_an_invited_person_without_a_password_is_refused(services: Services) -> None:
    await create_user(services, ALICE)
    await execute(services, "UPDATE users SET password_hash = NULL")
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE)


async def test_a_failure_is_on_record(services: Services) -> None:
    await create_user(services, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, password="wrong")
    assert (await events(services))[-1] == "login.failed"


async def test_a_password_typed_as_a_name_is_not_on_record(services: Services) -> None:
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, name="canary-password")
    assert (
        await scalar(
            services, "SELECT count(*) FROM audit_events WHERE detail::text LIKE '%canary%'"
        )
        == 0
    )


class TestAccountLimit:
    async def fail(self, services: Services, times: int, someone: Someone = ALICE) -> int:
        refused = 0
        for number in range(times):
            client = replace(CLIENT, ip=f"198.51.100.{number}")
            try:
                await sign_in(services, someone, password="wrong", client=client)
            except TooManyTries:
                refused += 1
            except WrongCredentials:
                pass
        return refused

    async def test_after_the_fifth_failure_even_the_right_password_has_to_wait(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        assert await self.fail(services, 5) == 0
        with pytest.raises(TooManyTries) as refusal:
            await sign_in(services, ALICE)
        assert refusal.value.retry_after == 1
        assert "login.slowed" in await events(services)

    async def test_address_and_user_name_share_the_limit_and_do_not_tell(
        self, services: Services
    ) -> None:
        """A slowed account, called by its other name, looks like a wrong password."""
        await create_user(services, ALICE)
        await self.fail(services, 5)
        for name in ("ALICE", "nobody"):
            with pytest.raises(WrongCredentials):
                await sign_in(services, ALICE, name=name)

    async def test_a_new_registration_does_not_change_the_limit_of_an_address(
        self, services: Services
    ) -> None:
        await self.fail(services, 5)
        await register(services, ALICE)
        assert await self.fail(services, 1) == 1

    async def test_a_name_that_nobody_has_is_limited_alike(self, services: Services) -> None:
        assert await self.fail(services, 8, BOB) == 3

    async def test_the_wait_doubles_up_to_its_longest(self, services: Services) -> None:
        await create_user(services, ALICE)
        await self.fail(services, 5)
        waits = []
        for _ in range(11):
            with pytest.raises(TooManyTries) as refusal:
                await sign_in(services, ALICE)
            waits.append(refusal.value.retry_after)
            await move_time(services, "rate_limit_buckets", "free_at", f"{waits[-1]} seconds")
            with pytest.raises(WrongCredentials):
                await sign_in(services, ALICE, password="wrong")
        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]

    async def test_after_the_wait_the_right_password_is_taken_and_all_is_forgotten(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        await self.fail(services, 5)
        await move_time(services, "rate_limit_buckets", "free_at", "1 second")
        assert isinstance(await sign_in(services, ALICE), login.SignedIn)
        assert await self.fail(services, 4) == 0

    async def test_an_hour_without_tries_is_forgotten(self, services: Services) -> None:
        await create_user(services, ALICE)
        await self.fail(services, 4)
        await move_time(services, "rate_limit_buckets", "forget_at", "1 hour 1 second")
        assert await self.fail(services, 5) == 0

    async def test_twenty_minutes_of_tries_are_not(self, services: Services) -> None:
        await create_user(services, ALICE)
        await self.fail(services, 4)
        await move_time(services, "rate_limit_buckets", "forget_at", "20 minutes")
        assert await self.fail(services, 2) == 1


class TestNetworkLimit:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"logins_per_network_5_minutes": 30, "logins_per_network_hour": 100}

    async def spray(self, services: Services, times: int, ip: str) -> list[int]:
        """Try one password on many names; return the waits of those that were refused."""
        waits = []
        for number in range(times):
            try:
                await sign_in(
                    services, ALICE, name=f"nobody{number}", client=replace(CLIENT, ip=ip)
                )
            except TooManyTries as refusal:
                waits.append(refusal.retry_after)
            except WrongCredentials:
                pass
        return waits

    async def test_one_password_on_many_names_is_stopped(self, services: Services) -> None:
        waits = await self.spray(services, 35, "192.0.2.1")
        assert len(waits) == 5
        assert all(1 <= wait <= 10 for wait in waits)

    async def test_other_networks_are_not_concerned(self, services: Services) -> None:
        await self.spray(services, 31, "192.0.2.1")
        assert await self.spray(services, 1, "192.0.2.2") == []

    async def test_an_ipv6_network_counts_as_one(self, services: Services) -> None:
        await self.spray(services, 30, "2001:db8::1")
        assert len(await self.spray(services, 1, "2001:db8::ffff")) == 1
        assert await self.spray(services, 1, "2001:db8:0:1::1") == []

    async def test_success_gives_the_network_nothing_back(self, services: Services) -> None:
        await create_user(services, ALICE)
        client = replace(CLIENT, ip="192.0.2.1")
        for _ in range(30):
            await sign_in(services, ALICE, client=client)
        with pytest.raises(TooManyTries):
            await sign_in(services, ALICE, client=client)


@pytest.mark.parametrize(
    "name", ["alice@example.com", "ALICE@Example.com", "alice", "Alice", " alice "]
)
async def test_a_person_signs_in_by_address_or_user_name(services: Services, name: str) -> None:
    await create_user(services, ALICE)
    outcome = await sign_in(services, ALICE, name=name)
    assert isinstance(outcome, login.SignedIn)
    assert await who(services, outcome.secret) == "alice"


async def test_every_login_has_a_secret_of_its_own(services: Services) -> None:
    await create_user(services, ALICE)
    assert await signed_in(services, ALICE) != await signed_in(services, ALICE)


async def test_only_the_digest_of_the_secret_is_kept(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    assert await scalar(services, "SELECT digest FROM login_sessions") == digest(secret)


async def test_a_new_login_ends_the_session_that_the_browser_had(services: Services) -> None:
    await create_user(services, ALICE)
    first = await signed_in(services, ALICE)
    await sign_in(services, ALICE, previous_secret=first)
    assert await who(services, first) is None


async def test_a_failed_login_leaves_the_session_that_the_browser_has(services: Services) -> None:
    await create_user(services, ALICE)
    first = await signed_in(services, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(services, ALICE, password="wrong", previous_secret=first)
    assert await who(services, first) == "alice"


async def test_a_session_ends_at_logout(services: Services) -> None:
    await create_user(services, ALICE)
    secret, other = await signed_in(services, ALICE), await signed_in(services, ALICE)
    async with context(services, session_secret=secret) as ctx:
        await login.sign_out(ctx)
        await login.sign_out(ctx)
    assert await who(services, secret) is None
    assert await who(services, other) == "alice"
    assert (await events(services)).count("login.ended") == 1


async def test_a_session_ends_by_a_block_and_unblocking_does_not_revive_it(
    services: Services,
) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    await block(services, ALICE)
    assert await who(services, secret) is None
    await unblock(services, ALICE)
    assert await who(services, secret) is None
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_a_session_of_old_credentials_has_ended(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    await execute(services, "UPDATE users SET credential_version = credential_version + 1")
    assert await who(services, secret) is None


async def test_an_idle_session_ends(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    await move_time(services, "login_sessions", "seen_at", "121 minutes")
    assert await who(services, secret) is None


async def test_a_session_in_use_lives_on_and_is_touched_at_most_once_an_hour(
    services: Services,
) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE)
    await move_time(services, "login_sessions", "seen_at", "59 minutes")
    before = await scalar(services, "SELECT seen_at FROM login_sessions")
    assert await who(services, secret) == "alice"
    assert await scalar(services, "SELECT seen_at FROM login_sessions") == before
    await move_time(services, "login_sessions", "seen_at", "2 minutes")
    assert await who(services, secret) == "alice"
    assert await scalar(
        services, "SELECT now() - seen_at < interval '1 minute' FROM login_sessions"
    )


@pytest.mark.parametrize("ends", ["12 hours", "30 days"])
async def test_a_session_ends_for_good_by_the_databases_clock(
    services: Services, ends: str
) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE, remember=ends == "30 days")
    await move_time(services, "login_sessions", "expires_at", ends)
    await move_time(services, "login_sessions", "expires_at", "-1 minute")
    assert await who(services, secret) == "alice"
    await move_time(services, "login_sessions", "expires_at", "1 minute")
    assert await who(services, secret) is None


async def test_a_remembered_session_does_not_end_by_being_idle(services: Services) -> None:
    await create_user(services, ALICE)
    secret = await signed_in(services, ALICE, remember=True)
    await move_time(services, "login_sessions", "seen_at", "29 days")
    assert await who(services, secret) == "alice"


async def test_of_more_than_twenty_sessions_the_oldest_end(services: Services) -> None:
    await create_user(services, ALICE)
    secrets = [await signed_in(services, ALICE) for _ in range(23)]
    assert [await who(services, secret) for secret in secrets] == [None] * 3 + ["alice"] * 20


@pytest.mark.parametrize("method", ["pbkdf2:sha256:1000", "scrypt:1024:8:1"])
async def test_a_person_from_flask_keeps_his_password_and_gets_a_new_hash(
    services: Services, method: str
) -> None:
    await create_user(services, ALICE)
    old = generate_password_hash(ALICE.password, method)
    await execute(services, "UPDATE users SET password_hash = :old", old=old)
    secret = await signed_in(services, ALICE)
    stored = str(await scalar(services, "SELECT password_hash FROM users"))
    assert stored.startswith("$bcrypt-sha256$")
    assert await who(services, secret) == "alice"
    assert isinstance(await sign_in(services, ALICE), login.SignedIn)


async def test_a_last_login_is_noted(services: Services) -> None:
    await create_user(services, ALICE)
    assert await scalar(services, "SELECT last_login_at FROM users") is None
    await signed_in(services, ALICE)
    assert await scalar(services, "SELECT last_login_at <= now() FROM users")
