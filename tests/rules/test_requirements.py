"""Every code like TK-13 in the code leads somewhere: to its row, and to a test."""

import re

from tests.server import ROOT

CODE = re.compile(r"\b(?:(?:TK|EN|BF|PW|SE|CS|AZ|PX|IN|DB|FT|HD|LG|MF|PK|RM)-\d{2}|L\d{1,2})\b")
PAGE = ROOT / "docs/requirements.md"


def test_every_code_has_its_row() -> None:
    used = {
        code
        for folder in ("app", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for code in CODE.findall(path.read_text())
    }
    told = re.findall(r"^\| (\S+) \|", PAGE.read_text(), re.MULTILINE)
    assert used == {code for code in told if CODE.fullmatch(code)}


def test_every_row_leads_to_a_test() -> None:
    for row in re.findall(r"^\| [A-Z].*$", PAGE.read_text(), re.MULTILINE):
        links = re.findall(r"\]\(\.\./(\S+)\)", row)
        assert links, row
        for link in links:
            assert (ROOT / link).is_file(), row
