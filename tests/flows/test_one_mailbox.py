"""Every writing of an address finds its owner, and no look-alike gets what is theirs."""

from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import access, audit_log, invitation, login, takeback, user_search
from app.flows.audit_log import AuditLogFilter as Lines
from app.flows.user_search import UserFilter
from app.kit.addresses import normal_email
from app.kit.errors import NoSuchUser
from app.services import Services
from tests.acts import ask_email, confirm_email, take_back
from tests.contexts import operator
from tests.mailbox import link_about, messages
from tests.resets import ask, resets
from tests.users import ALICE, Someone, count, create_user, entered, id_of, register, sign_in

ASCII, WRITTEN = "bert@xn--bcher-kva.example", "bert@b\u00fccher.example"
FORMS = [ASCII, WRITTEN, "Bert@B\u00dcCHER.example", f"\u200b{WRITTEN}\ufeff"]
PASSWORD = "bert reads old books"


@pytest.mark.parametrize("registered", [ASCII, WRITTEN])
async def test_each_form_of_a_domain_signs_in_resets_and_is_found(
    services: Services, ctx: Context, registered: str
) -> None:
    bert = await create_user(services, Someone("bert", normal_email(registered), PASSWORD))
    for number, form in enumerate(FORMS, 1):
        assert isinstance(await sign_in(services, bert, name=form), login.SignedIn)
        await ask(services, form)
        assert len(await resets(services)) == number
        assert (await user_search.show(ctx, name=form)).user.username == "bert"
    for part in (*FORMS[:3], "b\u00fcch", "@b\u00fcch", "xn--bcher"):
        found = await user_search.find(ctx, UserFilter(part))
        assert [user.username for user in found.users] == ["bert"], part
    await register(services, Someone("other", FORMS[2], "another one's words"))
    assert "already" in (await messages(services))[-1].subject


async def test_each_form_of_an_address_shares_its_limit(services: Services) -> None:
    for form in FORMS:
        await ask(services, form)
    async with services.engine.connect() as connection:
        found = await connection.scalar(text("SELECT count(*) FROM rate_limit_buckets"))
    for form in FORMS:
        await ask(services, form)
    async with services.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM rate_limit_buckets")) == found


class TestAdministrator:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"admin_email": "chef@weiss.example"}

    @pytest.mark.parametrize(
        ("email", "role"),
        [
            ("chef@wei\u00df.example", "User"),
            ("\uff43hef@weiss.example", "User"),
            ("Chef@weiss.example", "User"),
            ("chef@weiss.example", "Administrator"),
        ],
    )
    async def test_a_look_alike_is_not_the_one(
        self, services: Services, ctx: Context, email: str, role: str
    ) -> None:
        await create_user(services, Someone("chef", email, PASSWORD))
        found = await user_search.show(ctx, name="chef")
        assert found.user.role == role


@pytest.mark.parametrize(
    ("owners", "intruders"),
    [
        ("alice@weiss.example", "alice@wei\u00df.example"),
        ("alice@\u03c3\u03c2.example", "alice@\u03c3\u03c3.example"),
        ("alice@example.com", "\uff41lice@example.com"),
        ("alice@example.com", "Alice@example.com"),
    ],
)
async def test_a_change_to_a_look_alike_is_undone_and_he_gets_no_email_of_it(
    services: Services, owners: str, intruders: str
) -> None:
    alice = await create_user(services, ALICE._replace(email=owners))
    await entered(services, alice)
    await ask_email(services, intruders, someone=alice)
    await confirm_email(services, await link_about(services, intruders, "Confirm your new"))
    before = len(await messages(services, intruders))
    done = await take_back(services, await link_about(services, owners, "address at Vestibule was"))
    assert done == takeback.TakenBack(owners, is_lost=False)
    assert len(await messages(services, intruders)) == before
    assert "Choose a new" in (await messages(services, owners))[-1].subject


async def test_a_user_name_that_spells_an_id_is_a_user_name(
    services: Services, ctx: Context
) -> None:
    await create_user(services, ALICE)
    alice_id = await id_of(services, ALICE)
    async with services.engine.begin() as connection:  # an id that a username could spell
        await connection.execute(
            text("UPDATE users SET id = :id WHERE id = :old"),
            {"id": UUID("a" * 32), "old": alice_id},
        )
    await create_user(services, Someone("a" * 32, "spells@example.com", PASSWORD))
    await access.block(ctx, name="a" * 32)
    for name, is_blocked in (("a" * 32, True), (str(UUID("a" * 32)), False)):
        found = await user_search.show(ctx, name=name)
        assert (found.user.blocked_at is not None) == is_blocked
    lines = (await audit_log.read(ctx, Lines(user="a" * 32))).lines
    assert "account.blocked" in {line.event for line in lines}
    lines = (await audit_log.read(ctx, Lines(user=str(UUID("a" * 32))))).lines
    assert "account.blocked" not in {line.event for line in lines}


async def test_an_id_without_its_hyphens_is_nobodys(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    alice_id = await id_of(services, ALICE)
    for name in (alice_id.hex, f"{{{alice_id}}}", f"urn:uuid:{alice_id}"):
        with pytest.raises(NoSuchUser):
            await user_search.show(ctx, name=name)
        with pytest.raises(NoSuchUser):
            await audit_log.read(ctx, Lines(user=name))
    assert (await user_search.show(ctx, name=str(alice_id))).user


async def test_a_user_name_with_a_hyphen_signs_in(services: Services) -> None:
    anna = await create_user(services, Someone("anna-lena", "anna@example.com", PASSWORD))
    assert isinstance(await sign_in(services, anna, name="Anna-Lena"), login.SignedIn)
    assert await count(services, "users") == 1


async def test_an_invitation_goes_to_the_accounts_own_address(services: Services) -> None:
    for email in ("Anna@example.com", "anna@example.com"):
        async with operator(services) as ctx:
            await invitation.invite_by_email(ctx, username="anna", email=email, role_name=None)
    assert [message.to for message in await messages(services)] == ["Anna@example.com"] * 2
