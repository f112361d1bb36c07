"""Passkeys: as first factor, as second, before what is sensitive."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from app.flows import factor_login, passkey_login, passkeys, reauthentication
from app.kit.factor_errors import NoSuchFactor, PasskeyRefused, TooManyPasskeys
from app.kit.sealing import Purpose, seal
from app.services import Services
from tests.contexts import context
from tests.factors import add_app, add_passkey, half_way, signed_in_by_code
from tests.softkey import UP, SoftKey, b64
from tests.users import (
    ALICE,
    BOB,
    actor_of,
    block,
    count,
    create_user,
    events,
    id_of,
    move_time,
    signed_in,
    who,
)


@pytest.fixture
def settings(settings: dict[str, Any]) -> dict[str, Any]:
    return settings | {"public_url": "http://localhost:8000"}


@pytest.fixture
async def key(services: Services) -> SoftKey:
    """Return Alice's passkey."""
    await create_user(services, ALICE)
    made = SoftKey(count=1)
    await add_passkey(services, made)
    return made


async def ask(services: Services) -> passkey_login.Asked:
    async with context(services) as ctx:
        asked = passkey_login.ask(ctx)
    assert asked is not None
    return asked


async def enter(
    services: Services, answer: str, asked: passkey_login.Asked
) -> passkey_login.SignedIn:
    async with context(services) as ctx:
        return await passkey_login.sign_in(ctx, answer=answer, sealed=asked.sealed, remember=False)


async def refused(services: Services, answer: str, asked: passkey_login.Asked) -> None:
    before = await count(services, "login_sessions")
    with pytest.raises(PasskeyRefused):
        await enter(services, answer, asked)
    assert await count(services, "login_sessions") == before


class TestFirstFactor:
    async def test_an_unknown_passkey_is_refused(self, services: Services, key: SoftKey) -> None:
        stranger, asked = SoftKey(), await ask(services)
        stranger.handle = key.handle
        await refused(services, stranger.get(asked.options), asked)

    async def test_one_that_does_not_verify_is_refused(
        self, services: Services, key: SoftKey
    ) -> None:
        """The library takes it as it comes (PK-03)."""
        key.flags = UP
        asked = await ask(services)
        await refused(services, key.get(asked.options), asked)

    @pytest.mark.parametrize("born", [{"flags": UP}, {"is_discoverable": False}])
    async def test_one_that_was_not_born_for_it_is_refused(
        self, services: Services, born: dict[str, Any]
    ) -> None:
        await create_user(services, ALICE)
        key, asked = SoftKey(**born), await ask(services)
        await add_passkey(services, key)
        key.flags = SoftKey().flags
        await refused(services, key.get(asked.options), asked)

    async def test_an_altered_user_is_refused(self, services: Services, key: SoftKey) -> None:
        await create_user(services, BOB)
        for handle in (b64((await id_of(services, BOB)).bytes), None, b64(b"x"), "é"):
            asked = await ask(services)
            key.handle = handle
            await refused(services, key.get(asked.options), asked)

    async def test_an_answer_works_once(self, services: Services, key: SoftKey) -> None:
        asked = await ask(services)
        answer = key.get(asked.options)
        assert await enter(services, answer, asked)
        await refused(services, answer, asked)
        await refused(services, key.get(asked.options), asked)

    async def test_a_refused_answer_uses_its_challenge_up(
        self, services: Services, key: SoftKey
    ) -> None:
        asked = await ask(services)
        await refused(services, SoftKey().get(asked.options), asked)
        await refused(services, key.get(asked.options), asked)

    async def test_a_challenge_of_another_browser_is_refused(
        self, services: Services, key: SoftKey
    ) -> None:
        answer = key.get((await ask(services)).options)
        await refused(services, answer, await ask(services))
        await refused(services, answer, (await ask(services))._replace(sealed=""))

    async def test_a_challenge_of_another_purpose_is_refused(
        self, services: Services, key: SoftKey
    ) -> None:
        actor = await actor_of(services, ALICE)
        async with context(services, actor=actor) as ctx:
            adding = await passkeys.options(ctx)
        asked = await ask(services)
        await refused(services, key.get(adding or ""), asked)
        challenge = json.loads(adding or "")["challenge"]
        keys = services.config.signing_keys
        for purpose in (Purpose.KNOWN_BROWSER, Purpose.STAY):
            sealed = seal(keys, purpose, challenge)
            await refused(services, key.get(adding or ""), asked._replace(sealed=sealed))

    async def test_who_is_blocked_is_nobody(self, services: Services, key: SoftKey) -> None:
        await block(services, ALICE)
        asked = await ask(services)
        await refused(services, key.get(asked.options), asked)

    @pytest.mark.parametrize("state", ["confirmed_at = NULL", "delete_at = now() + interval '1 d'"])
    async def test_who_may_not_sign_in_is_nobody(
        self, services: Services, key: SoftKey, state: str
    ) -> None:
        async with services.engine.begin() as connection:
            await connection.execute(text(f"UPDATE users SET {state}"))  # noqa: S608
        asked = await ask(services)
        await refused(services, key.get(asked.options), asked)

    async def test_a_copy_is_refused_and_written_down(
        self, services: Services, key: SoftKey
    ) -> None:
        asked = await ask(services)
        await enter(services, key.get(asked.options), asked)
        key.count = 1
        asked = await ask(services)
        await refused(services, key.get(asked.options), asked)
        assert "login.passkey_copied" in await events(services)

    async def test_one_that_never_counts_works(self, services: Services) -> None:
        await create_user(services, ALICE)
        key = SoftKey()
        await add_passkey(services, key)
        for _ in range(3):
            asked = await ask(services)
            assert await enter(services, key.get(asked.options), asked)

    async def test_options_are_the_same_for_everybody(
        self, services: Services, key: SoftKey
    ) -> None:
        """They are asked for by nobody in particular (EN-06)."""
        del key
        shapes = set()
        for _ in range(3):
            options = json.loads((await ask(services)).options)
            options["challenge"] = len(options["challenge"])
            shapes.add(json.dumps(options))
        assert len(shapes) == 1
        assert '"allowCredentials": []' in shapes.pop()
        assert await count(services, "challenges") + await count(services, "spent_challenges") == 0

    async def test_a_passkey_signs_in_with_both_factors(
        self, services: Services, key: SoftKey
    ) -> None:
        asked = await ask(services)
        entry = await enter(services, key.get(asked.options), asked)
        session = await services.signed_in(entry.secret)
        assert session is not None
        assert session.username == "alice"
        assert session.is_fresh
        assert session.is_factor_fresh


