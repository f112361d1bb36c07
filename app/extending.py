"""What a site's own package builds with. These names stay; everything else may move.

See docs/extending.md. A change here stands in CHANGELOG.md.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.context import Context
from app.http.access import accepts, anyone, may, sensitive
from app.http.context import context
from app.http.current_user import current_session, current_user
from app.http.marks import content_security_policy, factor
from app.http.resume import typed
from app.kit.audit import Event
from app.kit.errors import SiteRefusal
from app.kit.permissions import FIRST_OF_SITE as FIRST_PERMISSION
from app.kit.permissions import Permission
from app.kit.profile import ProfileField
from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.profile import of as profile_of
from app.models.role import Role
from app.models.user import User
from app.site import hook
from app.steps.recording import Happening
from app.web.fields import BaseForm, given
from app.web.forms import show, submits

__all__ = [
    "FIRST_PERMISSION",
    "Base",
    "BaseForm",
    "Context",
    "Event",
    "Happening",
    "Moment",
    "Now",
    "Permission",
    "ProfileField",
    "RandomId",
    "Role",
    "SiteRefusal",
    "User",
    "accepts",
    "anyone",
    "bound",
    "content_security_policy",
    "context",
    "current_session",
    "current_user",
    "factor",
    "given",
    "hook",
    "may",
    "profile_of",
    "run_script",
    "sensitive",
    "show",
    "submits",
    "typed",
]

R = TypeVar("R")


def run_script(script: Callable[[Context], Awaitable[R]]) -> R:
    """Run a script of the site's as the commands are: by the settings, in an operator's context."""
    from app.cli.shared import database  # noqa: PLC0415 - a server needs none of it

    with database() as deployment:
        return deployment.ask(script, seconds=None)
