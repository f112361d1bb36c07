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
from app.services import House
from tests.contexts import CLIENT, context
from tests.people import (
    ALICE,
    BOB,
    Someone,
    block,
    count,
    events,
    move_time,
    register,
    settle,
    sign_in,
    signed_in,
    unblock,
    who,
)


async def scalar(house: House, statement: str) -> object:
    async with house.engine.connect() as connection:
        return await connection.scalar(text(statement))


async def execute(house: House, statement: str, **values: object) -> None:
    async with house.engine.begin() as connection:
        await connection.execute(text(statement), values)


@pytest.mark.parametrize(
    "password", ["", "wrong", ALICE.password + " ", ALICE.password[:-1], "x" * 129, "é" * 2000]
)
async def test_a_wrong_password_is_refused(house: House, password: str) -> None:
    await settle(house, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, password=password)
    assert await count(house, "login_sessions") == 0


@pytest.mark.parametrize("name", ["nobody", "nobody@example.com", "@", "é" * 200, "alice@"])
async def test_a_name_that_nobody_has_is_refused_alike(house: House, name: str) -> None:
    with pytest.raises(WrongCredentials) as unknown:
        await sign_in(house, ALICE, name=name)
    await settle(house, ALICE)
    with pytest.raises(WrongCredentials) as known:
        await sign_in(house, ALICE, password="wrong")
    assert str(unknown.value) == str(known.value) == "Invalid username or password."


async def test_a_blocked_person_is_refused_alike(house: House) -> None:
    await settle(house, ALICE)
    await block(house, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE)


@pytest.mark.parametrize("name", [ALICE.email, ALICE.username, "Alice@EXAMPLE.com"])
async def test_only_who_knows_the_password_learns_that_an_account_waits(
    house: House, name: str
) -> None:
    await register(house, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, name=name, password="wrong")
    assert isinstance(await sign_in(house, ALICE, name=name), login.Unconfirmed)
    assert await count(house, "login_sessions") == 0
    assert (await events(house))[-2:] == ["login.failed", "login.unconfirmed"]


async def test_registering_a_known_address_looks_the_same_at_the_login(house: House) -> None:
    """Else the login would tell a stranger whether his registration met an account (EN-03)."""
    await settle(house, ALICE)
    stranger = Someone("stranger", ALICE.email, "the stranger has plans")
    await register(house, stranger)
    assert isinstance(await sign_in(house, stranger), login.Unconfirmed)
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_who_registers_twice_with_his_own_password_still_signs_in(house: House) -> None:
    await settle(house, ALICE)
    await register(house, ALICE._replace(username="alice2"))
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_an_expired_registration_is_nobody(house: House) -> None:
    await register(house, ALICE)
    await move_time(house, "registrations", "expires_at", "24 hours 1 second")
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE)


