"""What is taken along of the book."""

import pytest

from app.flows.audit_log import _inert


@pytest.mark.parametrize(
    ("cell", "inert"),
    [
        ("=1+1", "'=1+1"),
        ("-1", "'-1"),
        ("\t=1", "'\t'=1"),
        ("Mozilla;=HYPERLINK(1)", "Mozilla;'=HYPERLINK(1)"),
        ("a; @b\t+c", "a;' @b\t'+c"),
        ("Mozilla/5.0 (X11; Linux) a-b=c", "Mozilla/5.0 (X11; Linux) a-b=c"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula_wherever_a_spreadsheet_begins_it(cell: str, inert: str) -> None:
    assert _inert(cell) == inert
