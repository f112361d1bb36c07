"""``python -m app registrations …``: who hasn't confirmed their address yet."""

from uuid import UUID

import click

from app.cli import tables
from app.cli.shared import database
from app.flows import registration


@click.group()
def registrations() -> None:
    """Manage pending registrations."""


@registrations.command("list")
@click.option("--email", default="", help="Only this email address.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_registrations(*, email: str, as_json: bool) -> None:
    """List pending registrations, newest first."""
    with database() as deployment:
        found = deployment.ask(lambda ctx: registration.waiting(ctx, email=email))
    if as_json:
        tables.as_json([each._asdict() for each in found])
        return
    rows = [
        (str(each.id), each.username, each.email, f"{each.created_at:%Y-%m-%d %H:%M}")
        for each in found
    ]
    tables.as_table(("ID", "USERNAME", "EMAIL", "REGISTERED"), rows)


@registrations.command("resend")
@click.argument("registration_id", type=click.UUID)
def resend(registration_id: UUID) -> None:
    """Resend the confirmation email. REGISTRATION_ID comes from the list."""
    with database() as deployment:
        deployment.ask(
            lambda ctx: registration.send_again(ctx, registration_id=registration_id),
        )
    click.echo("Confirmation email queued for sending.")
