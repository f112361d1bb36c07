"""What users tell in the fields that a site declares: asked, stored, found, taken along, erased."""

import json
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from sqlalchemy import URL, text

from app.context import Context
from app.flows import (
    access,
    data_download,
    invitation,
    profile,
    registration,
    user_export,
    user_import,
    user_search,
)
from app.kit.errors import Refusal
from app.models.user_search import UserFilter
from app.services import Services, opened
from app.transfer.columns import Reading
from app.transfer.rows import FileFormat, Problem, Row, rows
from app.words.audit_log import tell_owner
from tests.contexts import context, operator
from tests.mailbox import key_of, last_link
from tests.sites import WriteSite, config_of, write_site
from tests.users import ALICE, BOB, actor_of, confirm, count

__all__ = ["write_site"]

FIELDS = """
from app.extending import ProfileField
fields = [
    ProfileField(name="telephone", label="Phone", kind="telephone", searchable=True),
    ProfileField(name="town", label="Town", required=True, asked=["registration", "account"]),
    ProfileField(name="level", label="Level", kind="number", asked=[]),
]
"""
PHONE, TOWN = "+44 20 7946 0958", "Bath"


@pytest.fixture
async def services(write_site: WriteSite, database: URL) -> AsyncIterator[Services]:
    async with opened(config_of(write_site({"profile.py": FIELDS})), database) as services:
        yield services


async def register(services: Services, **told: str) -> str:
    async with context(services) as ctx:
        return await registration.register(
            ctx,
            username=ALICE.username,
            email=ALICE.email,
            password=ALICE.password,
            profile=told,
        )


async def alice(services: Services, **told: str) -> None:
    """Register and confirm somebody who tells something of herself."""
    receipt = await register(services, **{"town": TOWN, **told})
    await confirm(services, await last_link(services, ALICE.email), receipt=receipt)


async def told_by(services: Services, name: str) -> dict[str, str]:
    async with operator(services) as ctx:
        return (await user_search.show(ctx, name=name)).profile


@pytest.mark.parametrize("told", [{}, {"town": " "}, {"town": TOWN, "telephone": "five"}])
async def test_what_is_wrong_is_refused_and_nothing_is_written(
    services: Services, told: dict[str, str]
) -> None:
    with pytest.raises(Refusal) as refused:
        await register(services, **told)
    assert refused.value.field in {"town", "telephone"}
    assert await count(services, "registrations") == 0


async def test_what_was_told_at_registration_is_there_after_confirming(services: Services) -> None:
    await alice(services, telephone=PHONE)
    assert await told_by(services, "alice") == {"town": TOWN, "telephone": PHONE}


async def test_a_field_that_is_not_asked_there_is_not_taken(services: Services) -> None:
    await alice(services, level="7", unknown="x")
    assert await told_by(services, "alice") == {"town": TOWN}


async def test_users_change_what_they_are_asked_for_and_nothing_else(services: Services) -> None:
    await alice(services, telephone=PHONE)
    actor = await actor_of(services, ALICE)
    async with context(services, actor=actor) as ctx:
        await profile.change_own(ctx, values={"town": "Leeds", "telephone": "", "level": "9"})
        assert await profile.own(ctx) == {"town": "Leeds"}
        with pytest.raises(Refusal):
            await profile.change_own(ctx, values={"town": ""})
        assert await profile.own(ctx) == {"town": "Leeds"}


async def test_a_change_is_one_line_of_the_audit_log_with_the_names_alone(
    services: Services,
) -> None:
    await alice(services)
    before = await count(services, "audit_events")
    async with operator(services) as ctx:
        for _ in range(2):
            await profile.change(ctx, name="alice", values={"level": "3", "town": "Leeds"})
    assert await count(services, "audit_events") == before + 1
    async with services.engine.connect() as connection:
        detail = await connection.scalar(
            text("SELECT detail FROM audit_events WHERE event = 'account.profile_changed'")
        )
    assert detail == {"fields": "level, town"}


async def test_an_administrator_may_leave_anything_empty(services: Services) -> None:
    await alice(services)
    async with operator(services) as ctx:
        await profile.change(ctx, name="alice", values={"town": ""})
    assert await told_by(services, "alice") == {}


async def test_nobody_else_changes_a_profile(services: Services) -> None:
    await alice(services)
    async with context(services) as ctx:
        with pytest.raises(Refusal):
            await profile.change(ctx, name="alice", values={"town": "Leeds"})
    assert await told_by(services, "alice") == {"town": TOWN}


