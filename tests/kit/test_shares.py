"""Workers see how many connections each of them has."""

from app.kit.shares import Share, Shares


def test_who_has_more_than_another_is_ahead() -> None:
    shares = Shares()
    one, other = (Share(shares.fd, shares.take()) for _ in range(2))
    one.put(0)
    other.put(0)
    assert not one.is_ahead()
    one.put(1)
    assert one.is_ahead()
    assert not other.is_ahead()


def test_one_that_does_not_take_any_yet_or_is_gone_is_not_waited_for() -> None:
    shares = Shares()
    slot = shares.take()
    gone, one = Share(shares.fd, slot), Share(shares.fd, shares.take())
    one.put(5)
    assert not one.is_ahead()
    gone.put(0)
    assert one.is_ahead()
    shares.give_back(slot)
    assert not one.is_ahead()
