"""Finding people by a part of a name or an address, in the order of their usernames.

No index knows both what a name contains and its place in the order. So the order is cut into
shelves, by the first letter, and ``ix_users_search`` has each person under tokens that begin with
the shelf: one for every four neighbouring emails, for each state and for the role. The database's
function ``search_tokens`` makes them for a row; here they are made for a question. One probe says
that nobody on a shelf can match, so those who do are found however far away they stand.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Row,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    collate,
    column,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import LateralFromClause

from app.models.user import SEARCH_TOKENS, UNUSUAL, User

SHORTEST_INNER_PART = 3  # shorter ones are looked for at the beginning of usernames only
NEIGHBOURS = 2_000
NEIGHBOURS_LOOKED_UP = 200
FEW = 1_000
LAST_EMAIL = "\U0010ffff"
LIKE_ESCAPE = "\\"
ASCII_DOMAIN = "xn--"  # what a domain with other letters has in its place (IDNA)

BEFORE_A, BEHIND_Z = ord("a") - 1, ord("z") + 1  # the shelves of all other letters
LAST_SHELF = BEHIND_Z - BEFORE_A
SHELF = 2**25  # how many tokens it has room for: three letters of 7 bits, and 4 bits of a fourth
MARKS = {state: number for number, state in enumerate((*UNUSUAL, "confirmed"), 1)}
ROLE_MARKS = 8, 2**20

KEY = collate(User.username_key, "C")
_TOKENS: ColumnElement[Any] = literal_column(SEARCH_TOKENS, ARRAY(Integer))


class Sought(NamedTuple):
    """Whom to find: a canonical part, and conditions with the tokens that stand for them."""

    part: str
    narrowed: Sequence[ColumnElement[bool]]
    marks: Sequence[int]


def role_mark(role_id: int) -> int:
    """Return the token of a role. Several may share one: tokens only say who is worth a look."""
    first, number = ROLE_MARKS
    return first + role_id % number


async def beginning(db: AsyncSession, sought: Sought, *, after: str, size: int) -> list[UUID]:
    """Return who comes next of those whose username begins with the part."""
    if not sought.part and len(sought.narrowed) > 1:  # for one there is an index in order
        return await _anywhere(db, sought, after=after, size=size)
    conditions = [literal(after) < KEY, *_begins(sought.part), *sought.narrowed]
    ids = select(User.id).where(*conditions).order_by(KEY)
    return list(await db.scalars(ids.limit(size)))


async def inside(db: AsyncSession, sought: Sought, *, after: str, size: int) -> list[UUID]:
    """Return who comes next of those who have the part elsewhere in a name or an address."""
    if len(sought.part) < SHORTEST_INNER_PART:
        return []
    found = await _anywhere(db, sought, after=after, size=size)
    if sought.part.isascii():
        return found
    by_domain = Sought(ASCII_DOMAIN, [*sought.narrowed, _written(sought.part)], sought.marks)
    found += await _anywhere(db, by_domain, after=after, size=size)
    in_order = select(User.id).where(User.id.in_(found)).order_by(KEY)
    return list(await db.scalars(in_order.limit(size)))


async def few(db: AsyncSession, sought: Sought, *, most: int) -> list[UUID] | None:
    """Return all who match, in no order; None if they are more than ``most``, or no token helps."""
    if len(sought.part) < SHORTEST_INNER_PART and not sought.marks:
        return None
    is_short = len(sought.part) < SHORTEST_INNER_PART
    narrowed = [*sought.narrowed, *(_begins(sought.part) if is_short else [])]
    part = "" if is_short else sought.part
    wanted = [Sought(part, narrowed, sought.marks)]
    if not part.isascii():
        wanted.append(Sought(ASCII_DOMAIN, [*narrowed, _written(part)], sought.marks))
    found: set[UUID] = set()
    for each in wanted:
        rows = await db.execute(_probe(each, 0, LAST_SHELF, most + 1))
        found.update(row.id for row in rows)
        if len(found) > most:
            return None
    return list(found)


def matches(sought: Sought) -> list[ColumnElement[bool]]:
    """Say that a user matches, for statements that go through users by another order."""
    part = sought.part
    if len(part) < SHORTEST_INNER_PART:
        return [*_begins(part), *sought.narrowed]
    contains = _contains(User.username_key, User.email_key, part)
    if not part.isascii():
        contains = [or_(*contains, _written(part))]
    return [*contains, *sought.narrowed]


def begins(part: str) -> ColumnElement[bool]:
    """Say that a username begins with a part."""
    return and_(true(), *_begins(part))


def _written(part: str) -> ColumnElement[bool]:
    """Say that an address has a part as people write it: the key has the domain in ASCII."""
    return func.lower(User.email).like(_pattern(part), escape=LIKE_ESCAPE)


async def _anywhere(db: AsyncSession, sought: Sought, *, after: str, size: int) -> list[UUID]:
    """Look at the next names: what many have is met there. Else go through the shelves."""
    behind = [literal(after) < KEY, *_elsewhere(sought.part)]
    most = NEIGHBOURS_LOOKED_UP if sought.narrowed else NEIGHBOURS
    found = await _in_order(db, sought, behind, size=size, most=most)
    if len(found) == size:
        return found
    found = []
    for first, last in _turns(sought.part, after):
        left = size - len(found)
        if left:
            rows = await db.execute(_probe(sought, first, last, max(FEW, left) + 1))
            found += await _on_shelves(db, sought, rows.all(), after=after, size=left)
    return found


def _turns(part: str, after: str) -> Iterator[tuple[int, int]]:
    """Yield the shelves from first to last, those alone on which not everybody is wanted."""
    first = 0
    if after:
        alone = _shelf_of(after)
        yield alone, alone
        first = alone + 1
    if part and _shelf_of(part) >= first:
        alone = _shelf_of(part)
        if alone > first:
            yield first, alone - 1
        yield alone, alone
        first = alone + 1
    if first <= LAST_SHELF:
        yield first, LAST_SHELF


async def _in_order(
    db: AsyncSession,
    sought: Sought,
    span: Sequence[ColumnElement[bool]],
    *,
    size: int,
    most: int | None = None,
) -> list[UUID]:
    """Go through the names of a span, or ``most`` of them: by the index alone.

    Only who matches by name is looked up for the other conditions, one by one.
    """
    columns = select(User.id, User.username_key, User.email_key).where(*span)
    names = columns.order_by(KEY).limit(most).subquery("names")
    statement = select(names.c.id).where(
        *_contains(names.c.username_key, names.c.email_key, sought.part)
    )
    statement = statement.where(*_fits(sought, names.c.id))
    statement = statement.order_by(collate(names.c.username_key, "C")).limit(size)
    return list(await db.scalars(statement))


async def _on_shelves(
    db: AsyncSession,
    sought: Sought,
    rows: Sequence[Row[int, UUID, str]],
    *,
    after: str,
    size: int,
) -> list[UUID]:
    """Return who comes next on some shelves. Of the last one too many may be found to know all.

    On that one the names are gone through in order.
    """
    full = rows[-1].shelf if len(rows) > max(FEW, size) else LAST_SHELF + 1
    known = sorted((row.username_key, row.id) for row in rows if row.shelf < full)
    found = [user_id for name, user_id in known if name > after and not _is_begun(name, sought)]
    if len(found) < size and full <= LAST_SHELF:
        span = [literal(after) < KEY, *_elsewhere(sought.part), *_on_shelf(full)]
        found += await _in_order(db, sought, span, size=size - len(found))
    return found[:size]


def _is_begun(name: str, sought: Sought) -> bool:
    return bool(sought.part) and name.startswith(sought.part)


def _probe(sought: Sought, first: int, last: int, most: int) -> Select[int, UUID, str]:
    """Select the first who match, shelf by shelf; within one in no order."""
    numbers = select(func.generate_series(first, last).column_valued("shelf"))
    shelves = numbers.order_by(column("shelf")).offset(0).subquery("shelves")
    shelf: ColumnElement[int] = shelves.c.shelf
    users = _matching(sought, shelf, most)
    joined = select(shelf, users.c.id, users.c.username_key).join(users, true())
    return joined.order_by(shelf).limit(most)


def _matching(sought: Sought, shelf: ColumnElement[int], most: int) -> LateralFromClause:
    all_of, any_of = _tokens_of(sought.part)
    wanted = [_TOKENS.op("&&")(_on(shelf, any_of))] if any_of else []
    if all_of or sought.marks:
        wanted.append(_TOKENS.op("@>")(_on(shelf, [*all_of, *sought.marks])))
    user = aliased(User, name="user")
    contains = _contains(user.username_key, user.email_key, sought.part)
    users = select(user.id, user.username_key).where(*wanted, *contains, *_fits(sought, user.id))
    return users.limit(most).lateral("people")


def _fits(sought: Sought, user_id: SQLColumnExpression[UUID]) -> list[ColumnElement[bool]]:
    """Say it in a way that no other index is used for: none is better than the one at work."""
    fits = select(true()).where(User.id == user_id, *sought.narrowed).correlate_except(User)
    return [fits.scalar_subquery()] if sought.narrowed else []


def _on(shelf: ColumnElement[int], tokens: Sequence[int]) -> ColumnElement[Any]:
    each = func.unnest(bindparam(None, tokens, ARRAY(Integer), unique=True)).column_valued("token")
    return func.array(select(shelf * SHELF + each).correlate(shelf.table).scalar_subquery())


def _tokens_of(part: str) -> tuple[list[int], list[int]]:
    """Return the tokens that all have who have a part, and those of which they have one.

    Of three letters alone the fourth may be any.
    """
    codes = [ord(character) % 2**7 for character in part]
    threes = [
        (one << 14) + (two << 7) + three
        for one, two, three in zip(codes, codes[1:], codes[2:], strict=False)
    ]
    if len(threes) == 1:
        return [], [threes[0] * 2**4 + fourth for fourth in range(2**4)]
    return [three * 2**4 + code % 2**4 for three, code in zip(threes, codes[3:], strict=False)], []


def _shelf_of(name: str) -> int:
    return min(max(ord(name[0]), BEFORE_A), BEHIND_Z) - BEFORE_A


def _on_shelf(shelf: int) -> list[ColumnElement[bool]]:
    first = [literal(chr(BEFORE_A + shelf)) <= KEY] if shelf else []
    return first + ([literal(chr(BEFORE_A + shelf + 1)) > KEY] if shelf < LAST_SHELF else [])


def _begins(part: str) -> list[ColumnElement[bool]]:
    """Say that a username begins with a part, as a range of the index."""
    return [literal(part) <= KEY, literal(part + LAST_EMAIL) > KEY] if part else []


def _elsewhere(part: str) -> list[ColumnElement[bool]]:
    return [not_(and_(*_begins(part)))] if part else []


def _contains(
    username_key: SQLColumnExpression[str], email_key: SQLColumnExpression[str], part: str
) -> list[ColumnElement[bool]]:
    keys = (username_key, email_key)
    likes = [key.like(_pattern(part), escape=LIKE_ESCAPE) for key in keys]
    return [or_(*likes)] if part else []


def _pattern(part: str) -> str:
    for sign in (LIKE_ESCAPE, "%", "_"):
        part = part.replace(sign, LIKE_ESCAPE + sign)
    return f"%{part}%"
