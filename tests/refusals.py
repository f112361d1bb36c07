"""Every refusal that there is."""

from importlib import import_module
from pathlib import Path

from app.kit.errors import Refusal


def every_refusal() -> dict[str, type[Refusal]]:
    """Return the classes of refusals of all our files, by name."""
    for path in Path("app/kit").glob("*errors.py"):
        import_module(f"app.kit.{path.stem}")
    found, new = {"Refusal": Refusal}, [Refusal]
    while new:
        new = [kind for parent in new for kind in parent.__subclasses__()]
        found |= {kind.__name__: kind for kind in new if kind.__module__.startswith("app.")}
    return found
