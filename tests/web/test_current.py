"""Who sends a request, and what they may."""

from typing import Any

import pytest

from app.flows.lookup import CurrentSession
from app.http.current_user import CurrentUser
from app.kit.permissions import Permission


def somebody(permissions: Permission) -> CurrentUser:
    facts: dict[str, Any] = dict.fromkeys(CurrentSession._fields)
    user = CurrentUser("secret")
    user.session = CurrentSession(**facts | {"permissions": permissions})
    return user


@pytest.mark.parametrize("permission", list(Permission))
def test_nobody_may_anything(permission: Permission) -> None:
    for user in (CurrentUser(None), CurrentUser("secret")):
        assert not user.can(permission)
        assert not user.is_administrator()


@pytest.mark.parametrize("permission", list(Permission))
def test_a_person_may_what_the_role_has_and_no_more(permission: Permission) -> None:
    user = somebody(permission)
    assert [each for each in Permission if user.can(each)] == [permission]
    assert user.is_administrator() == (permission is Permission.ADMIN)


def test_of_several_permissions_all_are_needed() -> None:
    user = somebody(Permission.FOLLOW | Permission.WRITE)
    assert user.can(Permission.FOLLOW | Permission.WRITE)
    assert not user.can(Permission.FOLLOW | Permission.MODERATE)
