"""Every refusal has a code and a status; every one that is raised has a sentence, and all it names.

They are found in the program's text, so that none is forgotten that no test runs into.
"""

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from app.config import Config
from app.kit.errors import Refusal, SiteRefusal, TryLater
from app.transfer.rows import OTHERS
from app.words.refusals import FOR_OPERATORS, SENTENCES
from tests.refusals import every_refusal

APP = Path("app")
KINDS = every_refusal()
# Reasons that are no literals where they are raised.
CHOSEN = {
    ("RegistrationClosed", "config.registration"): ["invitation", "closed"],
    ("WrongSiteField", "reason"): ["origin", "plain"],
    ("CannotRead", "other"): ["excel", "json", "json_list", "postgresql_dump", "sql", "sqlite"],
}
WITHOUT_A_PERIOD = {
    "cannot_read.database_says": "what another program says",
    "cannot_read.doubtful_columns": "ends with an option to copy",
    "cannot_read.json_list": "ends with a command to copy",
    "site_refusal": "what the site says",
    "wrong_address.malformed": "what the library says",
    "wrong_address.no_domain": "a part of a line about a setting",
    "wrong_profile.own": "what the site says",
}


class Raised(NamedTuple):
    """A refusal that is made somewhere, and the names of its values."""

    where: str
    key: str
    values: frozenset[str]


def refusals() -> Iterator[Raised]:
    for path in sorted(APP.rglob("*.py")):
        tree = ast.parse(path.read_text())
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        for node in ast.walk(tree):
            where = f"{path}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Raise) and _kind(node.exc) and id(node.exc) not in called:
                yield from _made(where, str(_kind(node.exc)), [], [])
            if isinstance(node, ast.Call) and _kind(node.func):
                yield from _made(where, str(_kind(node.func)), node.args, node.keywords)


def _kind(node: ast.expr | None) -> str | None:
    return node.id if isinstance(node, ast.Name) and node.id in KINDS else None


def _made(
    where: str, name: str, args: list[ast.expr], keywords: list[ast.keyword]
) -> Iterator[Raised]:
    kind = KINDS[name]
    if issubclass(kind, TryLater):
        yield Raised(where, kind.code, frozenset({"wait"}))
        return
    values = frozenset(str(each.arg) for each in keywords if each.arg != "field")
    for reason in _reasons(where, name, args):
        yield Raised(where, f"{kind.code}.{reason}" if reason else kind.code, values)


def _reasons(where: str, name: str, args: list[ast.expr]) -> list[str]:
    if not args:
        return [""]
    assert len(args) == 1, where
    reason = args[0]
    either = [reason.body, reason.orelse] if isinstance(reason, ast.IfExp) else [reason]
    if all(isinstance(each, ast.Constant) for each in either):
        return [ast.literal_eval(each) for each in either]
    return CHOSEN[name, ast.unparse(reason)]


def names_in(sentence: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


RAISED = list(refusals())


def test_every_refusal_has_a_code_of_its_own_and_a_status() -> None:
    concrete = [kind for kind in KINDS.values() if kind not in {Refusal, TryLater}]
    assert len({kind.code for kind in concrete}) == len(concrete) > 25
    for kind in concrete:
        assert 400 <= kind.status < 600
        assert kind.__doc__


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: f"{raised.where} {raised.key}")
def test_every_refusal_that_is_raised_has_a_sentence_and_all_it_names(raised: Raised) -> None:
    assert names_in(SENTENCES[raised.key]) == raised.values
    assert names_in(FOR_OPERATORS.get(raised.key, "")) <= raised.values


def test_no_sentence_is_without_a_refusal() -> None:
    of_sites = {SiteRefusal.code}  # only a site's own package raises it
    assert set(SENTENCES) == {raised.key for raised in RAISED} | of_sites
    assert set(FOR_OPERATORS) <= set(SENTENCES)


def test_all_reasons_that_are_chosen_are_known() -> None:
    modes: Any = Config.model_fields["registration"].annotation
    assert set(CHOSEN["RegistrationClosed", "config.registration"]) == {*modes.__args__} - {"open"}
    assert set(CHOSEN["CannotRead", "other"]) == set(OTHERS.values())


@pytest.mark.parametrize("key", sorted(SENTENCES))
def test_a_sentence_begins_with_a_capital_and_ends_with_a_period(key: str) -> None:
    sentence = SENTENCES[key]
    assert sentence[0].isupper() or sentence[0] in "{“"
    if key not in WITHOUT_A_PERIOD:
        assert sentence.endswith((".", ".{found}"))