async def options_of(services: Services, half: str) -> str:
    async with context(services, pending_login=half) as ctx:
        options = await factor_login.passkey_options(ctx, await factor_login.who(ctx))
    assert options is not None
    return options


async def finish(services: Services, half: str, answer: str) -> factor_login.SignedIn:
    async with context(services, pending_login=half) as ctx:
        return await factor_login.sign_in_by_passkey(ctx, answer=answer)


class TestSecondFactor:
    async def test_another_persons_is_refused(self, services: Services, key: SoftKey) -> None:
        await create_user(services, BOB)
        bobs = SoftKey()
        await add_passkey(services, bobs, BOB)
        half = await half_way(services)
        with pytest.raises(PasskeyRefused):
            await finish(services, half, bobs.get(await options_of(services, half)))
        assert key.handle != bobs.handle

    async def test_an_answer_works_once(self, services: Services, key: SoftKey) -> None:
        half = await half_way(services)
        options = await options_of(services, half)
        stranger = SoftKey()
        stranger.handle = key.handle
        with pytest.raises(PasskeyRefused):
            await finish(services, half, stranger.get(options))
        with pytest.raises(PasskeyRefused):
            await finish(services, half, key.get(options))

    async def test_an_older_challenge_is_refused(self, services: Services, key: SoftKey) -> None:
        half = await half_way(services)
        older = await options_of(services, half)
        await options_of(services, half)
        with pytest.raises(PasskeyRefused):
            await finish(services, half, key.get(older))

    async def test_a_passkey_finishes_a_login(self, services: Services, key: SoftKey) -> None:
        half = await half_way(services)
        entry = await finish(services, half, key.get(await options_of(services, half)))
        assert await who(services, entry.secret) == "alice"

    async def test_a_security_key_without_pin_does_too(self, services: Services) -> None:
        await create_user(services, ALICE)
        key = SoftKey(flags=UP, is_discoverable=False)
        await add_passkey(services, key)
        half = await half_way(services)
        assert await finish(services, half, key.get(await options_of(services, half)))


