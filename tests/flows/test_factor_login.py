"""Signing in with a second factor, and everything that must not get around it."""

from hashlib import sha256

import pytest
from sqlalchemy import text

from app.flows import factor_login, login, password_reset, reauthentication
from app.kit.errors import LinkUnusable, SignedOut, TooManyTries, WrongCredentials
from app.kit.factor_errors import AppDisabled, LoginExpired, WrongCode
from app.services import Services
from tests.acts import change_password
from tests.contexts import context
from tests.factors import (
    add_app,
    app_of,
    code_of,
    finish,
    half_way,
    let_codes_pass,
    let_waits_pass,
    signed_in_by_code,
    wrong_code,
)
from tests.mailbox import key_of, last_link, link_about, messages
from tests.users import (
    ALICE,
    BOB,
    actor_of,
    block,
    count,
    create_user,
    entered,
    events,
    move_time,
    sign_in,
    who,
)

NEW = "a quite different passphrase"


@pytest.fixture
async def codes(services: Services) -> list[str]:
    """Return Alice's recovery codes; she has an app."""
    await create_user(services, ALICE)
    return (await add_app(services)).codes


@pytest.mark.usefixtures("codes")
class TestRefusals:
    async def test_the_password_alone_signs_nobody_in(self, services: Services) -> None:
        before = await count(services, "login_sessions")
        half = await half_way(services)
        assert await count(services, "login_sessions") == before
        assert await who(services, half) is None

    async def test_a_wrong_password_looks_as_it_always_does(self, services: Services) -> None:
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE, password="wrong")

    async def test_a_wrong_code_is_refused_and_written_down(self, services: Services) -> None:
        half = await half_way(services)
        with pytest.raises(WrongCode):
            await finish(services, half, await wrong_code(services))
        assert (await events(services))[-1] == "login.factor_failed"

    @pytest.mark.parametrize(
        "typed", ["１２３４５６", "", "x", "\0", "12345", "aaaa-bbbb-cccc-dddd"]
    )
    async def test_what_is_no_code_is_refused(self, services: Services, typed: str) -> None:
        with pytest.raises(WrongCode):
            await finish(services, await half_way(services), typed)

    async def test_a_code_works_once(self, services: Services) -> None:
        code = await code_of(services)
        await finish(services, await half_way(services), code)
        with pytest.raises(WrongCode):
            await finish(services, await half_way(services), code)

    async def test_an_older_code_is_refused_after_a_newer_one(self, services: Services) -> None:
        older, newer = await code_of(services, seconds=-30), await code_of(services)
        await finish(services, await half_way(services), newer)
        with pytest.raises(WrongCode):
            await finish(services, await half_way(services), older)

    @pytest.mark.parametrize("seconds", [-61, 61])
    async def test_a_code_of_another_time_is_refused(
        self, services: Services, seconds: int
    ) -> None:
        code = await code_of(services, seconds=seconds + (-30 if seconds < 0 else 30))
        with pytest.raises(WrongCode):
            await finish(services, await half_way(services), code)

    async def test_the_sixth_try_is_refused_even_if_it_is_right(self, services: Services) -> None:
        half, wrong = await half_way(services), await wrong_code(services)
        for _ in range(5):
            with pytest.raises(WrongCode):
                await finish(services, half, wrong)
        await let_waits_pass(services)
        with pytest.raises(LoginExpired):
            await finish(services, half, await code_of(services))

    async def test_wrong_codes_slow_down_over_all_logins(self, services: Services) -> None:
        wrong, refused = await wrong_code(services), 0
        for _ in range(8):
            try:
                await finish(services, await half_way(services), wrong)
            except TooManyTries:
                refused += 1
            except WrongCode:
                pass
        assert refused >= 2

    async def test_the_right_password_forgets_no_wrong_code(self, services: Services) -> None:
        wrong = await wrong_code(services)
        for number in range(1, 4):
            with pytest.raises(WrongCode):
                await finish(services, await half_way(services), wrong)
            assert await self.failures(services) == number

    async def test_a_hundred_wrong_codes_switch_the_app_off(self, services: Services) -> None:
        await self.set_failures(services, 99)
        with pytest.raises(WrongCode):
            await finish(services, await half_way(services), await wrong_code(services))
        assert "login.app_disabled" in await events(services)
        assert "turned off" in (await messages(services, ALICE.email))[-1].subject
        with pytest.raises(AppDisabled):
            await finish(services, await half_way(services), await code_of(services))

    async def test_thirty_logins_with_four_wrong_codes_each_switch_it_off(
        self, services: Services
    ) -> None:
        """A new login resets no limit (wg-easy 2775)."""
        wrong = await wrong_code(services)
        for _ in range(30):
            half = await half_way(services)
            for _ in range(4):
                await let_waits_pass(services)
                with pytest.raises((WrongCode, AppDisabled)):
                    await finish(services, half, wrong)
        assert (await events(services)).count("login.app_disabled") == 1

    async def test_a_recovery_code_brings_the_app_back(
        self, services: Services, codes: list[str]
    ) -> None:
        await self.set_failures(services, 100)
        await finish(services, await half_way(services), codes[0])
        await let_codes_pass(services)
        assert await finish(services, await half_way(services), await code_of(services))

    async def test_it_is_too_late_after_ten_minutes(self, services: Services) -> None:
        half = await half_way(services)
        await move_time(services, "pending_logins", "expires_at", "10 minutes")
        with pytest.raises(LoginExpired):
            await finish(services, half, await code_of(services))

    async def test_a_half_login_is_used_up(self, services: Services) -> None:
        half = await half_way(services)
        await finish(services, half, await code_of(services))
        await let_codes_pass(services)
        with pytest.raises(LoginExpired):
            await finish(services, half, await code_of(services))

    async def test_a_second_half_login_in_a_browser_ends_the_first(
        self, services: Services
    ) -> None:
        first = await half_way(services)
        await sign_in(services, ALICE, pending_login=first)
        with pytest.raises(LoginExpired):
            await finish(services, first, await code_of(services))

    async def test_one_persons_code_finishes_no_others_login(self, services: Services) -> None:
        """Start as Alice, start as Bob in the same browser, show Alice's code (SE-15)."""
        await create_user(services, BOB)
        await add_app(services, BOB)
        alices = await half_way(services)
        outcome = await sign_in(services, BOB, pending_login=alices)
        assert isinstance(outcome, login.FactorDue)
        with pytest.raises(WrongCode):
            await finish(services, outcome.secret, await code_of(services, ALICE))

    async def test_a_changed_password_ends_half_logins(self, services: Services) -> None:
        entry = await signed_in_by_code(services)
        half = await half_way(services)
        await change_password(services, entry)
        await let_codes_pass(services)
        with pytest.raises(LoginExpired):
            await finish(services, half, await code_of(services))

    async def test_who_is_blocked_meanwhile_is_refused(self, services: Services) -> None:
        half = await half_way(services)
        await block(services, ALICE)
        with pytest.raises(LoginExpired):
            await finish(services, half, await code_of(services))

    async def test_a_half_login_leaves_the_owners_reset_link_alone(
        self, services: Services
    ) -> None:
        async with context(services) as ctx:
            await password_reset.request_reset(ctx, name=ALICE.email)
        link = await last_link(services, ALICE.email)
        await half_way(services)
        async with context(services) as ctx:
            assert await password_reset.find_reset(ctx, sealed=key_of(link))
        await signed_in_by_code(services)
        async with context(services) as ctx:
            with pytest.raises(LinkUnusable):
                await password_reset.find_reset(ctx, sealed=key_of(link))

    async def test_a_reset_password_signs_nobody_in_past_the_factor(
        self, services: Services
    ) -> None:
        async with context(services) as ctx:
            await password_reset.request_reset(ctx, name=ALICE.email)
            link = await last_link(services, ALICE.email)
            await password_reset.reset_password(ctx, sealed=key_of(link), password=NEW)
        assert isinstance(await sign_in(services, ALICE, password=NEW), login.FactorDue)

    async def test_it_tells_of_no_new_browser_before_the_factor(self, services: Services) -> None:
        await half_way(services)
        assert "login.new_browser" not in (await events(services))[-3:]

    async def test_a_swapped_secret_is_refused(self, services: Services) -> None:
        """And so is one whose key is gone: without an error of ours."""
        await create_user(services, BOB)
        await add_app(services, BOB)
        code = await code_of(services, BOB)
        async with services.engine.begin() as connection:
            await connection.execute(
                text(
                    "UPDATE app_secrets a SET sealed = b.sealed FROM app_secrets b "
                    "WHERE a.id <> b.id AND a.user_id = (SELECT id FROM users WHERE username "
                    "= 'alice')"
                )
            )
        with pytest.raises(WrongCode):
            await finish(services, await half_way(services), code)

    async def test_the_secret_is_not_readable_in_the_database(self, services: Services) -> None:
        app = await app_of(services)
        async with services.engine.connect() as connection:
            rows = str((await connection.execute(text("SELECT * FROM app_secrets"))).all())
        assert app.text not in rows
        assert str(app.secret)[2:-1] not in rows

    @staticmethod
    async def failures(services: Services) -> int:
        async with services.engine.connect() as connection:
            found = text("SELECT factor_failures FROM users WHERE username = 'alice'")
            return int(await connection.scalar(found) or 0)

    @staticmethod
    async def set_failures(services: Services, number: int) -> None:
        async with services.engine.begin() as connection:
            statement = text("UPDATE users SET factor_failures = :number")
            await connection.execute(statement, {"number": number})


