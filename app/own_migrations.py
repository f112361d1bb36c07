"""The migrations of a site's own package: one line of them, and what of its tables they lack."""

import ast
import re
import sys
import traceback
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from app.db_errors import is_away
from app.site import Site, WrongSite


class _File(NamedTuple):
    """A migration's file, and what it says of itself."""

    path: str
    revision: str
    follows: object


def check(site: Site) -> None:
    """Check that a site's migrations are one line, in the order of their numbers.

    Raises:
        WrongSite: with one sentence that names the file.
    """
    folder = site.folder("migrations")
    found = sorted(_read(site, path) for path in folder.glob("*.py")) if folder else []
    before: _File | None = None
    for each in [file for file in found if file.revision]:
        if before is not None and each.revision == before.revision:
            raise WrongSite(
                f"{before.path} and {each.path} are both {each.revision}. Give one the next number."
            )
        wanted = before.revision if before else None
        if each.follows != wanted:
            raise WrongSite(f"{each.path}: its down_revision must be {wanted!r}.")
        before = each


def broken(site: Site, error: Exception) -> WrongSite | None:
    """Return what is wrong with a site's migration that failed; None if it was none of its own."""
    folder = site.folder("migrations")
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if folder and Path(each.filename).parent == folder]
    if not own or is_away(error):
        return None
    driver = error.orig if isinstance(error, DBAPIError) else None
    words = str((driver and driver.__cause__) or driver or error).partition("\n")[0]
    shown = f"{site.name}/migrations/{Path(own[-1].filename).name}, line {own[-1].lineno}"
    return WrongSite(f"SITE: {shown}: {type(error).__name__}: {words}")


def unmigrated(connection: Connection, site: Site) -> str | None:
    """Return what of a site's models the database lacks, as a sentence; None if it is all there."""
    models = _models(site)
    if not models:
        return None
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - a server needs none of it
    from alembic.migration import MigrationContext  # noqa: PLC0415 - likewise

    own = {model.__tablename__ for model in models}

    def is_own(item: Any, name: str | None, kind: str, *_: object) -> bool:  # noqa: ANN401
        return (name if kind == "table" else item.table.name) in own

    options = {"compare_type": True, "include_object": is_own}
    context = MigrationContext.configure(connection, opts=options)
    found = compare_metadata(context, models[0].metadata)
    if not found:
        return None
    return (
        f"{site.name}/models.py: {_named(found[0])} has no migration. Write one: "
        f'SITE={site.name} python -m app site migration "What changes"'
    )


def _models(site: Site) -> list[type[DeclarativeBase]]:
    """Return the models in the modules of a site's package."""
    own = [module for name, module in sys.modules.items() if name.partition(".")[0] == site.name]
    return [
        each
        for module in own
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, DeclarativeBase)
        and each.__module__ == module.__name__
    ]


def _read(site: Site, path: Path) -> _File:
    """Read what a migration says of itself; of ``__init__.py`` nothing."""
    shown = f"{site.name}/migrations/{path.name}"
    if path.name == "__init__.py":
        return _File(shown, "", None)
    try:
        said = dict(filter(None, map(_assigned, ast.parse(path.read_text()).body)))
    except SyntaxError as error:
        raise WrongSite(f"SITE: {shown}, line {error.lineno}: {error.msg}") from error
    named = re.fullmatch(rf"({site.name}_[0-9]{{4}})_\w+\.py", path.name)
    if named is None:
        raise WrongSite(f"{shown}: give it a name like {site.name}_0002_words.py.")
    if said.get("revision") != named[1]:
        raise WrongSite(f"{shown}: its revision must be {named[1]!r}, as in its name.")
    return _File(shown, named[1], said.get("down_revision"))


def _assigned(statement: ast.stmt) -> tuple[str, object] | None:
    """Return a name of the module and its value, if that can be read as it stands."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    else:
        return None
    if not isinstance(target, ast.Name) or statement.value is None:
        return None
    try:
        return target.id, ast.literal_eval(statement.value)
    except ValueError:
        return None


def _named(difference: Any) -> str:  # noqa: ANN401 - alembic nests lists and tuples
    """Name what differs: a table, a column, or what else of a table."""
    while isinstance(difference, list):
        difference = difference[0]
    kind, *rest = difference
    if kind.endswith("_table"):
        return f"the table {rest[0].name}"
    if kind in {"add_column", "remove_column"}:
        return f"the column {rest[1]}.{rest[2].name}"
    if kind.startswith("modify_"):
        return f"the column {rest[1]}.{rest[2]}"
    return f"an index or a constraint of {rest[0].table.name}"
