"""Whose address is it: every writing of one finds its owner, and no look-alike gets what is his."""

from uuid import UUID

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import access, audit_log, invitation, login, takeback, user_search
from app.flows.audit_log import Filter as Lines
from app.flows.user_search import Filter
from app.kit.addresses import normal_email
from app.kit.errors import NoSuchPerson
from app.services import House
from tests.acts import ask_email, confirm_email, disown
from tests.contexts import operator
from tests.flows.test_recovery import ask, resets
from tests.mailbox import letters, link_about
from tests.people import ALICE, Someone, count, entered, id_of, register, settle, sign_in

ASCII, WRITTEN = "bert@xn--bcher-kva.example", "bert@b\u00fccher.example"
FORMS = [ASCII, WRITTEN, "Bert@B\u00dcCHER.example", f"\u200b{WRITTEN}\ufeff"]
PASSWORD = "bert reads old books"


@pytest.mark.parametrize("registered", [ASCII, WRITTEN])
async def test_each_form_of_a_domain_signs_in_resets_and_is_found(
    house: House, ctx: Context, registered: str
) -> None:
    bert = await settle(house, Someone("bert", normal_email(registered), PASSWORD))
    for number, form in enumerate(FORMS, 1):
        assert isinstance(await sign_in(house, bert, name=form), login.SignedIn)
        await ask(house, form)
        assert len(await resets(house)) == number
        assert (await user_search.show(ctx, name=form)).person.username == "bert"
    for part in (*FORMS[:3], "b\u00fcch", "@b\u00fcch", "xn--bcher"):
        found = await user_search.find(ctx, Filter(part))
        assert [person.username for person in found.people] == ["bert"], part
    await register(house, Someone("other", FORMS[2], "another one's words"))
    assert "already" in (await letters(house))[-1].subject


async def test_each_form_of_an_address_shares_its_limit(house: House) -> None:
    for form in FORMS:
        await ask(house, form)
    async with house.engine.connect() as connection:
        found = await connection.scalar(text("SELECT count(*) FROM throttle_buckets"))
    for form in FORMS:
        await ask(house, form)
    async with house.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM throttle_buckets")) == found


class TestAdministrator:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"admin_email": "chef@weiss.example"}

    @pytest.mark.parametrize(
        ("email", "role"),
        [
            ("chef@wei\u00df.example", "User"),
            ("\uff43hef@weiss.example", "User"),
            ("Chef@weiss.example", "Administrator"),
        ],
    )
    async def test_a_look_alike_is_not_the_one(
        self, house: House, ctx: Context, email: str, role: str
    ) -> None:
        await settle(house, Someone("chef", email, PASSWORD))
        found = await user_search.show(ctx, name="chef")
        assert found.person.role == role


@pytest.mark.parametrize(
    ("owners", "intruders"),
    [
        ("alice@weiss.example", "alice@wei\u00df.example"),
        ("alice@\u03c3\u03c2.example", "alice@\u03c3\u03c3.example"),
        ("alice@example.com", "\uff41lice@example.com"),
        ("alice@example.com", "Alice@example.com"),
    ],
)
async def test_a_change_to_a_look_alike_is_undone_and_he_gets_no_letter_of_it(
    house: House, owners: str, intruders: str
) -> None:
    alice = await settle(house, ALICE._replace(email=owners))
    await entered(house, alice)
    await ask_email(house, intruders, someone=alice)
    await confirm_email(house, await link_about(house, intruders, "Confirm your new"))
    before = len(await letters(house, intruders))
    done = await disown(house, await link_about(house, owners, "address at Vestibule was"))
    assert done == takeback.Disowned(owners, is_lost=False)
    assert len(await letters(house, intruders)) == before
    assert "Choose a new" in (await letters(house, owners))[-1].subject


async def test_a_user_name_that_spells_an_id_is_a_user_name(house: House, ctx: Context) -> None:
    await settle(house, ALICE)
    alice_id = await id_of(house, ALICE)
    async with house.engine.begin() as connection:  # an id that a user name could spell
        await connection.execute(
            text("UPDATE users SET id = :id WHERE id = :old"),
            {"id": UUID("a" * 32), "old": alice_id},
        )
    await settle(house, Someone("a" * 32, "spells@example.com", PASSWORD))
    await access.block(ctx, name="a" * 32)
    for name, is_blocked in (("a" * 32, True), (str(UUID("a" * 32)), False)):
        found = await user_search.show(ctx, name=name)
        assert (found.person.blocked_at is not None) == is_blocked
    lines = (await audit_log.read(ctx, Lines(person="a" * 32))).lines
    assert "account.blocked" in {line.event for line in lines}
    lines = (await audit_log.read(ctx, Lines(person=str(UUID("a" * 32))))).lines
    assert "account.blocked" not in {line.event for line in lines}


async def test_an_id_without_its_hyphens_is_nobodys(house: House, ctx: Context) -> None:
    await settle(house, ALICE)
    alice_id = await id_of(house, ALICE)
    for name in (alice_id.hex, f"{{{alice_id}}}", f"urn:uuid:{alice_id}"):
        with pytest.raises(NoSuchPerson):
            await user_search.show(ctx, name=name)
        with pytest.raises(NoSuchPerson):
            await audit_log.read(ctx, Lines(person=name))
    assert (await user_search.show(ctx, name=str(alice_id))).person


async def test_a_user_name_with_a_hyphen_signs_in(house: House) -> None:
    anna = await settle(house, Someone("anna-lena", "anna@example.com", PASSWORD))
    assert isinstance(await sign_in(house, anna, name="Anna-Lena"), login.SignedIn)
    assert await count(house, "users") == 1


async def test_an_invitation_goes_to_the_accounts_own_address(house: House) -> None:
    for email in ("Anna@example.com", "anna@example.com"):
        async with operator(house) as ctx:
            await invitation.invite_by_letter(ctx, username="anna", email=email, role_name=None)
    assert [letter.to for letter in await letters(house)] == ["Anna@example.com"] * 2
