"""Sites and groups: by commands and flows."""

import json

import pytest
from sqlalchemy import text

from app.cli import samples
from app.flows import groups, site_file, sites
from app.kit.gate_errors import (
    GroupNeeded,
    GroupThere,
    NoSuchGroup,
    NoSuchSite,
    SiteThere,
    WrongGroupName,
    WrongSiteField,
)
from app.services import Services
from tests.contexts import operator
from tests.gate.harness import WIKI, add_rule, add_site, join
from tests.server import ROOT as CHECKOUT
from tests.users import ALICE, create_user, events


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("http://wiki.example.com", "plain"),
        ("https://wiki.example.com/path", "origin"),
        ("https://user@wiki.example.com", "origin"),
        ("wiki.example.com", "origin"),
        ("ftp://wiki.example.com", "origin"),
        ("https://wiki.example.com:99999", "origin"),
        ("", "origin"),
        ("http://127.0.0.1:8000", "own"),
    ],
)
async def test_an_address_that_cannot_be(services: Services, origin: str, reason: str) -> None:
    with pytest.raises(WrongSiteField) as refusal:
        await add_site(services, origin)
    assert refusal.value.reason == reason


class TestOnAServer:
    @pytest.fixture
    def settings(self, settings: dict[str, object]) -> dict[str, object]:
        return settings | {"public_url": "https://login.example.com"}

    async def test_a_site_on_the_logins_host_would_get_its_cookies(
        self, services: Services
    ) -> None:
        with pytest.raises(WrongSiteField):
            await add_site(services, "https://login.example.com:8443")


@pytest.mark.parametrize(
    ("need", "reason"),
    [("everybody", "need"), ("group:nobody", "no_group"), ("permission:FLY", "no_permission")],
)
async def test_a_need_that_cannot_be(services: Services, need: str, reason: str) -> None:
    with pytest.raises(WrongSiteField) as refusal:
        await add_site(services, need=need)
    assert refusal.value.reason == reason
    await add_site(services)
    with pytest.raises(WrongSiteField):
        await add_rule(services, "/admin", need)
    with pytest.raises(WrongSiteField):
        await add_rule(services, "admin", "public")


async def test_one_address_one_site_in_one_form(services: Services) -> None:
    await add_site(services, "https://Wiki.example.com:443/")
    with pytest.raises(SiteThere):
        await add_site(services, "https://wiki.example.com")
    async with operator(services) as ctx:
        assert (await sites.one(ctx, site="wiki")).origin == "https://wiki.example.com"
        with pytest.raises(NoSuchSite):
            await sites.one(ctx, site="shop")


async def test_changes_stand_in_the_audit_log(services: Services) -> None:
    await add_site(services)
    async with operator(services) as ctx:
        await sites.change(ctx, site="Wiki", need="factor", name="The wiki")
        await sites.set_rule(ctx, site=WIKI, prefix="/public/", need="public")
        assert await sites.remove_rule(ctx, site=WIKI, prefix="/public/")
        assert not await sites.remove_rule(ctx, site=WIKI, prefix="/public/")
        await sites.remove(ctx, site="the wiki")
    assert await events(services) == [
        "site.created", *["site.changed"] * 4, "site.removed"
    ]  # fmt: skip


async def test_a_deployment_is_written_down_and_read_again(services: Services) -> None:
    async with operator(services) as ctx:
        await groups.create(ctx, name="staff")
    await add_site(services, need="group:staff+factor")
    await add_rule(services, "/public/", "public")
    async with operator(services) as ctx:
        written = await site_file.export(ctx)
        await sites.remove(ctx, site=WIKI)
        await groups.delete(ctx, name="staff")
        assert await site_file.apply(ctx, text=written) == 1
        assert await site_file.export(ctx) == written
        told = len(await events(services))
        assert await site_file.apply(ctx, text=written) == 1
        assert len(await events(services)) == told
        changed = json.loads(written)
        changed["sites"][0]["paths"] = {"/open/": "public"}
        await site_file.apply(ctx, text=json.dumps(changed))
        assert (await sites.one(ctx, site=WIKI)).paths == {"/open/": "public"}


UNKNOWN_GROUP = {
    "origin": "https://a.example", "name": "A", "need": "group:x", "identity": "id",
    "enabled": True, "paths": {},
}  # fmt: skip


@pytest.mark.parametrize(
    "file",
    ["", "[]", "{}", '{"format": 2, "groups": [], "sites": []}', '{"format": 1, "sites": []}',
     '{"format": 1, "groups": ["a b"], "sites": []}', '{"format": 1, "groups": [], "sites": [1]}',
     '{"format": 1, "groups": [], "sites": [{}]}',
     json.dumps({"format": 1, "groups": ["y"], "sites": [UNKNOWN_GROUP]})],
)  # fmt: skip
async def test_of_a_wrong_file_nothing_is_done(services: Services, file: str) -> None:
    async with operator(services) as ctx:
        with pytest.raises(WrongSiteField):
            await site_file.apply(ctx, text=file)
        assert not await sites.everything(ctx)
        assert not await groups.everything(ctx)


class TestGroups:
    async def test_names(self, services: Services) -> None:
        async with operator(services) as ctx:
            await groups.create(ctx, name="Staff-1.a_b")
            with pytest.raises(GroupThere):
                await groups.create(ctx, name="staff-1.A_b")
            for name in ("", "a b", "a,b", "1a", "users", "Users", "a" * 65, "é"):
                with pytest.raises(WrongGroupName):
                    await groups.create(ctx, name=name)

    async def test_a_group_that_a_rule_names_stays(self, services: Services) -> None:
        async with operator(services) as ctx:
            await groups.create(ctx, name="staff")
        await add_site(services)
        await add_rule(services, "/x", "group:staff")
        async with operator(services) as ctx:
            with pytest.raises(GroupNeeded):
                await groups.delete(ctx, name="staff")
            await sites.remove_rule(ctx, site=WIKI, prefix="/x")
            await groups.delete(ctx, name="Staff")
            with pytest.raises(NoSuchGroup):
                await groups.delete(ctx, name="staff")

    async def test_members_come_and_go(self, services: Services) -> None:
        await create_user(services, ALICE)
        await join(services, ALICE, "staff")
        await join(services, ALICE, "staff")
        async with operator(services) as ctx:
            assert [each.username for each in await groups.members(ctx, name="staff")] == ["alice"]
            assert [each.members for each in await groups.everything(ctx)] == [1]
            await groups.remove_user(ctx, name="staff", user=ALICE.email)
            assert await groups.members(ctx, name="staff") == []
        found = await events(services)
        assert found.count("group.user_added") == 1
        assert found.count("group.user_removed") == 1

    async def test_who_is_erased_is_in_none(self, services: Services) -> None:
        await create_user(services, ALICE)
        await join(services, ALICE, "staff")
        async with services.engine.begin() as connection:
            await connection.execute(text("DELETE FROM users"))
        async with operator(services) as ctx:
            assert [each.members for each in await groups.everything(ctx)] == [0]


@pytest.mark.parametrize(("proxy", "name"), samples.FILES.items())
def test_the_samples_of_the_documents_are_those_of_the_command(proxy: str, name: str) -> None:
    made = samples.sample(
        proxy,
        origin="https://wiki.example.com",
        application="127.0.0.1:3000",
        login="127.0.0.1:8000",
    )
    assert "@" not in made.replace("@type", "").replace("@vestibule_sign_in", "")
    assert (CHECKOUT / "docs" / "guard" / name).read_text() == made
