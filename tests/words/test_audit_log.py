"""The audit log in plain words."""

import pytest

from app.kit.audit import Event
from app.words.audit_log import describe, describe_to_owner
from app.words.events import SENTENCES


@pytest.mark.parametrize("event", list(Event))
def test_every_event_has_a_sentence(event: Event) -> None:
    assert event in SENTENCES
    for sentence in (
        describe(event, {}, actor="root", subject="alice"),
        describe_to_owner(event, {}),
    ):
        assert "{" not in sentence
        assert "." not in sentence


def test_an_unknown_event_is_told_by_its_name() -> None:
    assert describe("pet.fed_{actor}", {}, actor="root", subject="alice") == "pet: fed actor"


def test_braces_in_names_and_reasons_are_inert() -> None:
    told = describe(Event.BLOCKED, {"reason": "{actor}"}, actor="{subject}", subject="bob")
    assert told == "{subject} blocked bob ({actor})"


def test_a_user_name_is_written_as_it_is() -> None:
    assert describe(Event.SIGNED_IN, {}, actor="", subject="alice") == "alice signed in"
    told = describe(Event.UNBLOCKED, {}, actor="the command line", subject="alice")
    assert told == "The command line unblocked alice"


def test_the_reason_of_a_block_is_not_told_to_the_blocked() -> None:
    assert "hats" not in describe_to_owner(Event.BLOCKED, {"reason": "sells hats"})
