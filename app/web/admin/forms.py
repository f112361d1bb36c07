"""The administrator's forms. None has a field for a password (PW-11)."""

from datetime import UTC, date, datetime, time, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from wtforms import DateField, EmailField, Field, Form, SelectField, StringField
from wtforms.validators import InputRequired, Optional, ValidationError

from app.flows.audit_log import EVENTS
from app.flows.audit_log import Filter as LinesFilter
from app.flows.user_search import Filter, State
from app.kit.addresses import EMAIL_LONGEST, USERNAME_RULE
from app.web.fields import BaseForm, address, as_meant, at_most, given, trimmed, username

REASON_LONGEST = 500
FIRST_YEAR, LAST_YEAR = 2000, 2099
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
            "Please enter an address like 192.0.2.7 or a network like 192.0.2.0/24."
        ) from None


def _day(_form: Form, field: Field) -> None:
    if field.data is not None and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
        raise ValidationError("Please enter a day of this century.")


def _printable(_form: Form, field: Field) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError("Please use letters, digits and punctuation only.")


class FindForm(BaseForm):
    """Look for people."""

    q = StringField(
        "Part of a name or an address",
        [Optional(), at_most(EMAIL_LONGEST, "This is too long."), _printable],
        [as_meant],
        description="With one or two letters: user names that begin with them.",
        render_kw=PLAIN | {"type": "search"},
    )
    state = SelectField(
        "State",
        choices=_choices(ANY, *State),
        default=ANY,
        filters=[_or_any],
    )
    role = SelectField("Role", default=ANY, filters=[_or_any])

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.role.choices = _choices(ANY, *roles)

    @property
    def wanted(self) -> Filter:
        """What is looked for."""
        state, role = _chosen(self.state), _chosen(self.role)
        return Filter(given(self.q), State(state) if state else None, role)


class WaitingForm(BaseForm):
    """Look for a registration."""

    email = StringField("Address", [], [as_meant], render_kw={"autocomplete": "off"})


class BlockForm(BaseForm):
    """Block a person."""

    reason = StringField(
        "Reason",
        [
            Optional(),
            at_most(REASON_LONGEST, f"At most {REASON_LONGEST} characters."),
            _printable,
        ],
        [trimmed],
        description="For administrators only. The person does not see it.",
        render_kw={"autocomplete": "off"},
    )


class RoleForm(BaseForm):
    """Give a person a role."""

    role = SelectField("Role")

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.role.choices = _choices(*roles)


class WordForm(BaseForm):
    """Type a word, so that nothing grave happens by a slip."""

    word = StringField(
        "The word",
        [InputRequired("Please type the word."), _printable],
        [as_meant],
        render_kw=PLAIN,
    )


class EraseForm(BaseForm):
    """Type the user name, so that nobody is deleted by a slip."""

    word = StringField(
        "User name",
        [InputRequired("Please type the user name."), _printable],
        [as_meant],
        render_kw=PLAIN,
    )


class InviteForm(BaseForm):
    """Make an account for somebody, who chooses the password."""

    email = EmailField(
        "Email address",
        [InputRequired("Please enter the email address."), address],
        [as_meant],
        description="The invitation goes there. Nobody else sees its link.",
        render_kw=PLAIN,
    )
    username = StringField(
        "User name",
        [InputRequired("Please enter a user name."), username],
        [as_meant],
        description=USERNAME_RULE,
        render_kw=PLAIN,
    )
    role = SelectField("Role")

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.role.choices = _choices(*roles)


class HistoryForm(BaseForm):
    """Look for lines of the book."""

    event = SelectField(
        "What",
        choices=_choices(ANY, *EVENTS),
        default=ANY,
        filters=[_or_any],
    )
    person = StringField(
        "Who",
        [Optional(), at_most(EMAIL_LONGEST, "This is too long."), _printable],
        [as_meant],
        description="User name, address or id.",
        render_kw=PLAIN,
    )
    network = StringField(
        "From where",
        [Optional(), _network],
        [as_meant],
        description="Address or network.",
        render_kw=PLAIN,
    )
    since = DateField(
        "From",
        [Optional(), _day],
        description="Days are those of UTC.",
        render_kw={"type": "date"},
    )
    until = DateField(
        "To", [Optional(), _day], description="That day too.", render_kw={"type": "date"}
    )

    @property
    def wanted(self) -> LinesFilter:
        """What is looked for."""
        until = _midnight(self.until.data)
        return LinesFilter(
            event=_chosen(self.event),
            person=given(self.person),
            network=_parsed(given(self.network)),
            since=_midnight(self.since.data),
            until=until + timedelta(days=1) if until else None,
        )


def _parsed(text: str) -> IPv4Network | IPv6Network | None:
    return ip_network(text, strict=False) if text else None


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
