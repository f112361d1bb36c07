"""The administrator's pages. Each is marked ``@may(Permission.ADMIN)`` and ``@sensitive``."""

from app.web.admin import (
    audit_log,
    bulk,
    groups,
    invite,
    outbox,
    overview,
    registrations,
    roles,
    sessions,
    settings,
    sites,
    user,
    users,
)

PAGES = (
    overview.pages,
    users.pages,
    bulk.pages,
    invite.pages,
    user.pages,
    roles.pages,
    registrations.pages,
    audit_log.pages,
    outbox.pages,
    sessions.pages,
    sites.pages,
    groups.pages,
    settings.pages,
)
