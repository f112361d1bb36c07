"""``python -m app factors …``: looking after what second factors are kept by."""

import click

from app.cli.shared import database
from app.flows import factor_keys


@click.group()
def factors() -> None:
    """Manage second factors."""


@factors.command("reseal")
def reseal() -> None:
    """Encrypt all authenticator secrets under the current SECRET_KEY.

    Run it after you changed the key, before you empty SECRET_KEY_FALLBACKS.
    """
    with database() as deployment:
        done = deployment.ask(factor_keys.reseal, seconds=None)
    click.echo(f"Authenticator secrets encrypted under the current key: {done.resealed}.")
    if done.unreadable:
        click.echo(f"Encrypted under an unknown key: {done.unreadable}.", err=True)
        raise SystemExit(1)
