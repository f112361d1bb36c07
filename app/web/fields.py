"""Forms: they know what an address or a user name looks like, and nothing about people."""

from collections.abc import Mapping
from typing import Any

from wtforms import BooleanField, EmailField, Field, Form, HiddenField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, ValidationError

from app.kit.addresses import (
    EMAIL_LONGEST,
    USERNAME_LONGEST,
    USERNAME_SHORTEST,
    WrongAddress,
    is_username,
    normal_email,
)
from app.kit.errors import Refusal
from app.kit.passwords import LONGEST_CHARACTERS

TERMS = "I accept the terms"


def _trimmed(text: str | None) -> str | None:
    return text.strip() if text else text


def _address(_form: Form, field: Field) -> None:
    try:
        field.data = normal_email(field.data)
    except WrongAddress as error:
        raise ValidationError(str(error)) from None


def _username(_form: Form, field: Field) -> None:
    if not is_username(field.data):
        raise ValidationError(
            f"{USERNAME_SHORTEST} to {USERNAME_LONGEST} letters (a–z), digits, dots and "
            "underscores, beginning with a letter."
        )


class HouseForm(Form):
    """A form that takes Quart's parsed fields and can carry a flow's refusal."""

    def take(self, refusal: Refusal) -> None:
        """Show a refusal beside the field that it is about, or above the form."""
        if refusal.field in self._fields:
            self._fields[refusal.field].errors = [refusal.sentence]
        else:
            self.form_errors = [refusal.sentence]


class LoginForm(HouseForm):
    """Sign in by address or user name."""

    email_or_user = StringField(
        "Email address or user name",
        [
            InputRequired("Please enter your email address or user name."),
            Length(max=EMAIL_LONGEST, message="This is too long for either."),
        ],
        [_trimmed],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        "Password",
        [InputRequired("Please enter your password.")],
        render_kw={"autocomplete": "current-password"},
    )
    remember_me = BooleanField("Keep me logged in")
    next = HiddenField()


def _new_password() -> PasswordField:
    return PasswordField(
        "Password",
        [InputRequired("Please choose a password.")],
        render_kw={"autocomplete": "new-password", "maxlength": LONGEST_CHARACTERS},
    )


def _confirm() -> PasswordField:
    return PasswordField(
        "The same password again",
        [
            InputRequired("Please repeat the password."),
            EqualTo("password", "The two passwords differ. Please type them again."),
        ],
        render_kw={"autocomplete": "new-password", "maxlength": LONGEST_CHARACTERS},
    )


class NewPasswordForm(HouseForm):
    """Choose a password. How long it must be is the flow's to say."""

    password = _new_password()
    confirm = _confirm()


class InvitationForm(NewPasswordForm):
    """Choose the first password; ``link`` says which invitation the page was about."""

    terms = BooleanField(TERMS)
    link = HiddenField()


class RegisterForm(HouseForm):
    """Ask for an account."""

    username = StringField(
        "User name",
        [InputRequired("Please choose a user name."), _username],
        [_trimmed],
        description=(
            f"{USERNAME_SHORTEST} to {USERNAME_LONGEST} letters (a–z), digits, dots and "
            "underscores, a letter first. Others can see it."
        ),
        render_kw={
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
            "maxlength": USERNAME_LONGEST,
        },
    )
    email = EmailField(
        "Email address",
        [InputRequired("Please enter your email address."), _address],
        [_trimmed],
        description="We send a link there, to see that it is yours.",
        render_kw={"autocomplete": "email", "maxlength": EMAIL_LONGEST},
    )
    password = _new_password()
    confirm = _confirm()
    terms = BooleanField(TERMS)


class ConfirmForm(HouseForm):
    """Confirm an address; the password is asked for in a browser that did not register."""

    password = PasswordField(
        "The password that you registered with", render_kw={"autocomplete": "current-password"}
    )
    link = HiddenField()


class ResendForm(HouseForm):
    """Ask for the confirmation again; the ticket says whose."""

    ticket = HiddenField()


def given(field: StringField) -> str:
    """Return what was typed into a text field, nothing being the empty text."""
    return field.data or ""


def errors_of(form: Form) -> Mapping[str, Any]:
    """Return the fields with a complaint, in the form's order, for the summary above it."""
    return {name: field for name, field in form._fields.items() if field.errors}
