"""Form fields for what a site wants to know of its users."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from wtforms import BooleanField, Field, Form, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import ValidationError

from app.kit.errors import Refusal
from app.kit.profile import TICKED, Place, ProfileField
from app.services import services
from app.site import Site, load
from app.web.fields import BaseForm, as_meant
from app.words.refusals import sentence

INPUTS: dict[str, dict[str, str]] = {
    "email": {"type": "email", "inputmode": "email", "autocapitalize": "none"},
    "telephone": {"type": "tel"},
    "number": {"inputmode": "decimal"},
    "date": {"type": "date"},
}


class ShownField(NamedTuple):
    """A field of a profile with what a user has told, in words."""

    label: str
    value: str


class _Fits:
    """Checks a field and brings its value into its normal form."""

    def __init__(self, declared: ProfileField, *, required: bool) -> None:
        self._declared = declared
        self._may_be_empty = not required
        self.field_flags = {"required": True} if required else {}

    def __call__(self, _form: Form, field: Field) -> None:
        text = _text(field)
        if not text and self._may_be_empty:
            return
        try:
            value = self._declared.clean(text)
        except Refusal as refusal:
            raise ValidationError(sentence(refusal)) from None
        if not isinstance(field, BooleanField):
            field.data = value


def site() -> Site:
    """Return what the owner's package adds to this application."""
    return load(services().config.site)


def asked(place: Place | None) -> tuple[ProfileField, ...]:
    """Return the fields that are asked at a place; an administrator, at none, sees all."""
    return tuple(each for each in site().profile if place is None or place in each.asked)


def with_profile(base: type[BaseForm], place: Place | None) -> Callable[..., BaseForm]:
    """Return what makes a form that asks for the site's own fields too."""

    def make(*data: Any, **more: Any) -> BaseForm:
        return _extended(base, asked(place), place)(*data, **more)

    return make


def values_of(form: BaseForm) -> dict[str, str]:
    """Return what a form says of the site's own fields."""
    return {name: _text(form._fields[name]) for name in form.profile}


def typed_values(values: Mapping[str, str]) -> dict[str, Any]:
    """Return stored values as a form shows them."""
    ticks = {each.name for each in site().profile if each.kind == "checkbox"}
    return {name: value == TICKED if name in ticks else value for name, value in values.items()}


def shown(values: Mapping[str, str], place: Place | None) -> list[ShownField]:
    """Return a user's values in words, in the order of the fields."""
    return [ShownField(each.label, each.shown(values.get(each.name, ""))) for each in asked(place)]


def _text(field: Field) -> str:
    if isinstance(field, BooleanField):
        return TICKED if field.data else ""
    return field.data or ""


@cache  # bounded by the forms
def _extended(
    base: type[BaseForm], fields: tuple[ProfileField, ...], place: Place | None
) -> type[BaseForm]:
    made = {each.name: _made(each, required=each.required and place is not None) for each in fields}
    return type(base.__name__, (base,), {**made, "profile": tuple(made)})


def _made(declared: ProfileField, *, required: bool) -> Field:
    checks = [_Fits(declared, required=required)]
    label = (
        declared.label
        if required or declared.kind == "checkbox"
        else f"{declared.label} (optional)"
    )
    common: dict[str, Any] = {"label": label, "validators": checks, "description": declared.hint}
    keywords = {**INPUTS.get(declared.kind, {})}
    keywords |= {"autocomplete": declared.autocomplete} if declared.autocomplete else {}
    if declared.kind == "checkbox":
        return BooleanField(**common)
    if declared.kind == "choice":
        choices = [SelectChoice(*each) for each in (("", ""), *declared.choices.items())]
        return SelectField(**common, choices=choices, validate_choice=False, render_kw=keywords)
    return StringField(**common, filters=[as_meant], render_kw=keywords)
