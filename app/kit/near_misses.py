"""Names that are nearly one that is known: what one slip of the fingers makes of it."""

from collections.abc import Collection, Iterable, Iterator

SHORTEST = 5


def near_misses(names: Iterable[str], known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the names that are not known, but nearly are, each with the one that may be meant."""
    for name in sorted(names):
        if name in known or len(name) < SHORTEST:
            continue
        meant = next((each for each in sorted(known) if is_near(name, each)), None)
        if meant is not None:
            yield name, meant


def is_near(one: str, other: str) -> bool:
    """Whether one slip of the fingers makes one of two words the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    same = next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
    rest, others = one[same:], other[same:]
    is_turned = rest[:2] == others[:2][::-1] and rest[2:] == others[2:]
    return rest[1:] == others[1:] or rest[1:] == others or rest == others[1:] or is_turned
