"""The administrator's pages. Each is marked ``@may(Permission.ADMIN)`` and ``@sensitive``."""

from app.web.admin import (
    audit_log,
    groups,
    outbox,
    overview,
    registrations,
    sessions,
    sites,
    user,
    users,
)

PAGES = (
    overview.pages,
    users.pages,
    user.pages,
    registrations.pages,
    audit_log.pages,
    outbox.pages,
    sessions.pages,
    sites.pages,
    groups.pages,
)
