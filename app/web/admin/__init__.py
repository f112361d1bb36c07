"""The administrator's pages. Each is marked ``@may(Permission.ADMIN)`` and ``@sensitive``."""

from app.web.admin import history, outbox, overview, people, person, registrations, sessions

PAGES = (
    overview.pages,
    people.pages,
    person.pages,
    registrations.pages,
    history.pages,
    outbox.pages,
    sessions.pages,
)
