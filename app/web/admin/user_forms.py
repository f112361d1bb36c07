"""The forms of the list of users, of what is done to many of them, and of inviting."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    Field,
    Form,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError

from app.flows.bulk import Deed
from app.flows.user_search import Order, UserFilter, UserState
from app.kit.addresses import EMAIL_LONGEST
from app.kit.profile import ProfileField
from app.web.admin.forms import (
    ANY,
    PLAIN,
    REASON_LONGEST,
    chosen,
    midnight,
    or_any,
    plain_choices,
    printable,
    within_years,
)
from app.web.fields import (
    BaseForm,
    address,
    as_meant,
    at_most,
    given,
    new_username,
    trimmed,
    username,
)
from app.words.refusals import USERNAME_RULE

MOST_PASTED = 20_000  # characters
NOTE_LONGEST = 2_000
NEVER = "never"
WITH, WITHOUT = "with", "without"
SEEN = {
    ANY: "Any time",
    "7": "In the last 7 days",
    "30": "In the last 30 days",
    "-30": "Not in the last 30 days",
    "-90": "Not in the last 90 days",
    "-365": "Not in the last year",
    NEVER: "Never",
}
ORDERS = {
    Order.NAME: "Username",
    Order.NEWEST: "Newest first",
    Order.OLDEST: "Oldest first",
    Order.SEEN: "Last sign-in, latest first",
    Order.UNSEEN: "Last sign-in, longest ago first",
}


def _labelled(choices: Any) -> Any:  # noqa: ANN401 - stubs know tuples only, wtforms drops them
    return [SelectChoice(str(value), label) for value, label in choices.items()]


class SearchForm(BaseForm):
    """Look for people."""

    q = StringField(
        "Username or email",
        [Optional(), at_most(EMAIL_LONGEST, "That's too long."), printable],
        [as_meant],
        description="Part of it is enough.",
        render_kw=PLAIN | {"type": "search"},
    )
    field = SelectField("Search in", default=ANY, filters=[or_any])
    state = SelectField(
        "State",
        choices=_labelled({ANY: "Any"} | {each: each.capitalize() for each in UserState}),
        default=ANY,
        filters=[or_any],
    )
    role = SelectField("Role", default=ANY, filters=[or_any])
    seen = SelectField("Last sign-in", choices=_labelled(SEEN), default=ANY, filters=[or_any])
    factor = SelectField(
        "Second factor",
        choices=_labelled({ANY: "Any", WITH: "Has one", WITHOUT: "Password only"}),
        default=ANY,
        filters=[or_any],
    )
    since = DateField("Created from", [Optional(), within_years], render_kw={"type": "date"})
    until = DateField("Created until", [Optional(), within_years], render_kw={"type": "date"})
    sort = SelectField("Sort by", choices=_labelled(ORDERS), default=Order.NAME.value)

    def offer(self, roles: list[str], fields: Iterable[ProfileField] = ()) -> None:
        """Let the administrator choose among the roles and the searchable fields that there are."""
        self.role.choices = _labelled({ANY: "Any"} | {name: name for name in roles})
        searched = {each.name: each.label for each in fields if each.searchable}
        self.field.choices = _labelled({ANY: "Usernames and addresses"} | searched)

    @property
    def wanted(self) -> UserFilter:
        """What is looked for."""
        state, role, field = chosen(self.state), chosen(self.role), chosen(self.field)
        before = midnight(self.until.data)
        since, until = _span(chosen(self.seen))
        return UserFilter(
            given(self.q),
            UserState(state) if state else None,
            role,
            field,
            created_since=midnight(self.since.data),
            created_before=before + timedelta(days=1) if before else None,
            seen_since=since,
            seen_before=until,
            never_seen=self.seen.data == NEVER,
            has_factor={WITH: True, WITHOUT: False}.get(self.factor.data),
        )

    @property
    def order(self) -> Order:
        """In which order."""
        return Order(self.sort.data)

    @property
    def asked(self) -> dict[str, str]:
        """What it says, for a link to the same list."""
        usual = {None, "", ANY, Order.NAME.value}
        fields = self._fields.items()
        return {name: str(field.data) for name, field in fields if field.data not in usual}


def _span(days: str | None) -> tuple[datetime | None, datetime | None]:
    """Return since and before when somebody was last here."""
    if days is None or days == NEVER:
        return None, None
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=abs(int(days)))
    return (None, begin) if days.startswith("-") else (begin, None)


def _number_typed(form: Form, field: Field) -> None:
    if form["deed"].data == Deed.DELETE and field.data != str(form["number"].data):
        raise ValidationError(f"Type the number of users, {form['number'].data}.")


class BulkForm(BaseForm):
    """Do something to many users; ``number`` is how many the administrator saw."""

    deed = HiddenField()
    number = IntegerField("Number", [InputRequired("Confirm the number.")])
    reason = StringField(
        "Reason",
        [Optional(), at_most(REASON_LONGEST, "Use at most 500 characters."), printable],
        [trimmed],
        description="For administrators only. Users don't see it.",
        render_kw={"autocomplete": "off"},
    )
    new_role = SelectField("Role", validate_choice=False)  # the flow knows which there are
    word = StringField("Number of users", [_number_typed], [as_meant], render_kw=PLAIN)

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.new_role.choices = plain_choices(*roles)


class EveryoneForm(SearchForm):
    """Say whom a deed is about: those who are ticked, or with ``everyone`` all who match."""

    everyone = BooleanField("All matching users")


class NewUsernameForm(BaseForm):
    """Give a user another username."""

    username = StringField(
        "New username",
        [InputRequired("Enter a username."), username],
        [as_meant],
        description="They're told by email.",
        render_kw=PLAIN,
    )


class NewEmailForm(BaseForm):
    """Give a user another address."""

    email = EmailField(
        "New email address",
        [InputRequired("Enter an email address."), address],
        [as_meant],
        render_kw=PLAIN,
    )


class NoteForm(BaseForm):
    """Note something about a user."""

    note = TextAreaField(
        "Note",
        [DataRequired("Write something."), at_most(NOTE_LONGEST, "Use at most 2,000 characters.")],
        [trimmed],
        description="For administrators. The user's data download has it too, without your name.",
        render_kw={"rows": "3"},
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
        [new_username],
        [as_meant],
        description=USERNAME_RULE,
        render_kw=PLAIN,
    )
    role = SelectField("Role", validate_choice=False)  # the flow knows which there are

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.role.choices = plain_choices(*roles)


class InviteManyForm(BaseForm):
    """Make accounts for several people at once."""

    addresses = TextAreaField(
        "Email addresses",
        [
            InputRequired("Paste at least one email address."),
            at_most(MOST_PASTED, "That's too much at once."),
        ],
        description="One a line, or with commas between. Usernames are made from the addresses.",
        render_kw={"rows": "8", "spellcheck": "false", "autocapitalize": "none"},
    )
    role = SelectField("Role", validate_choice=False)  # the flow knows which there are

    def offer(self, roles: list[str]) -> None:
        """Let the administrator choose among the roles that there are."""
        self.role.choices = plain_choices(*roles)
