"""Workers see how many connections each of them has."""

from app.kit.shares import Share, Shares


def test_who_has_more_than_another_is_ahead() -> None:
    shares = Shares(2)
    one, other = (Share(shares.fd, shares.take()) for _ in range(2))
    one.put(0)
    other.put(0)
    assert not one.is_ahead()
    one.put(1)
    assert one.is_ahead()
    assert not other.is_ahead()


def test_one_that_does_not_take_any_yet_or_is_gone_is_not_waited_for() -> None:
    shares = Shares(2)
    slot = shares.take()
    gone, one = Share(shares.fd, slot), Share(shares.fd, shares.take())
    one.put(5)
    assert not one.is_ahead()
    gone.put(0)
    assert one.is_ahead()
    shares.give_back(slot)
    assert not one.is_ahead()


def test_passwords_are_for_all_workers_together_and_one_more() -> None:
    shares = Shares(2)
    slot = shares.take()
    one, other = Share(shares.fd, slot), Share(shares.fd, shares.take())
    one.put_busy(2)
    assert other.is_spare(1)
    other.put_busy(1)
    assert not one.is_spare(1)
    assert not other.is_spare(1)
    shares.give_back(slot)
    assert other.is_spare(1)
