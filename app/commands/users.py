"""``python -m app users …``: looking after people."""

import json

import click

from app.commands.shared import ask, database
from app.flows import access, invitation
from app.kit.addresses import WrongAddress, is_username, normal_email
from app.kit.client import OPERATOR
from app.kit.links import INVITE_VALID_HOURS


@click.group()
def users() -> None:
    """Look after people."""


@users.command("create")
@click.argument("email")
@click.option("--username", help="Default: what stands before the @ of the address.")
@click.option("--admin", is_flag=True, help="Make this person an administrator.")
@click.option("--role", "role_name", help="The person's role. Default: User.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(
    *, email: str, username: str | None, admin: bool, role_name: str | None, as_json: bool
) -> None:
    """Let somebody in: prints a one-time link on which they choose a password.

    Run it again for the same person to get a new link, as long as no password is set.
    """
    if admin and role_name:
        raise click.UsageError("--admin is a role already: give --admin or --role, not both.")
    try:
        email = normal_email(email)
    except WrongAddress as error:
        raise click.BadParameter(str(error), param_hint="EMAIL") from None
    username = username or email.split("@")[0]
    if not is_username(username):
        raise click.BadParameter(
            "3 to 64 letters, digits, dots and underscores, beginning with a letter.",
            param_hint="--username",
        )
    with database() as (config, url):
        invited = ask(
            url,
            lambda session: invitation.invite(
                session,
                config=config,
                username=username,
                email=email,
                role_name="Administrator" if admin else role_name,
                client=OPERATOR,
            ),
        )
    if as_json:
        click.echo(json.dumps(invited._asdict()))
        return
    hours = f"{INVITE_VALID_HOURS} hours"
    click.echo(f"{invited.username} can choose a password at this address, once, within {hours}:")
    click.echo(invited.url)


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_users(*, as_json: bool) -> None:
    """List all people, the newest last."""
    with database() as (_, url):
        people = ask(url, access.everybody)
    if as_json:
        click.echo(json.dumps([person._asdict() for person in people], default=str, indent=2))
        return
    if not people:
        click.echo(
            "Nobody has an account yet. Make the first: python -m app users create --admin …"
        )
        return
    rows = [("USER NAME", "ADDRESS", "ROLE", "STATE"), *[_row(person) for person in people]]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        click.echo(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _row(person: access.Listed) -> tuple[str, str, str, str]:
    state = "confirmed" if person.has_password else "invited"
    if person.blocked_at:
        state = "blocked"
    return person.username, person.email, person.role, state


@users.command()
@click.argument("name")
def block(name: str) -> None:
    """Block a person, by address or user name: all their sessions end."""
    with database() as (_, url):
        ask(url, lambda session: access.block(session, name=name, client=OPERATOR))
    click.echo(f"{name} is blocked.")


@users.command()
@click.argument("name")
def unblock(name: str) -> None:
    """Let a blocked person in again."""
    with database() as (_, url):
        ask(url, lambda session: access.unblock(session, name=name, client=OPERATOR))
    click.echo(f"{name} may sign in again.")


@users.command("set-role")
@click.argument("name")
@click.argument("role")
def set_role(name: str, role: str) -> None:
    """Give a person a role: User, Moderator, Administrator."""
    with database() as (_, url):
        known = ask(
            url,
            lambda session: access.set_role(session, name=name, role_name=role, client=OPERATOR),
        )
    click.echo(f"{name} has the role {known}.")
