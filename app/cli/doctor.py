"""``python -m app doctor``: check a running deployment, and say what is wrong and how to fix it."""

import asyncio
import json
import os
import sys
from contextlib import suppress

import click
from sqlalchemy import URL

from app import config as settings
from app import embedded
from app.cli.shared import read_config, running_database
from app.config import Config, WrongSettings
from app.doctor import configuration, gate, inside, mail, outside
from app.doctor.findings import Finding, Level, is_well, wrong
from app.kit.addresses import normal_email
from app.kit.errors import WrongAddress
from app.words.refusals import sentence_for_operators

SIGNS = {Level.OK: ("✓", "ok", "green"), Level.WARNING: ("!", "!", "yellow"),
         Level.WRONG: ("✗", "WRONG", "red")}  # fmt: skip


@click.command("doctor")
@click.option("--to", help="Send a real email to this address.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, to: str | None, as_json: bool) -> None:
    """Check the running site from inside and outside, and say what to fix.

    The exit status is 0 if nothing is wrong. Warnings don't count.
    """
    if to is not None:
        try:
            to = normal_email(to, special=_special_domains())
        except WrongAddress as error:
            raise click.BadParameter(sentence_for_operators(error), param_hint="--to") from None
    findings = _examine(to)
    if as_json:
        told = [finding._asdict() for finding in findings]
        click.echo(json.dumps({"is_well": is_well(findings), "findings": told}, indent=2))
    else:
        for finding in findings:
            click.echo(_line(finding))
    sys.exit(0 if is_well(findings) else 1)


def _special_domains() -> tuple[str, ...]:
    """Return what the settings allow; wrong settings are a finding, not the end."""
    with suppress(WrongSettings):
        return settings.load().allowed_special_domains
    return ()


def _examine(to: str | None) -> list[Finding]:
    try:
        config = settings.load()
        url = running_database(config)
        config = read_config()
    except WrongSettings as error:
        return configuration.settings(error)
    except embedded.NoDatabase as error:
        return [*configuration.settings(None), wrong("site", str(error))]
    found = [
        *configuration.settings(None),
        configuration.keys(config, os.environ),
        configuration.passkeys(config),
        *configuration.plain_http(config),
        configuration.brand(config),
        configuration.secret_files(configuration.files_of(config, os.environ)),
    ]
    return found + asyncio.run(_look(config, url, to))


async def _look(config: Config, url: URL, to: str | None) -> list[Finding]:
    found, seen, sent, guarded = await asyncio.gather(
        inside.look(config, url),
        outside.look(config),
        mail.look(config, to),
        gate.look(config, url),
    )
    return [*found, sent, *seen, *guarded]


def _line(finding: Finding) -> str:
    sign, plain, colour = SIGNS[finding.level]
    try:
        sign.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        sign = f"{plain:5}"
    text = f"{sign} {finding.check}: {finding.says}"
    text = text.encode(sys.stdout.encoding or "ascii", "replace").decode(
        sys.stdout.encoding or "ascii"
    )
    return click.style(sign, fg=colour) + text.removeprefix(sign)
