"""The administrator's forms. None has a field for a password (PW-11)."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from wtforms import DateField, EmailField, Field, Form, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import InputRequired, Optional, ValidationError

from app.flows.audit_log import EVENTS, ExportFormat
from app.flows.audit_log import AuditLogFilter as LinesFilter
from app.flows.user_search import UserFilter, UserState
from app.kit.addresses import EMAIL_LONGEST
from app.kit.profile import ProfileField
from app.web.fields import BaseForm, address, as_meant, at_most, given, trimmed, username
from app.words.refusals import USERNAME_RULE

REASON_LONGEST = 500
FIRST_YEAR, LAST_YEAR = 2000, 2099
EVERYBODY = "everybody"
ANY = "(any)"  # no role has such a name
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


def _choices(*values: str) -> Any:  # noqa: ANN401 - stubs know tuples only, wtforms drops them
    return [str(value) for value in values]


def _or_any(text: str | None) -> str:
    return text or ANY


def _chosen(field: SelectField) -> str | None:
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


def _day(_form: Form, field: Field) -> None:
    if field.data is not None and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
        raise ValidationError("Enter a date between 2000 and 2099.")


def _printable(_form: Form, field: Field) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError("Use letters, digits and punctuation only.")


class FactorResetForm(BaseForm):
    """Remove a user's second factors."""

    factor_reason = StringField(
        "Reason",
        [
            InputRequired("Say how you know that it's them."),
            at_most(REASON_LONGEST, "Use at most 500 characters."),
            _printable,
        ],
        [trimmed],
        description="How you know that it's them. Only administrators can see it.",
        render_kw={"autocomplete": "off"},
    )


class SearchForm(BaseForm):
    """Look for people."""

    q = StringField(
        "Username or email",
        [Optional(), at_most(EMAIL_LONGEST, "That's too long."), _printable],
        [as_meant],
        description="Part of it is enough. One or two letters find usernames that start with them.",
        render_kw=PLAIN | {"type": "search"},
    )
    state = SelectField(
        "State",
        choices=_choices(ANY, *UserState),
        default=ANY,
        filters=[_or_any],
    )
    role = SelectField("Role", default=ANY, filters=[_or_any])
    field = SelectField("Search in", default=ANY, filters=[_or_any])

    def offer(self, roles: list[str], fields: Iterable[ProfileField] = ()) -> None:
        """Let the administrator choose among the roles and the searchable fields that there are."""
        self.role.choices = _choices(ANY, *roles)
        searched = [SelectChoice(each.name, each.label) for each in fields if each.searchable]
        self.field.choices = [SelectChoice(ANY, "Usernames and addresses"), *searched]

    @property
    def wanted(self) -> UserFilter:
        """What is looked for."""
        state, role, field = _chosen(self.state), _chosen(self.role), _chosen(self.field)
        return UserFilter(given(self.q), UserState(state) if state else None, role, field)


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
            _printable,
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
        self.role.choices = _choices(*roles)


def _everybody(_form: Form, field: Field) -> None:
    if field.data != EVERYBODY:
        raise ValidationError(f"Type the word {EVERYBODY}.")


class EverybodyForm(BaseForm):
    """Type a word, so that nothing grave happens by a slip."""

    word = StringField(
        "Word", [InputRequired("Type the word."), _everybody], [as_meant], render_kw=PLAIN
    )


class DeleteUserForm(BaseForm):
    """Type the username, so that nobody is deleted by a slip."""

    word = StringField(
        "Username",
        [InputRequired("Type the username."), _printable],
        [as_meant],
        render_kw=PLAIN,
    )


class InviteForm(BaseForm):
    """Make an account for somebody, who chooses the password."""

    email = EmailField(
        "Email address",
        [InputRequired("Enter an email address."), address],
        [as_meant],
        description="The invitation is sent there. Nobody else sees the link.",
        render_kw=PLAIN,
    )
    username = StringField(
        "Username",
        [InputRequired("Enter a username."), username],
        [as_meant],
        description=USERNAME_RULE,
        render_kw=PLAIN,
    )
    role = SelectField("Role", validate_choice=False)  # the flow knows which there are

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.role.choices = _choices(*roles)


class AuditLogForm(BaseForm):
    """Look for lines of the book."""

    event = SelectField(
        "Event",
        choices=_choices(ANY, *EVENTS),
        default=ANY,
        filters=[_or_any],
    )
    user = StringField(
        "User",
        [Optional(), at_most(EMAIL_LONGEST, "That's too long."), _printable],
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
        "From date",
        [Optional(), _day],
        description="In UTC.",
        render_kw={"type": "date"},
    )
    until = DateField(
        "To date", [Optional(), _day], description="Including this day.", render_kw={"type": "date"}
    )

    @property
    def wanted(self) -> LinesFilter:
        """What is looked for."""
        until = _midnight(self.until.data)
        return LinesFilter(
            event=_chosen(self.event),
            user=given(self.user),
            network=_parsed(given(self.network)),
            since=_midnight(self.since.data),
            until=until + timedelta(days=1) if until else None,
        )


class ExportForm(AuditLogForm):
    """Take what the filter shows as a file."""

    format = SelectField("Format", choices=_choices(*ExportFormat))


def _parsed(text: str) -> IPv4Network | IPv6Network | None:
    return ip_network(text, strict=False) if text else None


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