async def test_who_is_invited_is_asked_too(services: Services) -> None:
    async with operator(services) as ctx:
        invited = await invitation.invite(
            ctx, username=BOB.username, email=BOB.email, role_name=None
        )
    async with context(services) as ctx:
        await invitation.accept(
            ctx, sealed=key_of(invited.url), password=BOB.password, profile={"telephone": PHONE}
        )
    assert await told_by(services, "bob") == {"telephone": PHONE}


@pytest.mark.parametrize(
    ("part", "found"), [("+44 20", ["alice"]), ("+4420 7946", ["alice"]), ("20", []), ("+45", [])]
)
async def test_users_are_found_by_the_beginning_of_a_searchable_field(
    services: Services, part: str, found: list[str]
) -> None:
    await alice(services, telephone=PHONE)
    await create_user_without_fields(services)
    async with operator(services) as ctx:
        page = await user_search.find(ctx, UserFilter(part, field="telephone"))
        assert [user.username for user in page.users] == found
        by_town = await user_search.find(ctx, UserFilter(TOWN, field="town"))
        assert by_town.users == [], "it is not searchable"


async def create_user_without_fields(services: Services) -> None:
    async with operator(services) as ctx:
        await invitation.invite(ctx, username=BOB.username, email=BOB.email, role_name=None)


async def test_a_search_goes_on_from_page_to_page(services: Services) -> None:
    people = [f"pat{number}@example.com,{PHONE}" for number in range(5)]
    await imported(services, "email,telephone", *people)
    seen: list[str] = []
    after: str | None = ""
    async with operator(services) as ctx:
        while after is not None:
            page = await user_search.find(
                ctx, UserFilter("+44", field="telephone"), after=after, size=2
            )
            seen += [user.username for user in page.users]
            after = page.next
    assert seen == [f"pat{number}" for number in range(5)]


async def imported(services: Services, *lines: str) -> tuple[user_import.Imported, list[str]]:
    problems: list[str] = []
    async with operator(services) as ctx:
        reading = Reading(profile=ctx.site.profile)
        file = BytesIO("\n".join(lines).encode())

        async def found() -> AsyncIterator[Row | Problem]:
            for row in rows(file, FileFormat.CSV, lambda _: None, reading):
                yield row

        outcome = await user_import.import_users(
            ctx,
            rows=found(),
            tell=lambda problem: problems.append(f"{problem.column}: {problem.sentence}"),
            reading=reading,
        )
    return outcome, problems


async def test_an_import_brings_fields_along_and_an_export_takes_them(services: Services) -> None:
    outcome, problems = await imported(
        services,
        "email,Telephone,town,level",
        f"ann@example.com,{PHONE},Bath,7",
        "bob@example.com,,,",
    )
    assert (outcome.users, problems) == (2, [])
    assert await told_by(services, "ann") == {"telephone": PHONE, "town": TOWN, "level": "7"}
    async with operator(services) as ctx:
        found = {user.username: user.profile async for user in user_export.exported(ctx)}
    assert found == {"ann": {"telephone": PHONE, "town": TOWN, "level": "7"}, "bob": None}


async def test_a_bad_value_is_a_problem_of_its_line(services: Services) -> None:
    outcome, problems = await imported(services, "email,telephone", "ann@example.com,five")
    assert not outcome.is_done
    assert problems == ["telephone: Enter a phone number like +44 20 7946 0958."]


async def test_all_that_was_told_is_in_the_download(services: Services) -> None:
    await alice(services, telephone=PHONE)
    actor = await actor_of(services, ALICE)
    async with context(services, actor=actor) as ctx:
        text = "".join([part async for part in data_download.download(ctx, tell=tell_owner)])
    assert json.loads(text)["profile"] == {"telephone": PHONE, "town": TOWN}


async def test_it_goes_with_the_user(services: Services) -> None:
    await alice(services, telephone=PHONE)
    assert await count(services, "profile_values") == 2
    async with operator(services) as ctx:
        await access.delete(ctx, name="alice", typed="alice")
    assert await count(services, "profile_values") == 0


async def test_what_is_declared_no_longer_is_kept_and_asked_for_no_more(
    services: Services, database: URL
) -> None:
    await alice(services, telephone=PHONE)
    async with opened(config_of(""), database) as plain, operator(plain) as ctx:
        await look(ctx)
    assert await count(services, "profile_values") == 2


async def look(ctx: Context) -> None:
    assert (await user_search.show(ctx, name="alice")).profile == {}
