"""``python -m app sessions …``: who is signed in, and ending it."""

from uuid import UUID

import click

from app.cli import tables
from app.cli.shared import database
from app.flows import access, user_search


@click.group()
def sessions() -> None:
    """Manage sessions."""


@sessions.command("list")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_sessions(*, name: str, as_json: bool) -> None:
    """List the sessions of a user, by email address, username or ID."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: user_search.show(ctx, name=name)).sessions
    if as_json:
        tables.as_json([each._asdict() for each in found])
        return
    rows = [
        (
            str(each.id),
            each.ip,
            f"{each.created_at:%Y-%m-%d %H:%M}",
            f"{each.seen_at:%Y-%m-%d %H:%M}",
            each.user_agent,
        )
        for each in found
    ]
    tables.as_table(("ID", "IP", "SIGNED IN", "LAST SEEN", "BROWSER"), rows)


@sessions.command("end")
@click.argument("name")
@click.argument("session_id", type=click.UUID)
def end(name: str, session_id: UUID) -> None:
    """End one session of a user. SESSION_ID comes from the list."""
    with database() as deployment:
        ended = deployment.ask(
            lambda ctx: access.end_session(ctx, name=name, session_id=session_id),
        )
    if not ended:
        raise click.ClickException(f"{name} doesn't have this session.")
    click.echo("Session ended.")


@sessions.command("end-all")
@click.option("--yes", is_flag=True, help="Don't ask for confirmation.")
def end_all(*, yes: bool) -> None:
    """End all sessions of all users. For one user: users end-sessions."""
    if not yes:
        click.confirm("End all sessions of all users?", abort=True, err=True)
    with database() as deployment:
        ended = deployment.ask(access.end_sessions_of_everybody)
    click.echo(f"Sessions ended: {ended}.")
