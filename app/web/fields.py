"""Forms: they know what an address or a username looks like, and nothing about people.

No field has a ``maxlength``: it cuts what is pasted, and nobody sees it. What is too long is told.
"""

from collections.abc import Callable, Mapping
from typing import Any, overload

from wtforms import BooleanField, EmailField, Field, Form, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, StopValidation, ValidationError

from app.kit.addresses import EMAIL_LONGEST, is_username, meant, normal_email
from app.kit.errors import Refusal, WeakPassword, WrongAddress, WrongPassword
from app.kit.password_policy import check_policy, own_words
from app.services import services
from app.words.refusals import USERNAME_RULE, sentence

TERMS = "I accept the terms"


def trimmed(text: str | None) -> str | None:
    """Filter a field: without the space around it."""
    return text.strip() if text else text


def as_meant(text: str | None) -> str | None:
    """Filter an address or a name: without the space and the invisible characters around it."""
    return meant(text) if text else text


def address(_form: Form, field: Field) -> None:
    """Check that a field is an email address, and bring it into its normal form."""
    try:
        field.data = normal_email(field.data, special=services().config.allowed_special_domains)
    except WrongAddress as error:
        raise ValidationError(sentence(error)) from None


def new_username(form: Form, field: Field) -> None:
    """Check that a field may be the username of who registers; some sites want none."""
    if field.data and services().config.has_usernames:
        username(form, field)
    elif services().config.usernames == "required":
        raise ValidationError("Choose a username.")


def username(_form: Form, field: Field) -> None:
    """Check that a field may be a username."""
    if not is_username(field.data):
        raise ValidationError(USERNAME_RULE)


def password_policy(form: Form, field: Field) -> None:
    """Check a new password as far as the form tells who it is for; the flow knows the rest."""
    config = services().config
    typed = {name: form._fields[name].data or "" for name in ("username", "email") if name in form}
    words = own_words(site=config.site_name, **{"username": "", "email": "", **typed})
    try:
        check_policy(field.data, shortest=config.password_min_length, context=words)
    except WeakPassword as refusal:
        raise ValidationError(sentence(refusal)) from None


def at_most(longest: int, complaint: str) -> Callable[[Form, Field], None]:
    """Make a check of a field's length; wtforms' own gives the field a ``maxlength``."""

    def check(_form: Form, field: Field) -> None:
        if len(field.data or "") > longest:
            raise StopValidation(complaint)

    return check


class BaseForm(Form):
    """A form that takes Quart's parsed fields and can carry a flow's refusal.

    ``profile``: the names of the fields in it that the site declares.
    """

    profile: tuple[str, ...] = ()

    @property
    def has_password(self) -> bool:
        """Whether a password is typed into it: then its page runs our script, to show it."""
        return any(isinstance(field, PasswordField) for field in self)

    def take(self, refusal: Refusal) -> None:
        """Show a refusal beside the field that it is about, or above the form."""
        field = refusal.field
        if isinstance(refusal, WrongPassword) and "current_password" in self._fields:
            field = "current_password"
        if field in self._fields:
            self._fields[field].errors = [sentence(refusal)]
        else:
            self.form_errors = [sentence(refusal)]


def _new_password(label: str = "Password") -> PasswordField:
    return PasswordField(
        label,
        [InputRequired("Choose a password."), password_policy],
        render_kw={"autocomplete": "new-password"},
    )


def typed_again(form: Form, field: Field) -> None:
    """Check that a new password was typed twice; one that was not typed at all is told once."""
    password = form["password"].data
    if password and not field.data:
        raise ValidationError("Type the password again.")
    if password and field.data != password:
        raise ValidationError("The passwords don't match.")


def _confirm(label: str = "Confirm password") -> PasswordField:
    return PasswordField(
        label,
        [typed_again],
        render_kw={"autocomplete": "new-password"},
    )


def _current_password(label: str = "Password") -> PasswordField:
    return PasswordField(
        label,
        [InputRequired("Enter your password.")],
        render_kw={"autocomplete": "current-password"},
    )