class Counting:
    """Counts how many hashes a login verifies."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.checks = 0
        verify = house.hasher._verify_now

        def count(password: str, stored: str | None) -> Verdict:
            self.checks += 1
            return verify(password, stored)

        monkeypatch.setattr(house.hasher, "_verify_now", count)


async def test_every_failure_verifies_one_hash(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle(house, ALICE)
    await settle(house, BOB)
    await block(house, BOB)
    await register(house, Someone("late", "late@example.com", "late comes too late"))
    counting = Counting(house, monkeypatch)
    tries = [
        ("nobody", "wrong"),
        (ALICE.email, "wrong"),
        (BOB.email, BOB.password),
        ("late", "wrong"),
    ]
    for name, password in tries:
        before = counting.checks
        with pytest.raises(WrongCredentials):
            await sign_in(house, ALICE, name=name, password=password)
        assert counting.checks == before + 1, name


async def test_a_registrations_password_verifies_two_whether_or_not_there_is_a_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settle(house, ALICE)
    stranger = Someone("stranger", ALICE.email, "the stranger has plans")
    for someone in (stranger, stranger._replace(email="new@example.com")):
        await register(house, someone)
        counting = Counting(house, monkeypatch)
        assert isinstance(await sign_in(house, someone), login.Unconfirmed)
        assert counting.checks == 2


async def test_a_slowed_person_does_not_change_what_is_said_of_a_registration(
    house: House,
) -> None:
    """Else slowing a user name would tell whose the address is."""
    await settle(house, ALICE)
    for email in (ALICE.email, "new@example.com"):
        stranger = Someone("stranger", email, "the stranger has plans")
        await register(house, stranger)
        for _ in range(5):
            with suppress(WrongCredentials, TooManyTries):
                await sign_in(house, ALICE, name="alice", password="wrong")
        assert isinstance(await sign_in(house, stranger), login.Unconfirmed)


@pytest.mark.parametrize("email", [ALICE.email, "new@example.com"])
async def test_a_password_with_a_registrations_fingerprint_verifies_two(
    house: House, monkeypatch: pytest.MonkeyPatch, email: str
) -> None:
    """The pair collides for all addresses alike: the number of checks must not tell (EN-02)."""
    await settle(house, ALICE)
    monkeypatch.setattr(passwords, "fingerprint", lambda *_, **__: b"12")
    monkeypatch.setattr(login, "fingerprint", lambda *_, **__: b"12")
    await register(house, Someone("stranger", email, "the stranger has plans"))
    counting = Counting(house, monkeypatch)
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, name=email, password="another password")
    assert counting.checks == 2


async def test_a_try_counts_even_if_nobody_waits_for_the_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BF-03: a request that is cut off while its password is checked has been counted."""
    checking, gate = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def stuck(*_: object) -> Verdict:
        loop.call_soon_threadsafe(checking.set)
        gate.wait(10)
        return Verdict(is_right=False)

    monkeypatch.setattr(house.hasher, "_verify_now", stuck)
    work = asyncio.ensure_future(sign_in(house, ALICE, password="wrong"))
    await checking.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    gate.set()
    name = f"logins:name:{ALICE.email}"
    tries = f"SELECT tries FROM throttle_buckets WHERE key = sha256('{name}')"  # noqa: S608
    assert await scalar(house, tries) == 1


@asynccontextmanager
async def full(house: House) -> AsyncIterator[None]:
    """Take all places at the password threads, and all room to wait for one."""

    async def crowd() -> None:
        with suppress(TooBusy):
            async with house.hasher.place(CLIENT.group):
                await asyncio.Event().wait()

    waiting = [asyncio.create_task(crowd()) for _ in range(house.config.password_queue + 2)]
    await asyncio.sleep(0)
    yield
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_full_queue_costs_no_try(house: House) -> None:
    await settle(house, ALICE)
    async with full(house):
        for _ in range(10):
            with pytest.raises(TooBusy):
                await sign_in(house, ALICE)
    assert await count(house, "throttle_buckets") == 6  # of the registration and its letter
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_an_invited_person_without_a_password_is_refused(house: House) -> None:
    await settle(house, ALICE)
    await execute(house, "UPDATE users SET password_hash = NULL")
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE)


async def test_a_failure_is_on_record(house: House) -> None:
    await settle(house, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, password="wrong")
    assert (await events(house))[-1] == "login.failed"


async def test_a_password_typed_as_a_name_is_not_on_record(house: House) -> None:
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, name="canary-password")
    assert (
        await scalar(house, "SELECT count(*) FROM audit_events WHERE detail::text LIKE '%canary%'")
        == 0
    )


