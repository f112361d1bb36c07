"""The templates of a site's own package, read before the start: what they name must be there."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateError, TemplateNotFound, nodes
from quart import Quart

from app.mail import rendering
from app.site import Site, WrongSite
from app.web import secret, styleguide

# Ours that a setting takes away: a template may ask for the setting before it links there.
OPTIONAL = {secret.pages.name, styleguide.pages.name}


def check(app: Quart, site: Site) -> None:
    """Read all templates of a site's.

    Raises:
        WrongSite: one cannot be read, names a template or a page that is not there, or an email
            wants to say what nobody tells it.
    """
    folder = site.folder("templates")
    if folder is None:
        return
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".html", ".txt"}:
            name = path.relative_to(folder).as_posix()
            is_email = name.startswith("mail/")
            environment = rendering.environment(folder) if is_email else app.jinja_env
            for line, sentence in _wrong(environment, path, name, pages=app.view_functions):
                raise WrongSite(f"SITE: {path}, line {line}: {sentence}")
            unknown = rendering.unknown_variables(name, folder) if is_email else set()
            if unknown:
                raise WrongSite(f"SITE: {path}: this email gets no “{unknown.pop()}”.")


def _wrong(
    environment: Environment, path: Path, name: str, *, pages: Collection[str]
) -> Iterator[tuple[int | None, str]]:
    """Yield what is wrong with a template, and in which line."""
    try:
        environment.get_template(name)
    except TemplateError as error:
        yield getattr(error, "lineno", None), str(error.message)
        return
    tree = environment.parse(path.read_text())
    for line, names in _named(tree):
        if not any(_is_there(environment, each) for each in names):
            yield line, f"there is no template “{names[0]}”."
    for line, page in _linked(tree):
        if page not in pages and page.partition(".")[0] not in OPTIONAL:
            yield line, f"url_for: there is no page “{page}”."


def _named(tree: nodes.Template) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the templates that one cannot do without, as far as their names stand in it.

    Of several in one place any will do.
    """
    kinds = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
    found: Iterator[Any] = tree.find_all(kinds)
    for node in found:
        if isinstance(node, nodes.Include) and node.ignore_missing:
            continue
        try:
            names = node.template.as_const()
        except nodes.Impossible:  # a variable says which
            continue
        yield node.lineno, [names] if isinstance(names, str) else names


def _linked(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Yield the pages to which a template links by name; ``.name`` is one of its own blueprint."""
    for call in tree.find_all(nodes.Call):
        is_link = isinstance(call.node, nodes.Name) and call.node.name == "url_for"
        page = call.args[0] if is_link and call.args else None
        if isinstance(page, nodes.Const) and not str(page.value).startswith("."):
            yield call.lineno, str(page.value)


def _is_there(environment: Environment, name: str) -> bool:
    if environment.loader is None:
        return False
    try:
        environment.loader.get_source(environment, name)
    except TemplateNotFound:
        return False
    return True
