"""``python -m app roles …``: managing roles."""

import click

from app import config, site
from app.cli import tables
from app.cli.shared import Deployment, database
from app.flows import roles as flow
from app.kit.permissions import in_words


class PermissionsType(click.ParamType[int]):
    """Permissions by their names, with commas between them; ``nothing`` for none."""

    name = "permissions"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the bits of the permissions."""
        names = site.load(config.load().site).permissions
        found = 0
        for name in str(value).upper().replace(",", " ").split():
            if name != "NOTHING" and name not in names:
                self.fail(f"{name} isn't a permission. Use: {', '.join(names)}.", param, ctx)
            found |= names.get(name, 0)
        return found


PERMISSIONS = PermissionsType()
PRINTED = ("name", "is_default", "permissions", "holders", "factor_required")


@click.group()
def roles() -> None:
    """Manage roles."""


@roles.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_roles(*, as_json: bool) -> None:
    """List all roles with their permissions."""
    with database() as deployment:
        found = deployment.ask(flow.everything)
    if as_json:
        tables.as_json([{name: getattr(role, name) for name in PRINTED} for role in found])
        return
    rows = [
        (
            role.name,
            "default" if role.is_default else "",
            "required" if role.factor_required else "",
            str(role.holders),
            role.permissions,
        )
        for role in found
    ]
    tables.as_table(("ROLE", "DEFAULT", "SECOND FACTOR", "USERS", "PERMISSIONS"), rows)


@roles.command("create")
@click.argument("name")
@click.argument("permissions", type=PERMISSIONS)
def create(name: str, permissions: int) -> None:
    """Create a role with PERMISSIONS, like: roles create Editor FOLLOW,COMMENT,WRITE."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.create(ctx, name=name, permissions=permissions))
        _say_permissions(deployment, name, permissions)


@roles.command("rename")
@click.argument("name")
@click.argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Rename a role. Users who have it keep it."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.rename(ctx, name=name, to=new_name))
    click.echo(f"Role {name} renamed to {new_name}.")


@roles.command("set-permissions")
@click.argument("name")
@click.argument("permissions", type=PERMISSIONS)
def set_permissions(name: str, permissions: int) -> None:
    """Replace the PERMISSIONS of a role. They take effect on the next request."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.set_permissions(ctx, name=name, permissions=permissions))
        _say_permissions(deployment, name, permissions)


def _say_permissions(deployment: Deployment, name: str, permissions: int) -> None:
    click.echo(
        f"Permissions of the role {name}: {in_words(permissions, deployment.site.permissions)}."
    )


@roles.command("set-default")
@click.argument("name")
def set_default(name: str) -> None:
    """Give this role to new users. Existing users keep theirs."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.set_default(ctx, name=name))
    click.echo(f"New users get the role {name}.")


@roles.command("require-factor")
@click.argument("name")
@click.option("--off", is_flag=True, help="Make it optional again.")
def require_factor(*, name: str, off: bool) -> None:
    """Require a second factor from users with this role, after FACTOR_GRACE_DAYS."""
    with database() as deployment:
        days = deployment.config.factor_grace_days
        deployment.ask(lambda ctx: flow.require_factor(ctx, name=name, required=not off))
    if off:
        click.echo(f"Users with the role {name} no longer need a second factor.")
        return
    click.echo(f"Users with the role {name} need a second factor in {days:g} days.")


@roles.command("delete")
@click.argument("name")
def delete(name: str) -> None:
    """Delete a role that no one has."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.delete(ctx, name=name))
    click.echo(f"Deleted the role {name}.")
