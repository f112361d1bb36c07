"""``python -m app emails …``: emails on their way, and those that did not get through."""

from uuid import UUID

import click

from app.cli import tables
from app.cli.shared import database
from app.flows import delivery


@click.group()
def emails() -> None:
    """Look after emails."""


@emails.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an object.")
def list_emails(*, as_json: bool) -> None:
    """Say how many emails wait, and list those that were given up."""
    with database() as deployment:
        found = deployment.ask(delivery.state)
    if as_json:
        facts = {"waiting": found.waiting.count, "sent_last_day": found.sent_last_day}
        tables.as_json({**facts, "given_up": [each._asdict() for each in found.given_up]})
        return
    minutes = f"{found.waiting.oldest_seconds / 60:.0f} minutes"
    click.echo(f"Waiting: {found.waiting.count}, the oldest for {minutes}.")
    click.echo(f"Sent in the last day: {found.sent_last_day}. Given up:")
    rows = [
        (str(each.id), each.recipient, each.subject, f"{each.gave_up_at:%Y-%m-%d %H:%M}",
         each.trouble)
        for each in found.given_up
    ]  # fmt: skip
    tables.as_table(("ID", "TO", "SUBJECT", "GIVEN UP", "TROUBLE"), rows)


@emails.command("retry")
@click.argument("email_id", type=click.UUID)
def retry(email_id: UUID) -> None:
    """Let an email wait again that was given up; EMAIL_ID is as the list shows it."""
    with database() as deployment:
        deployment.ask(
            lambda ctx: delivery.retry(ctx, email_id=email_id),
        )
    click.echo("The email waits for the mailer again.")