class TestAccountLimit:
    async def fail(self, house: House, times: int, someone: Someone = ALICE) -> int:
        refused = 0
        for number in range(times):
            client = replace(CLIENT, ip=f"198.51.100.{number}")
            try:
                await sign_in(house, someone, password="wrong", client=client)
            except TooManyTries:
                refused += 1
            except WrongCredentials:
                pass
        return refused

    async def test_after_the_fifth_failure_even_the_right_password_has_to_wait(
        self, house: House
    ) -> None:
        await settle(house, ALICE)
        assert await self.fail(house, 5) == 0
        with pytest.raises(TooManyTries) as refusal:
            await sign_in(house, ALICE)
        assert refusal.value.retry_after == 1
        assert "login.slowed" in await events(house)

    async def test_address_and_user_name_share_the_limit_and_do_not_tell(
        self, house: House
    ) -> None:
        """A slowed account, called by its other name, looks like a wrong password."""
        await settle(house, ALICE)
        await self.fail(house, 5)
        for name in ("ALICE", "nobody"):
            with pytest.raises(WrongCredentials):
                await sign_in(house, ALICE, name=name)

    async def test_a_new_registration_does_not_change_the_limit_of_an_address(
        self, house: House
    ) -> None:
        await self.fail(house, 5)
        await register(house, ALICE)
        assert await self.fail(house, 1) == 1

    async def test_a_name_that_nobody_has_is_limited_alike(self, house: House) -> None:
        assert await self.fail(house, 8, BOB) == 3

    async def test_the_wait_doubles_up_to_its_longest(self, house: House) -> None:
        await settle(house, ALICE)
        await self.fail(house, 5)
        waits = []
        for _ in range(11):
            with pytest.raises(TooManyTries) as refusal:
                await sign_in(house, ALICE)
            waits.append(refusal.value.retry_after)
            await move_time(house, "throttle_buckets", "free_at", f"{waits[-1]} seconds")
            with pytest.raises(WrongCredentials):
                await sign_in(house, ALICE, password="wrong")
        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]

    async def test_after_the_wait_the_right_password_is_taken_and_all_is_forgotten(
        self, house: House
    ) -> None:
        await settle(house, ALICE)
        await self.fail(house, 5)
        await move_time(house, "throttle_buckets", "free_at", "1 second")
        assert isinstance(await sign_in(house, ALICE), login.SignedIn)
        assert await self.fail(house, 4) == 0

    async def test_an_hour_without_tries_is_forgotten(self, house: House) -> None:
        await settle(house, ALICE)
        await self.fail(house, 4)
        await move_time(house, "throttle_buckets", "forget_at", "1 hour 1 second")
        assert await self.fail(house, 5) == 0

    async def test_twenty_minutes_of_tries_are_not(self, house: House) -> None:
        await settle(house, ALICE)
        await self.fail(house, 4)
        await move_time(house, "throttle_buckets", "forget_at", "20 minutes")
        assert await self.fail(house, 2) == 1


class TestNetworkLimit:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"network_logins_5_minutes": 30, "network_logins_hour": 100}

    async def spray(self, house: House, times: int, ip: str) -> list[int]:
        """Try one password on many names; return the waits of those that were refused."""
        waits = []
        for number in range(times):
            try:
                await sign_in(house, ALICE, name=f"nobody{number}", client=replace(CLIENT, ip=ip))
            except TooManyTries as refusal:
                waits.append(refusal.retry_after)
            except WrongCredentials:
                pass
        return waits

    async def test_one_password_on_many_names_is_stopped(self, house: House) -> None:
        waits = await self.spray(house, 35, "192.0.2.1")
        assert len(waits) == 5
        assert all(1 <= wait <= 10 for wait in waits)

    async def test_other_networks_are_not_concerned(self, house: House) -> None:
        await self.spray(house, 31, "192.0.2.1")
        assert await self.spray(house, 1, "192.0.2.2") == []

    async def test_an_ipv6_network_counts_as_one(self, house: House) -> None:
        await self.spray(house, 30, "2001:db8::1")
        assert len(await self.spray(house, 1, "2001:db8::ffff")) == 1
        assert await self.spray(house, 1, "2001:db8:0:1::1") == []

    async def test_success_gives_the_network_nothing_back(self, house: House) -> None:
        await settle(house, ALICE)
        client = replace(CLIENT, ip="192.0.2.1")
        for _ in range(30):
            await sign_in(house, ALICE, client=client)
        with pytest.raises(TooManyTries):
            await sign_in(house, ALICE, client=client)


@pytest.mark.parametrize(
    "name", ["alice@example.com", "ALICE@Example.com", "alice", "Alice", " alice "]
)
async def test_a_person_signs_in_by_address_or_user_name(house: House, name: str) -> None:
    await settle(house, ALICE)
    outcome = await sign_in(house, ALICE, name=name)
    assert isinstance(outcome, login.SignedIn)
    assert await who(house, outcome.secret) == "alice"


async def test_every_login_has_a_secret_of_its_own(house: House) -> None:
    await settle(house, ALICE)
    assert await signed_in(house, ALICE) != await signed_in(house, ALICE)


