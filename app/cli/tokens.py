"""``python -m app tokens …``: managing users' tokens for scripts."""

from datetime import datetime
from uuid import UUID

import click

from app.cli import tables
from app.cli.shared import database
from app.context import Context
from app.flows import api_tokens as flow
from app.kit.gate_errors import NoSuchSite


@click.group()
def tokens() -> None:
    """Manage users' tokens for scripts.

    USER is an email address, a username or an ID.
    """


@tokens.command("list")
@click.argument("user")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_tokens(user: str, *, as_json: bool) -> None:
    """List a user's tokens. What they are is shown only once, when they're created."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: flow.tokens_of(ctx, name=user))
    if as_json:
        tables.as_json([token._asdict() for token in found.tokens])
        return
    rows = [
        (
            token.name,
            found.opens(token),
            _day(token.used_at),
            _day(token.expires_at) if token.is_live else "ended",
            str(token.id),
        )
        for token in found.tokens
    ]
    tables.as_table(("TOKEN", "OPENS", "LAST USED", "EXPIRES", "ID"), rows)


@tokens.command("create")
@click.argument("user")
@click.option("--name", required=True, help="What it's for.")
@click.option("--site", "sites", multiple=True, help="Address or name of a site that it opens.")
@click.option("--account", is_flag=True, help="It can read who its user is: GET /api/me.")
@click.option("--days", type=int, default=90, show_default=True, help="How long it lasts.")
def create(user: str, *, name: str, sites: tuple[str, ...], account: bool, days: int) -> None:
    """Create a token of USER and print it. It's shown only once."""

    async def make(ctx: Context) -> str:
        known = (await flow.tokens_of(ctx, name=user)).sites
        ids = []
        for wanted in sites:
            found = [each.id for each in known if wanted in {each.origin, each.name}]
            if len(found) != 1:
                raise NoSuchSite(site=wanted)
            ids += found
        return await flow.create(
            ctx, name=name, sites=ids, reads_account=account, days=days, user=user
        )

    with database() as deployment:
        click.echo(deployment.ask(make))


@tokens.command("revoke")
@click.argument("user")
@click.argument("token_id", metavar="ID", type=click.UUID, required=False)
@click.option("--all", "everything", is_flag=True, help="Revoke all tokens of USER.")
def revoke(user: str, token_id: UUID | None, *, everything: bool) -> None:
    """Revoke a token by its ID. It stops working on the next request."""
    if (token_id is None) != everything:
        raise click.UsageError("Give an ID, or --all.")
    with database() as deployment:
        if token_id is not None:
            deployment.ask(lambda ctx: flow.revoke(ctx, token_id=token_id, user=user))
            click.echo("Revoked.")
            return
        number = deployment.ask(lambda ctx: flow.revoke_all(ctx, user=user))
    click.echo(f"Tokens revoked: {number}.")


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "never"
