"""``python -m app groups …``: managing groups of users."""

import click

from app.cli import tables
from app.cli.shared import database
from app.flows import groups as flow


@click.group()
def groups() -> None:
    """Manage groups. Sites behind the gate hear of them, and rules can require them.

    USER is an email address, a username or an ID.
    """


@groups.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_groups(*, as_json: bool) -> None:
    """List all groups."""
    with database() as deployment:
        found = deployment.ask(flow.everything)
    if as_json:
        tables.as_json([group._asdict() for group in found])
        return
    tables.as_table(("GROUP", "USERS"), [(group.name, str(group.members)) for group in found])


@groups.command("create")
@click.argument("name")
def create(name: str) -> None:
    """Create a group."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.create(ctx, name=name))
    click.echo(f"Created the group {name}.")


@groups.command("delete")
@click.argument("name")
def delete(name: str) -> None:
    """Delete a group that no rule of a site names."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.delete(ctx, name=name))
    click.echo(f"Deleted the group {name}.")


@groups.command("members")
@click.argument("name")
@click.option("--after", default="", help="Begin after this username.")
def members(name: str, *, after: str) -> None:
    """List the users in a group, 100 at a time."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: flow.members(ctx, name=name, after=after))
    shown = found[: flow.MEMBERS_PAGE]
    tables.as_table(("USERNAME", "ID"), [(each.username, str(each.id)) for each in shown])
    if len(found) > len(shown):
        click.echo(f"There are more: --after {shown[-1].username}", err=True)


@groups.command("add")
@click.argument("name")
@click.argument("user")
def add(name: str, user: str) -> None:
    """Add USER to the group NAME."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.add_user(ctx, name=name, user=user))
    click.echo(f"{user} is in the group {name}.")


@groups.command("remove")
@click.argument("name")
@click.argument("user")
def remove(name: str, user: str) -> None:
    """Remove USER from the group NAME."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.remove_user(ctx, name=name, user=user))
    click.echo(f"{user} is not in the group {name}.")
