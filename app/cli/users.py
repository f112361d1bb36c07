"""``python -m app users …``: managing users."""

import json

import click

from app.cli import tables, user_bulk, user_changes, user_export, user_import
from app.cli.shared import database
from app.cli.user_list import print_users
from app.config import Config
from app.flows import access, invitation, lost_factor, user_search
from app.kit.addresses import (
    is_username,
    normal_email,
)
from app.kit.errors import WrongAddress
from app.kit.links import INVITE_VALID_HOURS
from app.words.audit_log import tell
from app.words.refusals import USERNAME_RULE, sentence_for_operators


@click.group()
def users() -> None:
    """Manage users."""


@users.command("create")
@click.argument("email")
@click.option("--username", help="Default: the part of the address before the @.")
@click.option("--admin", is_flag=True, help="Make this user an administrator.")
@click.option("--role", "role_name", help="The user's role. Default: User.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def create(
    *, email: str, username: str | None, admin: bool, role_name: str | None, as_json: bool
) -> None:
    """Create a user and print a one-time link to choose a password.

    To get a new link, run it again for the same user before they set a password.
    """
    if admin and role_name:
        raise click.UsageError("Use either --admin or --role, not both.")
    with database() as deployment:
        email, username = _who(email, username, deployment.config)
        invited = deployment.ask(
            lambda ctx: invitation.invite(
                ctx,
                username=username,
                email=email,
                role_name="Administrator" if admin else role_name,
            ),
        )
    if as_json:
        click.echo(json.dumps(invited._asdict()))
        return
    hours = f"{INVITE_VALID_HOURS} hours"
    click.echo(f"{invited.username} can choose a password here (works once, within {hours}):")
    click.echo(invited.url)


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_users(*, as_json: bool) -> None:
    """List all users, newest last."""
    with database() as deployment:
        found = deployment.ask(access.everybody)
    if not found and not as_json:
        click.echo(
            "There are no users yet. Create the first one: python -m app users create --admin …"
        )
        return
    print_users(found, as_json=as_json)


@users.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object.")
def show(*, name: str, as_json: bool) -> None:
    """Show everything about a user, by email address, username or ID."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: user_search.show(ctx, name=name))
    user, told = found.user, [tell(line) for line in found.history]
    facts: dict[str, object] = {
        **user._asdict(),
        "factors": user.factor_words,
        "states": user.states,
        "blocked_reason": found.blocked_reason,
    }
    if as_json:
        lists = {
            "sessions": [each._asdict() for each in found.sessions],
            "history": [each._asdict() for each in told],
            "notes": [each._asdict() for each in found.notes],
        }
        tables.as_json({**facts, **lists})
        return
    facts["states"] = ", ".join(user.states)
    facts["sessions"] = len(found.sessions)
    for fact, value in facts.items():
        click.echo(f"{fact.replace('_', ' '):16} {'-' if value is None else value}")
    for each in found.notes:
        click.echo(f"{'note':16} {each.written_at:%Y-%m-%d} {each.author or '-'}: {each.text}")
    click.echo()
    lines = [(f"{each.at:%Y-%m-%d %H:%M:%S}", each.ip or "", each.what) for each in told]
    tables.as_table(("TIME", "IP", "EVENT"), lines)


@users.command()
@click.argument("name")
@click.option("--reason", help="Reason. Administrators can see it, the user can't.")
def block(name: str, reason: str | None) -> None:
    """Block a user, by email address, username or ID. This ends all their sessions."""
    with database() as deployment:
        deployment.ask(lambda ctx: access.block(ctx, name=name, reason=reason))
    click.echo(f"Blocked {name}.")


@users.command()
@click.argument("name")
def unblock(name: str) -> None:
    """Unblock a user, so that they can sign in again."""
    with database() as deployment:
        deployment.ask(lambda ctx: access.unblock(ctx, name=name))
    click.echo(f"Unblocked {name}. They can sign in again.")


@users.command("set-role")
@click.argument("name")
@click.argument("role")
def set_role(name: str, role: str) -> None:
    """Change the role of a user. To see all roles: roles list."""
    with database() as deployment:
        known = deployment.ask(
            lambda ctx: access.set_role(ctx, name=name, role_name=role),
        )
    click.echo(f"Role of {name} changed to {known}.")


@users.command("invite")
@click.argument("email")
@click.option("--username", help="Default: the part of the address before the @.")
@click.option("--role", "role_name", help="The user's role. Default: User.")
def invite(*, email: str, username: str | None, role_name: str | None) -> None:
    """Invite a user by email. The link is sent to EMAIL, not printed."""
    with database() as deployment:
        email, username = _who(email, username, deployment.config)
        deployment.ask(
            lambda ctx: invitation.invite_by_email(
                ctx, username=username, email=email, role_name=role_name
            ),
        )
    click.echo(f"Invitation to {email} queued for sending.")


@users.command("send-reset")
@click.argument("name")
def send_reset(name: str) -> None:
    """Email a user a password reset link. The link isn't printed."""
    with database() as deployment:
        deployment.ask(
            lambda ctx: access.send_reset(ctx, name=name),
        )
    click.echo(f"Password reset email to {name} queued for sending.")


@users.command("remove-factors")
@click.argument("name")
@click.option("--reason", default="", help="How you know that it's them. For the audit log.")
def remove_factors(*, name: str, reason: str) -> None:
    """Remove all second factors of a user who lost theirs. This ends all their sessions."""
    with database() as deployment:
        done = deployment.ask(lambda ctx: lost_factor.remove(ctx, name=name, reason=reason))
    click.echo(f"Removed the second factors of {name}." if done else f"{name} has none.")


@users.command("end-sessions")
@click.argument("name")
def end_sessions(name: str) -> None:
    """End all sessions of a user."""
    with database() as deployment:
        ended = deployment.ask(lambda ctx: access.end_sessions(ctx, name=name))
    click.echo(f"Sessions ended: {ended}.")


@users.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def delete(*, name: str, yes: bool) -> None:
    """Delete a user permanently, right away."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: user_search.show(ctx, name=name)).user
        typed = deployment.config.called(found)
        if not yes:
            typed = click.prompt(f"To delete {typed}, type that name", err=True)
        deployment.ask(
            lambda ctx: access.delete(ctx, name=str(found.id), typed=typed),
        )
    click.echo(f"Deleted {typed}.")


def _who(email: str, username: str | None, config: Config) -> tuple[str, str]:
    try:
        email = normal_email(email, special=config.allowed_special_domains)
    except WrongAddress as error:
        raise click.BadParameter(sentence_for_operators(error), param_hint="EMAIL") from None
    username = username or email.split("@")[0]
    if not is_username(username):
        raise click.BadParameter(
            USERNAME_RULE,
            param_hint="--username",
        )
    return email, username


for command in (
    user_bulk.find, user_bulk.change_many, user_bulk.invite_many, user_changes.note,
    user_changes.set_email, user_changes.set_username,
    user_import.import_users, user_export.export_users, user_export.show_hashes,
):  # fmt: skip
    users.add_command(command)
