"""The administrator's forms. None has a field for a password (PW-11)."""

from datetime import UTC, date, datetime, time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from wtforms import DateField, Field, Form, IntegerField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from app.flows.audit_log import AuditLogFilter as LinesFilter
from app.flows.audit_log import ExportFormat
from app.kit.addresses import EMAIL_LONGEST
from app.web.fields import BaseForm, as_meant, at_most, given, trimmed
from app.words.event_titles import GROUPS, events_of

REASON_LONGEST = 500
FIRST_YEAR, LAST_YEAR = 2000, 2099
EVERYBODY = "everybody"
ANY = "(any)"  # no role has such a name
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


def plain_choices(*values: str) -> Any:  # noqa: ANN401 - stubs know tuples only
    """Return choices that are called what they are."""
    return [str(value) for value in values]


def or_any(text: str | None) -> str:
    """Filter a choice: nothing means any."""
    return text or ANY


def chosen(field: SelectField) -> str | None:
    """Return what was chosen, None for any."""
    chosen: str = field.data
    return None if chosen == ANY else chosen


def asked(form: BaseForm) -> dict[str, str]:
    """Return what a filter says, for a link to its next page."""
    fields = form._fields.items()
    return {name: str(field.data) for name, field in fields if field.data not in {None, "", ANY}}


def _network(_form: Form, field: Field) -> None:
    try:
        ip_network(field.data, strict=False)
    except ValueError:
        raise ValidationError(
            "Enter an IP address like 192.0.2.7 or a network like 192.0.2.0/24."
        ) from None


def within_years(_form: Form, field: Field) -> None:
    """Check that a date is one that somebody may mean."""
    if field.data is not None and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
        raise ValidationError("Enter a date between 2000 and 2099.")


def printable(_form: Form, field: Field) -> None:
    """Check that a text has no control characters."""
    if not (field.data or "").isprintable():
        raise ValidationError("Use letters, digits and punctuation only.")


class FactorResetForm(BaseForm):
    """Remove a user's second factors."""

    factor_reason = StringField(
        "Reason",
        [
            InputRequired("Say how you know that it's them."),
            at_most(REASON_LONGEST, "Use at most 500 characters."),
            printable,
        ],
        [trimmed],
        description="How you know that it's them. Only administrators can see it.",
        render_kw={"autocomplete": "off"},
    )


class PendingForm(BaseForm):
    """Look for a registration."""

    email = StringField("Address", [], [as_meant], render_kw={"autocomplete": "off"})


class BlockForm(BaseForm):
    """Block a user."""

    reason = StringField(
        "Reason",
        [
            Optional(),
            at_most(REASON_LONGEST, f"At most {REASON_LONGEST} characters."),
            printable,
        ],
        [trimmed],
        description="For administrators only. The user doesn't see it.",
        render_kw={"autocomplete": "off"},
    )


class RoleForm(BaseForm):
    """Give a user a role."""

    role = SelectField("Role", validate_choice=False)  # the flow knows which there are

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.role.choices = plain_choices(*roles)


def _everybody(_form: Form, field: Field) -> None:
    if field.data != EVERYBODY:
        raise ValidationError(f"Type the word {EVERYBODY}.")


class EverybodyForm(BaseForm):
    """Type a word, so that nothing grave happens by a slip."""

    word = StringField(
        "Word", [InputRequired("Type the word."), _everybody], [as_meant], render_kw=PLAIN
    )


class DeleteUserForm(BaseForm):
    """Type what a user is called, so that nobody is deleted by a slip."""

    word = StringField(
        "Name",
        [InputRequired("Type their name."), printable],
        [as_meant],
        render_kw=PLAIN,
    )


def _events() -> Any:  # noqa: ANN401 - stubs know tuples only
    found = [SelectChoice(ANY, "Any")]
    for name, group in GROUPS.items():
        found.append(SelectChoice(name, f"All: {group.title.lower()}", optgroup=group.title))
        found += [
            SelectChoice(str(event), title, optgroup=group.title)
            for event, title in group.events.items()
        ]
    return found


def _of_day(form: Form, _field: Field) -> None:
    """Check that it is said of which day an hour is."""
    if form["since"].data is None or form["since"].data != form["until"].data:
        raise ValidationError("Choose the day of this hour.")


class AuditLogForm(BaseForm):
    """Look for lines of the book."""

    event = SelectField(
        "Event",
        choices=_events(),
        default=ANY,
        filters=[or_any],
    )
    user = StringField(
        "User",
        [Optional(), at_most(EMAIL_LONGEST, "That's too long."), printable],
        [as_meant],
        description="Username, email or ID.",
        render_kw=PLAIN,
    )
    network = StringField(
        "IP address",
        [Optional(), _network],
        [as_meant],
        description="Address or network.",
        render_kw=PLAIN,
    )
    since = DateField(
        "First day",
        [Optional(), within_years],
        description="In UTC.",
        render_kw={"type": "date"},
    )
    until = DateField(
        "Last day",
        [Optional(), within_years],
        description="Including this day.",
        render_kw={"type": "date"},
    )
    hour = IntegerField("Hour", [Optional(), NumberRange(0, 23, "There's no such hour."), _of_day])

    @property
    def wanted(self) -> LinesFilter:
        """What is looked for."""
        until = midnight(self.until.data)
        return LinesFilter(
            events=events_of(chosen(self.event)),
            user=given(self.user),
            network=_parsed(given(self.network)),
            since=midnight(self.since.data),
            until=until + timedelta(days=1) if until else None,
            hour=self.hour.data,
        )


class ExportForm(AuditLogForm):
    """Take what the filter shows as a file."""

    format = SelectField("Format", choices=plain_choices(*ExportFormat))


def _parsed(text: str) -> IPv4Network | IPv6Network | None:
    return ip_network(text, strict=False) if text else None


def midnight(day: date | None) -> datetime | None:
    """Return the beginning of a day in UTC."""
    return datetime.combine(day, time(), UTC) if day else None