AS_TYPED = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}


def _username_field(hint: str, *checks: Callable[[Form, Field], None]) -> StringField:
    return StringField(
        "Username",
        checks,
        [as_meant],
        description=hint,
        render_kw={"autocomplete": "username", **AS_TYPED},
    )


def _email_field(label: str, hint: str) -> EmailField:
    return EmailField(
        label,
        [InputRequired("Enter your email address."), address],
        [as_meant],
        description=hint,
        render_kw={"autocomplete": "email", **AS_TYPED},
    )


def _name_field() -> StringField:
    return StringField(
        "Email or username",
        [
            DataRequired("Enter your email address or username."),
            at_most(EMAIL_LONGEST, "That's too long."),
        ],
        [as_meant],
        render_kw={"autocomplete": "username", **AS_TYPED},
    )


class LinkedForm(BaseForm):
    """A form about a link in an email; ``link`` says which one the page was about."""

    link = HiddenField()


class LoginForm(BaseForm):
    """Sign in by address or username."""

    email_or_user = _name_field()
    password = PasswordField(
        "Password",
        [InputRequired("Enter your password.")],
        render_kw={"autocomplete": "current-password"},
    )
    remember_me = BooleanField("Keep me signed in")
    next = HiddenField()


class NewPasswordForm(BaseForm):
    """Choose a password. How long it must be is the flow's to say."""

    password = _new_password()
    confirm = _confirm()


class LinkedPasswordForm(NewPasswordForm, LinkedForm):
    """Choose a password by a link."""


class ResetForm(LinkedPasswordForm):
    """Choose another password; ``next`` is where they go once they sign in with it."""

    next = HiddenField()


class InvitationForm(LinkedPasswordForm):
    """Choose the first password."""

    terms = BooleanField(TERMS)


class ChangePasswordForm(BaseForm):
    """Replace the password that one has."""

    current_password = _current_password("Current password")
    password = _new_password("New password")
    confirm = _confirm("Confirm new password")


class RegisterForm(BaseForm):
    """Ask for an account."""

    username = _username_field("Others can see it.", new_username)
    email = _email_field("Email address", "")
    password = _new_password()
    confirm = _confirm()
    terms = BooleanField(TERMS)
    next = HiddenField()


class UsernameForm(BaseForm):
    """Take another username."""

    username = _username_field(
        "Others can see it. You can sign in with it or with your email address.",
        InputRequired("Choose a username."),
        username,
    )


class ChangeEmailForm(BaseForm):
    """Name another address."""

    email = _email_field(
        "New email address", "We'll send a link there. Your address changes once you confirm it."
    )
    current_password = _current_password()


class DeleteAccountForm(BaseForm):
    """Ask that one's account be deleted."""

    current_password = _current_password()


class ReauthenticationForm(BaseForm):
    """Show the password again; ``next`` is the page that wants to see it."""

    password = _current_password()
    next = HiddenField()


class ResetRequestForm(BaseForm):
    """Say whose password is forgotten."""

    email_or_user = _name_field()
    next = HiddenField()


class TicketForm(BaseForm):
    """A button for who has just shown their password; the ticket says who they are."""

    ticket = HiddenField()


class StayForm(TicketForm):
    """Keep an account; ``next`` is where its user was going."""

    next = HiddenField()


class ConfirmForm(LinkedForm):
    """Confirm an address; the password is asked for in a browser that did not register."""

    password = PasswordField("Password", render_kw={"autocomplete": "current-password"})
    next = HiddenField()


@overload
def given(field: StringField) -> str: ...


@overload
def given(field: Field) -> Any: ...  # noqa: ANN401 - what the field makes of it


def given(field: Field) -> Any:
    """Return what was given in a field; of a text field nothing is the empty text."""
    return "" if field.data is None and isinstance(field, StringField) else field.data


def errors_of(form: Form) -> Mapping[str, Any]:
    """Return the fields with a complaint, in the form's order, for the summary above it."""
    return {name: field for name, field in form._fields.items() if field.errors}