class TestSuccess:
    async def test_password_and_code_sign_in(self, services: Services, codes: list[str]) -> None:
        assert len(codes) == 10
        entry = await signed_in_by_code(services)
        assert await who(services, entry.secret) == "alice"
        assert (await events(services))[-1] == "login.new_browser"

    @pytest.mark.usefixtures("codes")
    async def test_the_code_before_works_too(self, services: Services) -> None:
        code = await code_of(services, seconds=-30)
        assert await finish(services, await half_way(services), code)

    async def test_a_recovery_code_signs_in_once_and_is_told(
        self, services: Services, codes: list[str]
    ) -> None:
        assert await finish(services, await half_way(services), codes[3].upper())
        about = await link_about(services, ALICE.email, "A recovery code was used")
        assert about
        with pytest.raises(WrongCode):
            await finish(services, await half_way(services), codes[3])

    @pytest.mark.usefixtures("codes")
    async def test_what_was_wished_for_at_the_password_holds(self, services: Services) -> None:
        outcome = await sign_in(services, ALICE, remember=True)
        assert isinstance(outcome, login.FactorDue)
        assert (await finish(services, outcome.secret, await code_of(services))).remembered

    @pytest.mark.usefixtures("codes")
    async def test_it_gives_back_what_the_login_was_paid_from(self, services: Services) -> None:
        with pytest.raises(WrongCredentials):
            await sign_in(services, ALICE, password="wrong")
        await signed_in_by_code(services)
        keys = [sha256(f"logins:name:{ALICE.email}".encode()).digest()]
        async with services.engine.connect() as connection:
            left = text("SELECT count(*) FROM rate_limit_buckets WHERE key = ANY(:keys)")
            assert await connection.scalar(left, {"keys": keys}) == 0

    async def test_who_has_no_factor_signs_in_as_ever(self, services: Services) -> None:
        await create_user(services, BOB)
        assert await entered(services, BOB)
        assert await count(services, "pending_logins") == 0


