"""``python -m app users …``: finding users in any order, and doing one thing to many."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TextIO

import click

from app.cli.shared import database
from app.cli.user_list import print_users
from app.config import Config
from app.context import Context
from app.flows import bulk, invitation, user_search
from app.flows.bulk import Chosen, Deed, Done
from app.flows.invitation import InvitationOutcome, Wanted
from app.flows.user_search import Order, UserFilter, UserState
from app.kit.addresses import meant, normal_email, username_for
from app.kit.errors import WrongAddress
from app.words.refusals import sentence_for_operators

DAY = click.DateTime(["%Y-%m-%d"])
FILTERS = (
    click.option(
        "--state",
        type=click.Choice([str(each) for each in UserState]),
        help="Only users with this status.",
    ),
    click.option("--role", help="Only users with this role."),
    click.option("--created-since", type=DAY, help="The first day (UTC)."),
    click.option("--created-until", type=DAY, help="The last day (UTC)."),
    click.option("--seen-within", type=int, metavar="DAYS", help="Signed in within these days."),
    click.option("--unseen-for", type=int, metavar="DAYS", help="Not signed in for these days."),
    click.option("--never-signed-in", is_flag=True, help="Only users who never signed in."),
    click.option("--without-factor", is_flag=True, help="Only users without a second factor."),
)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose users; it gets them as ``wanted``."""

    @wraps(command)
    def chosen(
        *,
        part: str,
        state: str | None,
        role: str | None,
        created_since: datetime | None,
        created_until: datetime | None,
        seen_within: int | None,
        unseen_for: int | None,
        never_signed_in: bool,
        without_factor: bool,
        **others: Any,
    ) -> None:
        until = created_until.replace(tzinfo=UTC) if created_until else None
        wanted = UserFilter(
            part,
            UserState(state) if state else None,
            role,
            created_since=created_since.replace(tzinfo=UTC) if created_since else None,
            created_before=until + timedelta(days=1) if until else None,
            seen_since=_ago(seen_within),
            seen_before=_ago(unseen_for),
            never_seen=never_signed_in,
            has_factor=False if without_factor else None,
        )
        command(wanted=wanted, **others)

    for option in reversed(FILTERS):
        option(chosen)
    return chosen


def _ago(days: int | None) -> datetime | None:
    return None if days is None else datetime.now(UTC) - timedelta(days=days)


@click.command("find")
@click.argument("part", default="")
@filtered
@click.option(
    "--sort", type=click.Choice([str(each) for each in Order]), default="name", help="The order."
)
@click.option("--after", default="", help="Continue behind this mark.")
@click.option("--count", "only_count", is_flag=True, help="Only say how many there are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def find(*, wanted: UserFilter, sort: str, after: str, only_count: bool, as_json: bool) -> None:
    """Find users by PART of a username or email address, a page at a time."""
    with database() as deployment:
        if only_count:
            total = deployment.ask(lambda ctx: user_search.count(ctx, wanted))
            about = "" if total.is_exact else "about " if total.is_about else "at least "
            click.echo(f"{about}{total.number}")
            return
        page = deployment.ask(
            lambda ctx: user_search.find(ctx, wanted, order=Order(sort), after=after)
        )
    print_users(page.users, as_json=as_json)
    if page.next:
        click.echo(f"For more: --after {page.next}", err=True)


@click.command("bulk")
@click.argument("deed", type=click.Choice([str(each) for each in Deed]))
@click.argument("part", default="")
@filtered
@click.option("--reason", help="For block. Administrators can see it, users can't.")
@click.option("--to-role", help="For role: the new one.")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def change_many(
    *, deed: str, wanted: UserFilter, reason: str | None, to_role: str | None, yes: bool
) -> None:
    """Do one thing to all users that the options find, at most 300 at once (delete: 100)."""
    if deed == Deed.ROLE and not to_role:
        raise click.UsageError("Add --to-role with the new role.")
    chosen = Chosen(wanted=wanted)
    with database() as deployment:
        found = deployment.ask(lambda ctx: bulk.choose(ctx, Deed(deed), chosen))
        if not yes:
            print_users(found, as_json=False)
            click.confirm(f"{deed}: {len(found)} users?", abort=True, err=True)

        async def carry_out(ctx: Context) -> Done:
            return await bulk.carry_out(
                ctx, Deed(deed), chosen, number=len(found), reason=reason, role_name=to_role
            )

        done = deployment.ask(carry_out)
    click.echo(f"Changed: {done.changed}. Nothing to change: {done.unchanged}.")


@click.command("invite-many")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--role", "role_name", help="The users' role. Default: User.")
def invite_many(*, file: TextIO, role_name: str | None) -> None:
    """Invite all email addresses in FILE, one a line. Use - for standard input."""
    text = file.read()
    with database() as deployment:
        wanted = _read(text, deployment.config)

        async def invite(ctx: Context) -> list[InvitationOutcome]:
            return await invitation.invite_many(ctx, wanted, role_name=role_name)

        outcomes = deployment.ask(invite)
    for each in outcomes:
        said = f"invited as {each.username}" if each.is_invited else "already has an account"
        click.echo(f"{each.email}: {said}")


def _read(text: str, config: Config) -> list[Wanted]:
    found = []
    for piece in filter(None, map(meant, re.split(r"[\n\r,;]", text))):
        try:
            email = normal_email(piece, special=config.allowed_special_domains)
        except WrongAddress as error:
            raise click.BadParameter(
                f"{piece}: {sentence_for_operators(error)}", param_hint="FILE"
            ) from None
        found.append(Wanted(email, username_for(email)))
    return list(dict.fromkeys(found))
