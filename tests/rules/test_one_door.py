"""One step starts sessions, whatever one signs in by: it asks for the second factor (MF-04)."""

import ast
from pathlib import Path

from tests.server import ROOT

DOOR = Path("app/steps/session_start.py")


def calls(path: Path) -> list[str]:
    """Return what a file calls, as it writes it."""
    tree = ast.parse((ROOT / path).read_text())
    return [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def imported(path: Path, module: str) -> set[str]:
    """Return by which names a file knows a module of ``app.models``."""
    tree = ast.parse((ROOT / path).read_text())
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "app.models"
        for alias in node.names
        if alias.name == module
    }


def test_nothing_else_starts_a_session() -> None:
    for found in sorted((ROOT / "app").rglob("*.py")):
        path = found.relative_to(ROOT)
        starts = {f"{name}.start" for name in imported(path, "session")} & set(calls(path))
        assert bool(starts) == (path == DOOR), path


def test_the_table_of_sessions_is_written_in_one_file() -> None:
    writing = {
        found.relative_to(ROOT)
        for found in (ROOT / "app").rglob("*.py")
        if "insert(LoginSession)" in found.read_text()
        or "INSERT INTO login_sessions" in found.read_text()
    }
    assert {path.parts[:2] for path in writing} == {("app", "models")}
    assert len(writing) == 1


def test_only_a_password_is_worth_less_than_a_factor() -> None:
    """Who calls the door with anything else has checked a factor: two flows, by name."""
    callers = {
        found.relative_to(ROOT).as_posix()
        for found in (ROOT / "app").rglob("*.py")
        if "session_start.start" in calls(found.relative_to(ROOT))
    }
    assert callers == {
        "app/flows/confirmation.py",  # by the password that somebody registered with
        "app/flows/login.py",
        "app/flows/factor_login.py",
        "app/flows/passkey_login.py",
    }
