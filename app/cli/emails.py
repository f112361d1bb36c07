"""``python -m app emails …``: waiting and failed emails."""

from uuid import UUID

import click

from app.cli import tables
from app.cli.shared import database
from app.flows import delivery


@click.group()
def emails() -> None:
    """Manage emails."""


@emails.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object.")
def list_emails(*, as_json: bool) -> None:
    """Show how many emails are waiting, and list the failed ones."""
    with database() as deployment:
        found = deployment.ask(delivery.state)
    if as_json:
        facts = {"waiting": found.waiting.count, "sent_last_day": found.sent_last_day}
        tables.as_json({**facts, "given_up": [each._asdict() for each in found.given_up]})
        return
    minutes = f"{found.waiting.oldest_seconds / 60:.0f} minutes"
    click.echo(f"Waiting: {found.waiting.count} (oldest: {minutes}).")
    click.echo(f"Sent in the last day: {found.sent_last_day}. Failed:")
    rows = [
        (str(each.id), each.recipient, each.subject, f"{each.gave_up_at:%Y-%m-%d %H:%M}",
         each.trouble)
        for each in found.given_up
    ]  # fmt: skip
    tables.as_table(("ID", "TO", "SUBJECT", "FAILED", "PROBLEM"), rows)


@emails.command("retry")
@click.argument("email_id", type=click.UUID)
def retry(email_id: UUID) -> None:
    """Retry a failed email. EMAIL_ID comes from the list."""
    with database() as deployment:
        deployment.ask(
            lambda ctx: delivery.retry(ctx, email_id=email_id),
        )
    click.echo("Email queued for sending again.")
