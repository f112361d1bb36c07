"""Pauses between tries: longer each time, never too long, for any number of tries."""

from app.runtime.children import pause_after


def test_a_child_that_lived_is_replaced_at_once() -> None:
    assert pause_after(0) == 0


def test_pauses_grow_up_to_a_bound() -> None:
    assert [pause_after(deaths) for deaths in (1, 2, 3, 4, 5, 6, 100_000)] == [
        0.5, 1, 2, 4, 5, 5, 5,
    ]  # fmt: skip
