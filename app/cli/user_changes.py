"""``python -m app users …``: another name, another address, and a note about a user."""

import click

from app.cli.shared import database
from app.flows import user_changes
from app.kit.addresses import is_username, normal_email
from app.kit.errors import WrongAddress
from app.words.refusals import USERNAME_RULE, sentence_for_operators


@click.command("set-username")
@click.argument("name")
@click.argument("username")
def set_username(name: str, username: str) -> None:
    """Change the username of a user. They're told by email."""
    if not is_username(username):
        raise click.BadParameter(USERNAME_RULE, param_hint="USERNAME")
    with database() as deployment:
        deployment.ask(lambda ctx: user_changes.set_username(ctx, name=name, username=username))
    click.echo(f"Username of {name} changed to {username}.")


@click.command("set-email")
@click.argument("name")
@click.argument("email")
def set_email(name: str, email: str) -> None:
    """Change the email address of a user.

    It changes once they use the link that's sent to the new one. Of somebody who was invited and
    has no password yet, it changes right away, and the invitation is sent there.
    """
    with database() as deployment:
        try:
            email = normal_email(email, special=deployment.config.allowed_special_domains)
        except WrongAddress as error:
            raise click.BadParameter(sentence_for_operators(error), param_hint="EMAIL") from None
        done = deployment.ask(lambda ctx: user_changes.set_email(ctx, name=name, email=email))
    click.echo(
        f"Address of {name} changed to {email}."
        if done
        else f"A link to confirm {email} is queued for sending."
    )


@click.command("note")
@click.argument("name")
@click.argument("words")
def note(name: str, words: str) -> None:
    """Write a note about a user, for administrators."""
    with database() as deployment:
        deployment.ask(lambda ctx: user_changes.add_note(ctx, name=name, words=words))
    click.echo("Note saved.")
