"""``python -m app registrations …``: who has not confirmed their address yet."""

from uuid import UUID

import click

from app.cli import tables
from app.cli.shared import database
from app.flows import registration


@click.group()
def registrations() -> None:
    """Look after people who wait to be confirmed."""


@registrations.command("list")
@click.option("--email", default="", help="Only those of this address.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_registrations(*, email: str, as_json: bool) -> None:
    """List who registered and has not confirmed the address, the newest first."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: registration.waiting(ctx, email=email))
    if as_json:
        tables.as_json([each._asdict() for each in found])
        return
    rows = [
        (str(each.id), each.username, each.email, f"{each.created_at:%Y-%m-%d %H:%M}")
        for each in found
    ]
    tables.as_table(("ID", "USER NAME", "ADDRESS", "REGISTERED"), rows)


@registrations.command("resend")
@click.argument("registration_id", type=click.UUID)
def resend(registration_id: UUID) -> None:
    """Send the email again; REGISTRATION_ID is as the list shows it."""
    with database() as deployment:
        deployment.ask(
            lambda ctx: registration.send_again(ctx, registration_id=registration_id),
        )
    click.echo("The email waits for the mailer.")