async def again(
    services: Services, key: SoftKey, *, flags: int | None = None
) -> reauthentication.Renewed:
    """Show a passkey in a session of Alice that is not fresh any more."""
    secret = (await signed_in_by_code(services)).secret
    for column in ("factor_at", "reauthenticated_at"):
        await move_time(services, "login_sessions", column, "11 minutes")
    key.flags = key.flags if flags is None else flags
    actor = await actor_of(services, ALICE, secret)
    async with context(services, actor=actor, session_secret=secret) as ctx:
        options = await reauthentication.passkey_options(ctx)
        assert options is not None
        return await reauthentication.reauthenticate_by_passkey(ctx, answer=key.get(options))


class TestReauthentication:
    async def test_anothers_passkey_is_refused(self, services: Services, key: SoftKey) -> None:
        """Anybody's satisfied it in flask-security PR 1234."""
        await add_app(services, secret=await self.enter(services, key))
        await create_user(services, BOB)
        bobs = SoftKey()
        await add_passkey(services, bobs, BOB)
        for handle in (bobs.handle, key.handle):
            bobs.handle = handle
            with pytest.raises(PasskeyRefused):
                await again(services, bobs)

    async def test_one_that_verifies_stands_for_the_password(
        self, services: Services, key: SoftKey
    ) -> None:
        await add_app(services, secret=await self.enter(services, key))
        session = await services.signed_in((await again(services, key)).secret)
        assert session is not None
        assert (session.is_fresh, session.is_factor_fresh) == (True, True)

    async def test_one_that_does_not_is_a_factor_alone(
        self, services: Services, key: SoftKey
    ) -> None:
        await add_app(services, secret=await self.enter(services, key))
        session = await services.signed_in((await again(services, key, flags=UP)).secret)
        assert session is not None
        assert (session.is_fresh, session.is_factor_fresh) == (False, True)

    @staticmethod
    async def enter(services: Services, key: SoftKey) -> str:
        asked = await ask(services)
        return (await enter(services, key.get(asked.options), asked)).secret


class TestAdding:
    async def test_one_that_is_somebodys_is_refused(self, services: Services, key: SoftKey) -> None:
        await create_user(services, BOB)
        with pytest.raises(PasskeyRefused):
            await add_passkey(services, key, BOB)

    async def test_no_more_than_twenty(self, services: Services) -> None:
        await create_user(services, ALICE)
        secret = (await add_passkey(services, SoftKey())).secret
        async with services.engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO passkeys (user_id, credential_id, public_key, domain, sign_count, "
                    "is_first_factor, backup_eligible, backed_up, name) SELECT user_id, "
                    "sha256(n::text::bytea), '', 'localhost', 0, true, false, false, 'x' "
                    "FROM passkeys, generate_series(1, 19) n"
                )
            )
        with pytest.raises(TooManyPasskeys):
            await add_passkey(services, SoftKey(), secret=secret)

    async def test_an_answer_to_no_question_is_refused(self, services: Services) -> None:
        await create_user(services, ALICE)
        secret = await signed_in(services, ALICE)
        actor = await actor_of(services, ALICE, secret)
        async with context(services, actor=actor, session_secret=secret) as ctx:
            options = await passkeys.options(ctx)
            answer = SoftKey().create(options or "")
            with pytest.raises(PasskeyRefused):
                await passkeys.add(ctx, answer="{}", name="Phone")
            with pytest.raises(PasskeyRefused):  # used up by the one before
                await passkeys.add(ctx, answer=answer, name="Phone")

    async def test_other_browsers_are_signed_out_and_the_owner_is_told(
        self, services: Services
    ) -> None:
        await create_user(services, ALICE)
        other = await signed_in(services, ALICE)
        await add_passkey(services, SoftKey())
        assert await who(services, other) is None
        assert "factor.passkey_added" in await events(services)

    async def test_anothers_passkey_is_neither_named_nor_removed(
        self, services: Services, key: SoftKey
    ) -> None:
        del key
        await create_user(services, BOB)
        async with services.engine.connect() as connection:
            alices = await connection.scalar(text("SELECT id FROM passkeys"))
        secret = await signed_in(services, BOB)
        actor = await actor_of(services, BOB, secret)
        async with context(services, actor=actor, session_secret=secret) as ctx:
            for deed in (
                passkeys.rename(ctx, passkey_id=alices, name="mine"),
                passkeys.remove(ctx, passkey_id=alices),
            ):
                with pytest.raises(NoSuchFactor):
                    await deed