async def test_only_the_digest_of_the_secret_is_kept(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    assert await scalar(house, "SELECT digest FROM login_sessions") == digest(secret)


async def test_a_new_login_ends_the_session_that_the_browser_had(house: House) -> None:
    await settle(house, ALICE)
    first = await signed_in(house, ALICE)
    await sign_in(house, ALICE, previous_secret=first)
    assert await who(house, first) is None


async def test_a_failed_login_leaves_the_session_that_the_browser_has(house: House) -> None:
    await settle(house, ALICE)
    first = await signed_in(house, ALICE)
    with pytest.raises(WrongCredentials):
        await sign_in(house, ALICE, password="wrong", previous_secret=first)
    assert await who(house, first) == "alice"


async def test_a_session_ends_at_logout(house: House) -> None:
    await settle(house, ALICE)
    secret, other = await signed_in(house, ALICE), await signed_in(house, ALICE)
    async with context(house, session_secret=secret) as ctx:
        await login.sign_out(ctx)
        await login.sign_out(ctx)
    assert await who(house, secret) is None
    assert await who(house, other) == "alice"
    assert (await events(house)).count("login.ended") == 1


async def test_a_session_ends_by_a_block_and_unblocking_does_not_revive_it(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    await block(house, ALICE)
    assert await who(house, secret) is None
    await unblock(house, ALICE)
    assert await who(house, secret) is None
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_a_session_of_old_credentials_has_ended(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    await execute(house, "UPDATE users SET credential_version = credential_version + 1")
    assert await who(house, secret) is None


async def test_an_idle_session_ends(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    await move_time(house, "login_sessions", "seen_at", "121 minutes")
    assert await who(house, secret) is None


async def test_a_session_in_use_lives_on_and_is_touched_at_most_once_an_hour(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE)
    await move_time(house, "login_sessions", "seen_at", "59 minutes")
    before = await scalar(house, "SELECT seen_at FROM login_sessions")
    assert await who(house, secret) == "alice"
    assert await scalar(house, "SELECT seen_at FROM login_sessions") == before
    await move_time(house, "login_sessions", "seen_at", "2 minutes")
    assert await who(house, secret) == "alice"
    assert await scalar(house, "SELECT now() - seen_at < interval '1 minute' FROM login_sessions")


@pytest.mark.parametrize("ends", ["12 hours", "30 days"])
async def test_a_session_ends_for_good_by_the_databases_clock(house: House, ends: str) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE, remember=ends == "30 days")
    await move_time(house, "login_sessions", "expires_at", ends)
    await move_time(house, "login_sessions", "expires_at", "-1 minute")
    assert await who(house, secret) == "alice"
    await move_time(house, "login_sessions", "expires_at", "1 minute")
    assert await who(house, secret) is None


async def test_a_remembered_session_does_not_end_by_being_idle(house: House) -> None:
    await settle(house, ALICE)
    secret = await signed_in(house, ALICE, remember=True)
    await move_time(house, "login_sessions", "seen_at", "29 days")
    assert await who(house, secret) == "alice"


async def test_of_more_than_twenty_sessions_the_oldest_end(house: House) -> None:
    await settle(house, ALICE)
    secrets = [await signed_in(house, ALICE) for _ in range(23)]
    assert [await who(house, secret) for secret in secrets] == [None] * 3 + ["alice"] * 20


@pytest.mark.parametrize("method", ["pbkdf2:sha256:1000", "scrypt:1024:8:1"])
async def test_a_person_from_flask_keeps_his_password_and_gets_a_new_hash(
    house: House, method: str
) -> None:
    await settle(house, ALICE)
    old = generate_password_hash(ALICE.password, method)
    await execute(house, "UPDATE users SET password_hash = :old", old=old)
    secret = await signed_in(house, ALICE)
    stored = str(await scalar(house, "SELECT password_hash FROM users"))
    assert stored.startswith("$bcrypt-sha256$")
    assert await who(house, secret) == "alice"
    assert isinstance(await sign_in(house, ALICE), login.SignedIn)


async def test_a_last_login_is_noted(house: House) -> None:
    await settle(house, ALICE)
    assert await scalar(house, "SELECT last_login_at FROM users") is None
    await signed_in(house, ALICE)
    assert await scalar(house, "SELECT last_login_at <= now() FROM users")
