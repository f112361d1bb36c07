"""Lost second factors: the wait, an operator's hand, and "this wasn't me"."""

import pytest
from sqlalchemy import text

from app.flows import authenticator_app, factor_keys, housekeeping, login, lost_factor, roles
from app.kit.errors import LinkUnusable, NoSuchUser
from app.kit.factor_errors import (
    FactorNeeded,
    LoginExpired,
    NoFactorReset,
    OwnFactorFirst,
    WrongCode,
)
from app.kit.sealing import Purpose
from app.services import Services
from tests.acts import change_password, take_back
from tests.contexts import context, operator
from tests.factors import (
    add_app,
    app_of,
    code_of,
    finish,
    half_way,
    signed_in_by_code,
)
from tests.mailbox import key_of, link_about, messages
from tests.users import (
    ALICE,
    ROOT,
    actor_of,
    count,
    create_user,
    entered,
    events,
    move_time,
    sign_in,
    signed_in,
    who,
)


@pytest.fixture
async def codes(services: Services) -> list[str]:
    await create_user(services, ALICE)
    return (await add_app(services)).codes


async def ask(services: Services) -> str:
    """Ask for the link that begins the wait; return it."""
    async with context(services, pending_login=await half_way(services)) as ctx:
        await lost_factor.ask(ctx)
    return await link_about(services, ALICE.email, "Lost your second factor")


async def begin(services: Services) -> None:
    link = await ask(services)
    async with context(services) as ctx:
        await lost_factor.begin_wait(ctx, sealed=key_of(link))


async def clean(services: Services) -> housekeeping.Pruned:
    async def go_on() -> bool:
        return False

    done = housekeeping.Pruned()
    async with operator(services) as ctx:
        await housekeeping.prune(ctx, rest=go_on, pruned=done)
    return done


async def wait(services: Services, days: float) -> None:
    for column in ("asked_at", "due_at"):
        await move_time(services, "factor_resets", column, f"{days} days")
    await clean(services)


async def has_factor(services: Services) -> bool:
    async with services.engine.connect() as connection:
        found = await connection.scalar(text("SELECT factors FROM users WHERE username = 'alice'"))
    return bool(found)


async def subjects(services: Services) -> list[str]:
    return [message.subject for message in await messages(services, ALICE.email)]


@pytest.mark.usefixtures("codes")
class TestWait:
    async def test_nobody_asks_without_the_password(self, services: Services) -> None:
        for half in (None, "x"):
            async with context(services, pending_login=half) as ctx:
                with pytest.raises(LoginExpired):
                    await lost_factor.ask(ctx)

    async def test_an_administrator_does_not(self, services: Services) -> None:
        await create_user(services, ROOT, role="Administrator")
        await add_app(services, ROOT)
        async with context(services, pending_login=await half_way(services, ROOT)) as ctx:
            with pytest.raises(NoFactorReset):
                await lost_factor.ask(ctx)

    async def test_the_link_works_once(self, services: Services) -> None:
        link = await ask(services)
        async with context(services) as ctx:
            await lost_factor.begin_wait(ctx, sealed=key_of(link))
            with pytest.raises(LinkUnusable):
                await lost_factor.begin_wait(ctx, sealed=key_of(link))

    async def test_nothing_goes_before_its_time(self, services: Services) -> None:
        await begin(services)
        await wait(services, 6.9)
        assert await has_factor(services)

    async def test_emails_tell_of_it_at_the_start_half_way_and_the_end(
        self, services: Services
    ) -> None:
        await begin(services)
        told = (await subjects(services)).count("Your second factors at Vestibule will be removed")
        assert told == 1
        for days in (3.4, 0.2, 0.2):  # half way once
            await wait(services, days)
        told = (await subjects(services)).count("Your second factors at Vestibule will be removed")
        assert told == 2
        await wait(services, 4)
        assert (await subjects(services))[-1] == "Your second factors at Vestibule were removed"

    async def test_after_it_the_password_is_enough(self, services: Services) -> None:
        entry = await signed_in_by_code(services, trusts=True)
        await begin(services)
        await wait(services, 7.1)
        assert not await has_factor(services)
        assert await who(services, entry.secret) is None
        assert await entered(services, ALICE)
        assert "factor.reset" in await events(services)

    async def test_each_of_its_emails_stops_it(self, services: Services) -> None:
        await begin(services)
        link = await link_about(services, ALICE.email, "will be removed")
        async with context(services) as ctx:
            found = await lost_factor.find(ctx, sealed=key_of(link), purpose=Purpose.KEEP_FACTORS)
            assert found.username == "alice"
            await lost_factor.stop(ctx, sealed=key_of(link))
        await wait(services, 8)
        assert await has_factor(services)

    async def test_whoever_signs_in_by_a_factor_stops_it(self, services: Services) -> None:
        await begin(services)
        await signed_in_by_code(services)
        await wait(services, 8)
        assert await has_factor(services)

    async def test_the_password_alone_does_not(self, services: Services) -> None:
        await begin(services)
        await half_way(services)
        assert await count(services, "factor_resets") == 1

    async def test_a_changed_password_stops_it(self, services: Services) -> None:
        entry = await signed_in_by_code(services)
        await begin(services)
        await change_password(services, entry)
        await wait(services, 8)
        assert await has_factor(services)


