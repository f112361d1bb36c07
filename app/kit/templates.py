"""Templates: a site's own come before ours, for pages and for emails alike."""

from pathlib import Path

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    meta,
    nodes,
)

FOLDER = Path(__file__).parents[2] / "templates"
OURS = "vestibule"  # the folder by which a template of the site's reaches ours of the same name


def loader(own: Path | None) -> BaseLoader:
    """Return what finds a template: ``vestibule/login.html`` is always ours."""
    ours = FileSystemLoader(FOLDER)
    first = [FileSystemLoader(own)] if own else []
    return ChoiceLoader([*first, ours, PrefixLoader({OURS: ours})])


def variables(environment: Environment, path: Path) -> set[str]:
    """Return what a template wants to be given: not what it makes or imports itself."""
    tree = environment.parse(path.read_text())
    made = {each.name for each in tree.find_all(nodes.Name) if each.ctx == "store"}
    made |= {each.name for each in tree.find_all(nodes.Macro)}
    made |= {each.target for each in tree.find_all(nodes.Import)}
    made |= {str(name) for each in tree.find_all(nodes.FromImport) for name in each.names}
    return meta.find_undeclared_variables(tree) - made - {*environment.globals}
