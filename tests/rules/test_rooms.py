"""The house stays one that others can live in: short files, short pages, one name for one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

LONGEST_FILE = 300
LONGEST_PAGE = 20
MIDDLE_PAGE = 10
FILES = sorted(Path("app").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def pages() -> Iterator[tuple[str, int]]:
    """Yield each page's name and length, in lines."""
    for path in sorted(Path("app/web").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function) and any(map(is_route, node.decorator_list)):
                yield f"{path}: {node.name}", (node.end_lineno or 0) - node.lineno + 1


def is_route(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in {"get", "post", "route"}
    )


def test_no_file_is_too_long() -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in FILES}
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def test_a_page_reads_a_form_calls_a_flow_and_renders() -> None:
    lengths = dict(pages())
    assert len(lengths) > 50
    assert not {page: lines for page, lines in lengths.items() if lines > LONGEST_PAGE}
    assert median(lengths.values()) <= MIDDLE_PAGE


def test_no_name_of_a_class_stands_twice() -> None:
    found = defaultdict(list)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path))
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}
