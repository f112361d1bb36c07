"""``python -m app sites …``: managing the sites behind the gate."""

from typing import TextIO

import click

from app.cli import samples, tables
from app.cli.shared import database
from app.flows import site_file
from app.flows import sites as flow
from app.kit.gate_errors import SiteThere
from app.kit.needs import KnownBy

NEED = (
    "What visitors need: public, signed-in, factor, permission:NAME or group:NAME; +factor behind "
    "it asks for a second factor too."
)
IDENTITIES = click.Choice([each.value for each in KnownBy])


@click.group()
def sites() -> None:
    """Manage the sites behind the gate.

    SITE is a site's address or its name. Changes take effect on the next request.
    """


@sites.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_sites(*, as_json: bool) -> None:
    """List all sites."""
    with database() as deployment:
        found = deployment.ask(flow.everything)
    if as_json:
        tables.as_json([site._asdict() for site in found])
        return
    rows = [
        (
            site.origin,
            site.name,
            site.need if site.enabled else "disabled",
            site.identity,
            str(len(site.paths)),
            str(site.sessions),
        )
        for site in found
    ]
    tables.as_table(("ADDRESS", "NAME", "NEEDS", "KNOWS USERS BY", "RULES", "SESSIONS"), rows)


@sites.command("add")
@click.argument("origin")
@click.option("--name", help="What users read. Default: the address.")
@click.option("--need", required=True, help=NEED)
@click.option(
    "--identity",
    type=IDENTITIES,
    default=KnownBy.ID.value,
    show_default=True,
    help="What the site gets as Remote-User. Only the ID never belongs to someone else later.",
)
@click.option("--if-missing", is_flag=True, help="Do nothing if the site is there already.")
def add(origin: str, *, name: str | None, need: str, identity: str, if_missing: bool) -> None:
    """Put the site at ORIGIN behind the gate, like: sites add https://wiki.example.com."""
    with database() as deployment:
        shown = name or origin.partition("://")[2].rstrip("/") or origin
        try:
            place = deployment.ask(
                lambda ctx: flow.add(ctx, origin=origin, name=shown, need=need, identity=identity)
            )
        except SiteThere:
            if not if_missing:
                raise
            click.echo("The site is there already. Nothing was changed.")
            return
    click.echo(f"Added {place}. It needs: {need}.")
    click.echo(f"Next, configure your proxy: python -m app sites sample {place} --for nginx")


@sites.command("show")
@click.argument("site")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object.")
def show(site: str, *, as_json: bool) -> None:
    """Show a site with its rules."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: flow.one(ctx, site=site))
    if as_json:
        tables.as_json(found._asdict())
        return
    tables.as_table(
        ("", ""),
        [
            ("Address", found.origin),
            ("Name", found.name),
            ("State", "enabled" if found.enabled else "disabled: nobody gets in"),
            ("Knows users by", found.identity),
            ("Sessions", str(found.sessions)),
            ("Needs", found.need),
            *((f"  {prefix}", need) for prefix, need in found.paths.items()),
        ],
    )


@sites.command("change")
@click.argument("site")
@click.option("--name", help="What users read.")
@click.option("--need", help=NEED)
@click.option("--identity", type=IDENTITIES, help="What the site gets as Remote-User.")
def change(site: str, **given: str | None) -> None:
    """Change a site."""
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise click.UsageError("Say what to change: --name, --need or --identity.")
    with database() as deployment:
        deployment.ask(lambda ctx: flow.change(ctx, site=site, **changes))
    click.echo("Changed.")


@sites.command("rules")
@click.argument("site")
@click.argument("prefix", required=False)
@click.argument("need", required=False)
@click.option("--remove", is_flag=True, help="Remove the rule of PREFIX.")
def rules(site: str, prefix: str | None, need: str | None, *, remove: bool) -> None:
    """Show the rules of a site, or let paths under PREFIX require NEED.

    The longest prefix decides. A path that could be read in two ways is refused.
    """
    with database() as deployment:
        if prefix and remove:
            if not deployment.ask(lambda ctx: flow.remove_rule(ctx, site=site, prefix=prefix)):
                raise click.ClickException(f"There's no rule for {prefix}.")
        elif prefix and need:
            deployment.ask(lambda ctx: flow.set_rule(ctx, site=site, prefix=prefix, need=need))
        elif prefix:
            raise click.UsageError("Say what PREFIX requires, or --remove.")
        found = deployment.ask(lambda ctx: flow.one(ctx, site=site))
    rows = [*found.paths.items(), ("everything else" if found.paths else "everything", found.need)]
    tables.as_table(("PATH", "NEEDS"), rows)


@sites.command("disable")
@click.argument("site")
def disable(site: str) -> None:
    """Let nobody into a site, until it's enabled again."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.change(ctx, site=site, enabled=False))
    click.echo("Disabled. Nobody gets in.")


@sites.command("enable")
@click.argument("site")
def enable(site: str) -> None:
    """Let visitors into a disabled site again."""
    with database() as deployment:
        deployment.ask(lambda ctx: flow.change(ctx, site=site, enabled=True))
    click.echo("Enabled.")


@sites.command("remove")
@click.argument("site")
def remove(site: str) -> None:
    """Remove a site. Its proxy then gets 403 for every request."""
    with database() as deployment:
        origin = deployment.ask(lambda ctx: flow.remove(ctx, site=site))
    click.echo(f"Removed {origin}.")


@sites.command("sample")
@click.argument("site")
@click.option("--for", "proxy", type=click.Choice([*samples.FILES]), required=True)
@click.option(
    "--application", default=samples.APPLICATION, show_default=True, help="Where it listens."
)
@click.option("--login", default=samples.LOGIN, show_default=True, help="Where Vestibule listens.")
def sample(site: str, *, proxy: str, application: str, login: str) -> None:
    """Print a proxy's configuration for a site."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: flow.one(ctx, site=site))
    text = samples.sample(proxy, origin=found.origin, application=application, login=login)
    click.echo(text, nl=False)


@sites.command("export")
def export() -> None:
    """Print all groups and sites as JSON, to keep and to import elsewhere."""
    with database() as deployment:
        click.echo(deployment.ask(site_file.export), nl=False)


@sites.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
def import_sites(file: TextIO) -> None:
    """Make groups and sites as FILE says. Others stay as they are. With a mistake, nothing changes.

    FILE is what `sites export` prints; - reads standard input.
    """
    text = file.read()
    with database() as deployment:
        number = deployment.ask(lambda ctx: site_file.apply(ctx, text=text))
    click.echo(f"Sites in the file: {number}. All are there now as it says.")


@sites.command("release-name")
@click.argument("name")
def release_name(name: str) -> None:
    """Let someone new have a username or address that was given up.

    From the first site on, such names stay reserved: sites may know their users by them.
    """
    with database() as deployment:
        deployment.ask(lambda ctx: flow.release_name(ctx, name=name))
    click.echo("Released. Anyone can have this name now.")
