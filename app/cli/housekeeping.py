"""``python -m app housekeeping``: prune once, by hand or from cron."""

import asyncio

import click

from app.cli.shared import database
from app.context import Context
from app.flows.housekeeping import Pruned, count, prune
from app.runtime.cleaner import KEPT, REST_SECONDS


@click.command("housekeeping")
@click.option("--dry-run", is_flag=True, help="Only count.")
def housekeeping(*, dry_run: bool) -> None:
    """Delete expired rows, and users who asked to be deleted. The mailer does this too."""
    with database() as deployment:
        pruned = deployment.ask(count if dry_run else _prune)
    width = max(map(len, ["TABLE", *pruned.rows]))
    click.echo(f"{'TABLE':{width}}  {'TO DELETE' if dry_run else 'DELETED':>10}")
    for table, rows in pruned.rows.items():
        click.echo(f"{table:{width}}  {rows:>10,}")
    if pruned.keeps_administrator:
        click.echo(KEPT, err=True)
    for each in pruned.passed_over:
        click.echo(f"User {each} couldn't be deleted. See the log above.", err=True)
    if not pruned.is_whole:
        click.echo("Another process is already doing the rest.", err=True)


async def _prune(ctx: Context) -> Pruned:
    async def rest() -> bool:
        await asyncio.sleep(REST_SECONDS)
        return False

    pruned = Pruned()
    await prune(ctx, rest=rest, pruned=pruned)
    return pruned
