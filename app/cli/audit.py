"""``python -m app audit …``: the audit log."""

from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import wraps
from ipaddress import IPv4Network, IPv6Network, ip_network

import click

from app.cli import tables
from app.cli.shared import database
from app.context import Context
from app.flows import audit_log
from app.flows.audit_log import EVENTS, AuditLogFilter, ExportFormat
from app.words.audit_log import tell, what
from app.words.event_titles import GROUPS, events_of

FILTERS = (
    click.option(
        "--event",
        type=click.Choice([*GROUPS, *EVENTS]),
        metavar="EVENT",
        help=f"Only this event, or a group: {', '.join(GROUPS)}.",
    ),
    click.option("--user", default="", help="An email address, username or ID."),
    click.option("--network", help="An IP address or a network like 192.0.2.0/24."),
    click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="The first day (UTC)."),
    click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day (UTC)."),
)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose lines; it gets them as ``wanted``."""

    @wraps(command)
    def chosen(
        *,
        event: str | None,
        user: str,
        network: str | None,
        since: datetime | None,
        until: datetime | None,
        **others: str | bool,
    ) -> None:
        first = since.replace(tzinfo=UTC) if since else None
        wanted = AuditLogFilter(events_of(event), user, _network(network), first, _day_after(until))
        command(wanted=wanted, **others)

    for option in reversed(FILTERS):
        option(chosen)
    return chosen


@click.group()
def audit() -> None:
    """Read the audit log."""


@audit.command("list")
@filtered
@click.option("--before", default="", help="Continue where another list ended.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_lines(*, wanted: AuditLogFilter, before: str, as_json: bool) -> None:
    """List events, newest first, a page at a time."""
    with database() as deployment:
        page = deployment.ask(lambda ctx: audit_log.read(ctx, wanted, before=before))
    lines = [tell(line) for line in page.lines]
    if as_json:
        tables.as_json([line._asdict() for line in lines])
        return
    rows = [(f"{line.at:%Y-%m-%d %H:%M:%S}", line.ip or "", line.what) for line in lines]
    tables.as_table(("TIME", "IP", "EVENT"), rows)
    if page.next:
        click.echo(f"For more: --before {page.next}", err=True)


@audit.command("export")
@filtered
@click.option(
    "--format", "form", type=click.Choice([str(each) for each in ExportFormat]), default="jsonl"
)
def export(*, wanted: AuditLogFilter, form: str) -> None:
    """Print all events as JSON lines or CSV, newest first."""
    with database() as deployment:
        deployment.ask(lambda ctx: _export(ctx, wanted, ExportFormat(form)))


async def _export(ctx: Context, wanted: AuditLogFilter, form: ExportFormat) -> None:
    await audit_log.note_export(ctx, wanted, form=form)
    async with aclosing(audit_log.export(ctx, wanted, form=form, what=what)) as lines:
        async for some in lines:
            click.echo(some, nl=False)


def _network(text: str | None) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False) if text else None
    except ValueError:
        raise click.BadParameter(
            "Use an IP address like 192.0.2.7 or a network like 192.0.2.0/24.",
            param_hint="--network",
        ) from None


def _day_after(day: datetime | None) -> datetime | None:
    try:
        return day.replace(tzinfo=UTC) + timedelta(days=1) if day else None
    except OverflowError:
        raise click.BadParameter("This date is too late.", param_hint="--until") from None
