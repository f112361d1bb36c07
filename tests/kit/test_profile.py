"""Values of a site's own fields: what is taken, and in which form."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.kit.errors import Refusal
from app.kit.profile import Kind, ProfileField
from app.words.refusals import sentence


def field(**more: Any) -> ProfileField:
    return ProfileField(name="it", label="It", **more)


TAKEN = [
    ("text", "  Jo  ", "Jo"),
    ("text", "a\0b", "ab"),
    ("email", " Jo@Example.COM ", "Jo@example.com"),
    ("telephone", "+44 20 7946 0958", "+44 20 7946 0958"),
    ("telephone", "(030) 1234-56", "(030) 1234-56"),
    ("number", "12.50", "12.50"),
    ("number", "-3", "-3"),
    ("number", "١٢", "12"),
    ("checkbox", "true", "yes"),
    ("checkbox", "no", ""),
    ("date", "2026-11-26", "2026-11-26"),
    ("date", "20261126", "2026-11-26"),
]
REFUSED = [
    ("text", "x" * 501, "Use at most 500 characters."),
    ("email", "jo", "An email address must have an @-sign."),
    ("telephone", "five", "Enter a phone number like"),
    ("telephone", "123", "Enter a phone number like"),
    ("telephone", "1" * 21, "Enter a phone number like"),
    ("telephone", "٠٣٠١٢٣٤٥٦", "Enter a phone number like"),
    ("number", "many", "Enter a number."),
    ("number", "NaN", "Enter a number."),
    ("number", "Infinity", "Enter a number."),
    ("checkbox", "perhaps", "Use yes or no."),
    ("date", "26.11.2026", "Enter a date like"),
    ("date", "2026-02-30", "Enter a date like"),
    ("date", "0001-01-01", "Enter a date like"),
]


@pytest.mark.parametrize(("kind", "typed", "stored"), TAKEN)
def test_what_is_taken_has_one_form(kind: Kind, typed: str, stored: str) -> None:
    assert field(kind=kind).clean(typed) == stored


@pytest.mark.parametrize(("kind", "typed", "said"), REFUSED)
def test_what_is_refused_is_told_why(kind: Kind, typed: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        field(kind=kind).clean(typed)
    assert sentence(refused.value).startswith(said)
    assert refused.value.field == "it"


def test_a_choice_is_one_of_those_that_there_are() -> None:
    colour = field(kind="choice", choices={"r": "Red"})
    assert colour.clean("r") == "r"
    assert colour.shown("r") == "Red"
    with pytest.raises(Refusal, match="choice"):
        colour.clean("Red")


@pytest.mark.parametrize(("kind", "said"), [("text", "Fill this in."), ("checkbox", "Tick this")])
def test_what_is_required_must_be_there(kind: Kind, said: str) -> None:
    for typed in ("", "  ", "\u200b"):
        with pytest.raises(Refusal) as refused:
            field(kind=kind, required=True).clean(typed)
        assert sentence(refused.value).startswith(said)


def test_a_number_has_bounds() -> None:
    for typed, said in (("0", "Enter at least 1."), ("11", "Enter at most 10.")):
        with pytest.raises(Refusal) as refused:
            field(kind="number", least=1, most=10).clean(typed)
        assert sentence(refused.value) == said


def test_a_check_of_ones_own_has_its_own_words() -> None:
    def odd(value: str) -> None:
        if int(value) % 2 == 0:
            raise ValueError("Enter an odd number.")

    assert field(kind="number", check=odd).clean("3") == "3"
    with pytest.raises(Refusal) as refused:
        field(kind="number", check=odd).clean("4")
    assert sentence(refused.value) == "Enter an odd number."


def test_a_check_gets_what_the_kind_means() -> None:
    seen: list[object] = []
    for kind, typed in (("date", "2001-02-03"), ("number", "1.50"), ("checkbox", "on")):
        field(kind=kind, check=seen.append).clean(typed)
    field(check=seen.append).clean("words")
    assert seen == [date(2001, 2, 3), Decimal("1.5"), True, "words"]


def test_a_telephone_number_is_found_however_it_is_written() -> None:
    telephone = field(kind="telephone")
    assert (
        telephone.search_key("+44 (20) 79-46") == telephone.search_key("+44207946") == "+44207946"
    )