@pytest.mark.usefixtures("codes")
class TestOperator:
    async def test_nobody_is_nobody(self, services: Services) -> None:
        async with operator(services) as ctx:
            with pytest.raises(NoSuchUser):
                await lost_factor.remove(ctx, name="nobody", reason="")

    async def test_factors_are_removed_told_and_written_down(self, services: Services) -> None:
        entry = await signed_in_by_code(services, trusts=True)
        async with operator(services) as ctx:
            assert await lost_factor.remove(ctx, name="alice", reason="seen in person")
            assert not await lost_factor.remove(ctx, name="alice", reason="again")
        assert (await events(services))[-1] == "factor.reset"
        assert (await subjects(services))[-1] == "Your second factors at Vestibule were removed"
        assert await who(services, entry.secret) is None
        assert await entered(services, ALICE)


class TestTakeback:
    """An intruder replaces the factors, and the owner has an email from before (FACTORS, 19)."""

    async def test_the_owners_factors_come_back(self, services: Services, codes: list[str]) -> None:
        before = await app_of(services)
        entry = await signed_in_by_code(services)
        intruder = await add_app(services, secret=entry.secret)
        assert await app_of(services) != before
        await take_back(services, await link_about(services, ALICE.email, "New sign-in"))
        assert await app_of(services) == before
        assert await who(services, intruder.secret) is None
        await self.choose(services)
        with pytest.raises(WrongCode):
            await finish(services, await self.enter(services), intruder.codes[0] if
                         intruder.codes else "aaaa-aaaa-aaaa-aaaa")  # fmt: skip
        assert await finish(services, await self.enter(services), codes[0])

    async def test_a_removed_factor_comes_back(self, services: Services, codes: list[str]) -> None:
        entry = await signed_in_by_code(services)
        actor = await actor_of(services, ALICE, entry.secret)
        async with context(services, actor=actor, session_secret=entry.secret) as ctx:
            await authenticator_app.remove(ctx)
        assert not await has_factor(services)
        await take_back(services, await link_about(services, ALICE.email, "were changed"))
        assert await has_factor(services)
        await self.choose(services)
        assert await finish(services, await self.enter(services), codes[0])

    async def test_an_added_factor_goes(self, services: Services) -> None:
        await create_user(services, ALICE)
        await add_app(services)
        await take_back(services, await link_about(services, ALICE.email, "were changed"))
        assert not await has_factor(services)

    async def test_a_mailbox_alone_takes_no_factor_away(
        self, services: Services, codes: list[str]
    ) -> None:
        del codes
        await signed_in_by_code(services)
        await take_back(services, await link_about(services, ALICE.email, "New sign-in"))
        assert await has_factor(services)

    async def test_what_was_removed_long_ago_is_gone(
        self, services: Services, codes: list[str]
    ) -> None:
        del codes
        async with operator(services) as ctx:
            await lost_factor.remove(ctx, name="alice", reason="x")
        assert await count(services, "app_secrets") == 1
        for table in ("app_secrets", "recovery_codes"):
            await move_time(services, table, "removed_at", "8 days")
        await clean(services)
        assert await count(services, "app_secrets") + await count(services, "recovery_codes") == 0

    @staticmethod
    async def choose(services: Services) -> None:
        """Give Alice her password again, as the email after it lets her."""
        async with services.engine.begin() as connection:
            await connection.execute(
                text("UPDATE users SET password_hash = :hash WHERE username = 'alice'"),
                {"hash": await services.hasher.hash(ALICE.password)},
            )

    @staticmethod
    async def enter(services: Services) -> str:
        return await half_way(services)


