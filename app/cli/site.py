"""``python -m app site …``: a package of the owner's own."""

import re
from pathlib import Path
from typing import Any

import click

from app import config, schema, wiring
from app import site as sites
from app.cli.shared import database
from app.kit.permissions import OURS

SCAFFOLD = Path(__file__).parents[1] / "scaffold"
EXAMPLE = "mysite"


@click.group()
def site() -> None:
    """Build pages, profile fields and hooks of your own."""


@site.command("new")
@click.argument("name")
def new(name: str) -> None:
    """Write a package NAME into this folder: a page, a table, a field, a hook and their tests."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", name) or name in sites.TAKEN:
        raise click.BadParameter(f"“{name}” must be a new name of small letters, like mysite.")
    root = Path(name)
    if root.exists():
        raise click.UsageError(f"{name} already exists.")
    for source in sorted(SCAFFOLD.rglob("*.txt")):
        path = source.relative_to(SCAFFOLD).with_suffix("")
        target = root / str(path).replace(EXAMPLE, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        written = source.read_text().replace(EXAMPLE, name)
        target.write_text(written)
    (root / "static").mkdir()
    click.echo(f"Wrote {name}/. Start it with SITE={name} make run, and go on in {name}/README.md.")


@site.command("migration")
@click.argument("words")
def migration(words: str) -> None:
    """Write the migration that your models need, and describe it in WORDS.

    It compares SITE's models with the database. Read what it wrote, then run migrate.
    """
    from alembic import command  # noqa: PLC0415 - a server needs none of it

    with database() as deployment:
        own = deployment.site
        if own.root is None:
            raise click.UsageError("Set SITE to the name of your package first.")
        folder = own.root / "migrations"
        folder.mkdir(exist_ok=True)
        schema.migrate(deployment.url, own)
        prefix = f"{own.name}_"
        number = len(schema.Branch(folder, prefix).revisions) + 1
        written: list[str] = []

        def skip_if_empty(_context: object, _revision: object, directives: list[Any]) -> None:
            (script,) = directives
            if script.upgrade_ops.is_empty():
                directives.clear()
            else:
                written.append(script.rev_id)

        command.revision(
            schema.alembic_config(deployment.url, own),
            words,
            autogenerate=True,
            rev_id=f"{prefix}{number:04}",
            head=f"{own.name}@head" if number > 1 else "base",
            branch_label=None if number > 1 else own.name,
            version_path=str(folder),
            process_revision_directives=skip_if_empty,
        )
    if written:
        click.echo("Read it, then run: python -m app migrate")
    else:
        click.echo("Your models and the database agree: there is nothing to write.")


@site.command("show")
def show() -> None:
    """Show what SITE adds, and check it. Nothing is started."""
    settings = config.load()
    found = sites.load(settings.site)
    if found.root is None:
        raise click.UsageError("Set SITE to the name of your package first.")
    wiring.check(settings)
    own = [name for name in found.permissions if name not in OURS]
    hooks = [f"{hook.__name__} at {event}" for event, all_ in found.hooks.items() for hook in all_]
    for title, names in (
        ("Pages", [pages.name for pages in found.pages]),
        ("Permissions", own),
        ("Profile fields", [field.name for field in found.profile]),
        ("Hooks", hooks),
        (
            "Migrations",
            [each for branch in schema.branches(found)[1:] for each in branch.revisions],
        ),
    ):
        click.echo(f"{title}: {', '.join(names) or 'none'}")