@pytest.mark.usefixtures("codes")
class TestTrust:
    async def test_a_trusted_browser_is_not_asked(self, services: Services) -> None:
        entry = await signed_in_by_code(services, trusts=True)
        again = await sign_in(services, ALICE, browser=entry.browser)
        assert isinstance(again, login.SignedIn)

    async def test_another_one_is(self, services: Services) -> None:
        entry = await signed_in_by_code(services)
        await half_way(services, browser=entry.browser)

    async def test_it_gets_a_fresh_name(self, services: Services) -> None:
        """Whoever copied the cookie of before is not trusted."""
        before = await signed_in_by_code(services)
        after = await signed_in_by_code(services, browser=before.browser, trusts=True)
        assert after.browser != before.browser
        await half_way(services, browser=before.browser)

    async def test_a_trusted_browser_is_one_persons(self, services: Services) -> None:
        """Its cookie, copied to Bob, opens nothing of his (RM-04)."""
        await create_user(services, BOB)
        await add_app(services, BOB)
        entry = await signed_in_by_code(services, trusts=True)
        await half_way(services, BOB, browser=entry.browser)

    async def test_trust_ends(self, services: Services) -> None:
        entry = await signed_in_by_code(services, trusts=True)
        await move_time(services, "known_browsers", "trusted_until", "31 days")
        await half_way(services, browser=entry.browser)

    async def test_a_reset_password_ends_trust(self, services: Services) -> None:
        entry = await signed_in_by_code(services, trusts=True)
        async with context(services, browser=entry.browser) as ctx:
            await password_reset.request_reset(ctx, name=ALICE.email)
            link = await last_link(services, ALICE.email)
            done = await password_reset.reset_password(ctx, sealed=key_of(link), password=NEW)
        for browser in (entry.browser, done.browser):
            outcome = await sign_in(services, ALICE, password=NEW, browser=browser)
            assert isinstance(outcome, login.FactorDue)

    async def test_a_change_of_factors_ends_trust(self, services: Services) -> None:
        entry = await signed_in_by_code(services, trusts=True)
        await add_app(services, secret=entry.secret)
        await half_way(services, browser=entry.browser)

    async def test_a_trusted_browser_is_asked_before_what_is_sensitive(
        self, services: Services
    ) -> None:
        entry = await signed_in_by_code(services, trusts=True)
        again = await sign_in(services, ALICE, browser=entry.browser)
        assert isinstance(again, login.SignedIn)
        session = await services.signed_in(again.secret)
        assert session is not None
        assert session.is_fresh
        assert not session.is_factor_fresh
        assert not session.shows_factor


@pytest.mark.usefixtures("codes")
class TestReauthentication:
    async def test_a_code_makes_a_session_fresh(self, services: Services) -> None:
        entry = await signed_in_by_code(services)
        await move_time(services, "login_sessions", "factor_at", "11 minutes")
        session = await services.signed_in(entry.secret)
        assert session is not None
        assert not session.is_factor_fresh
        await let_codes_pass(services)
        actor = await actor_of(services, ALICE, entry.secret)
        async with context(services, actor=actor, session_secret=entry.secret) as ctx:
            code = await code_of(services)
            renewed = await reauthentication.reauthenticate_by_code(ctx, code=code)
            with pytest.raises((WrongCode, SignedOut)):
                await reauthentication.reauthenticate_by_code(ctx, code=code)
        session = await services.signed_in(renewed.secret)
        assert session is not None
        assert session.is_factor_fresh

    async def test_nobody_is_half_way_without_a_password(self, services: Services) -> None:
        for secret in (None, "", "x"):
            async with context(services, pending_login=secret) as ctx:
                with pytest.raises(LoginExpired):
                    await factor_login.who(ctx)