@pytest.fixture
async def required(services: Services) -> None:
    async with services.engine.begin() as connection:
        await connection.execute(text("UPDATE roles SET factor_required = (name = 'User')"))


@pytest.fixture(autouse=True)
async def roles_as_ever(services: Services) -> object:
    """Put the roles back, which the broom leaves alone."""
    yield
    async with services.engine.begin() as connection:
        await connection.execute(
            text("UPDATE roles SET factor_required = (name = 'Administrator')")
        )


class TestRole:
    async def test_who_switches_it_on_has_a_factor(self, services: Services) -> None:
        """Enforcing locked out who switched it on (nextcloud 20783)."""
        await create_user(services, ROOT, role="Administrator")
        async with operator(services) as ctx:
            with pytest.raises(OwnFactorFirst):
                await roles.require_factor(ctx, name="Administrator", required=True)
        await add_app(services, ROOT)
        async with operator(services) as ctx:
            await roles.require_factor(ctx, name="Administrator", required=True)

    async def test_who_is_there_gets_some_days(self, services: Services) -> None:
        await create_user(services, ALICE)
        secret = await signed_in(services, ALICE)
        async with operator(services) as ctx:
            await roles.require_factor(ctx, name="User", required=True)
        session = await services.signed_in(secret)
        assert session is not None
        assert session.factor_due_at is not None
        assert not session.is_factor_overdue
        await move_time(services, "users", "factor_due_at", "14 days")
        session = await services.signed_in(secret)
        assert session is not None
        assert session.is_factor_overdue
        assert (await events(services))[-1] == "role.factor_required"

    @pytest.mark.usefixtures("required")
    async def test_the_time_is_set_once(self, services: Services) -> None:
        await create_user(services, ALICE)
        due = []
        for _ in range(2):
            secret = await signed_in(services, ALICE)
            session = await services.signed_in(secret)
            assert session is not None
            due.append(session.factor_due_at)
            await move_time(services, "users", "created_at", "1 day")
        await add_app(services)
        async with operator(services) as ctx:
            await lost_factor.remove(ctx, name="alice", reason="x")
        session = await services.signed_in(await signed_in(services, ALICE))
        assert session is not None
        assert {*due, session.factor_due_at} == {due[0]}

    @pytest.mark.usefixtures("required")
    async def test_the_last_factor_cannot_be_removed(self, services: Services) -> None:
        await create_user(services, ALICE)
        secret = (await add_app(services)).secret
        actor = await actor_of(services, ALICE, secret)
        async with context(services, actor=actor, session_secret=secret) as ctx:
            with pytest.raises(FactorNeeded):
                await authenticator_app.remove(ctx)


class TestKeys:
    async def test_secrets_are_sealed_anew_under_the_key_of_today(
        self, services: Services, codes: list[str]
    ) -> None:
        del codes
        before = await app_of(services)
        old = services.config.signing_keys[-1]
        rotated = services.config.model_validate(
            services.config.model_dump()
            | {"secret_key": "Qm7-xR4tB8wZ1cV6nJ3hL9fK2pYs0dGu", "secret_key_fallbacks": [old]}
        )
        async with operator(services, config=rotated) as ctx:
            assert await factor_keys.reseal(ctx) == (1, 0)
            assert await factor_keys.reseal(ctx) == (0, 0)
        alone = rotated.model_copy(update={"secret_key_fallbacks": ()})
        async with operator(services, config=alone) as ctx:
            assert await factor_keys.reseal(ctx) == (0, 0)
        async with operator(services) as ctx:
            assert await factor_keys.reseal(ctx) == (0, 1)
        assert before.secret

    async def test_a_first_code_confirms_only_its_own_secret(self, services: Services) -> None:
        """A second start of setting up voids the first (MF-05)."""
        await create_user(services, ALICE)
        secret = await signed_in(services, ALICE)
        actor = await actor_of(services, ALICE, secret)
        async with context(services, actor=actor, session_secret=secret) as ctx:
            await authenticator_app.begin(ctx)
            first = await code_of(services)
            await authenticator_app.begin(ctx)
            with pytest.raises(WrongCode):
                await authenticator_app.confirm(ctx, code=first)
        assert not await has_factor(services)
        assert isinstance(await sign_in(services, ALICE), login.SignedIn)
