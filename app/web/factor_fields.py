"""Forms about second factors."""

from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import DataRequired, InputRequired

from app.kit.passkeys import ANSWER_LONGEST
from app.web.fields import BaseForm, at_most, trimmed

NAME_LONGEST = 60
CODE_LONGEST = 100


def _code_field(label: str, missing: str, **look: str) -> StringField:
    return StringField(
        label,
        [DataRequired(missing), at_most(CODE_LONGEST, "That's too long.")],
        [trimmed],
        render_kw={"autocapitalize": "none", "spellcheck": "false", **look},
    )


def _answer_field() -> HiddenField:
    return HiddenField(
        "Passkey",
        [
            InputRequired("Your browser sent no passkey. Please try again."),
            at_most(ANSWER_LONGEST, "Your browser's answer is too long."),
        ],
    )


class CodeForm(BaseForm):
    """Show an app's code or a recovery code; ``next`` is where to go on."""

    code = _code_field("Code", "Enter a code.", inputmode="numeric", autocomplete="one-time-code")
    trust = BooleanField("Don't ask again in this browser")
    next = HiddenField()


class AnswerForm(BaseForm):
    """Show a passkey, in the form that its button stands in."""

    answer = _answer_field()
    code = StringField()
    trust = BooleanField()
    remember_me = BooleanField()
    next = HiddenField()


class ConfirmAppForm(BaseForm):
    """Show an app's first code."""

    code = _code_field(
        "6-digit code",
        "Enter the code that your app shows.",
        inputmode="numeric",
        autocomplete="one-time-code",
    )


def _name_field() -> StringField:
    return StringField(
        "Name",
        [DataRequired("Enter a name."), at_most(NAME_LONGEST, "Use at most 60 characters.")],
        [trimmed],
        description="So that you recognise it, like “Phone” or “Work laptop”.",
        render_kw={"autocomplete": "off"},
    )


class NewPasskeyForm(BaseForm):
    """Name a new passkey, which the browser has made."""

    name = _name_field()
    answer = _answer_field()


class PasskeyNameForm(BaseForm):
    """Name a passkey anew."""

    name = _name_field()
