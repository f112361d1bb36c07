"""What a site wants to know of its users beside name and address: fields, declared once.

Values are text: what ``ProfileField.clean`` returns. No value is the empty text.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, get_args

from app.kit.addresses import meant, normal_email
from app.kit.errors import WrongAddress, WrongProfile

Kind = Literal["text", "email", "telephone", "number", "choice", "checkbox", "date"]
Place = Literal["registration", "invitation", "account"]

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What forms and files call their own fields.
RESERVED = frozenset((
    "id", "email", "username", "password", "password_hash", "role", "confirmed_at", "blocked_at",
    "blocked_reason", "delete_at", "terms_accepted_at", "created_at", "last_login_at", "next",
    "email_or_user", "remember_me", "link", "ticket", "confirm", "terms", "current_password",
    "profile", "otpauth",
))  # fmt: skip
TICKED = "yes"
LONGEST = 500
TELEPHONE = re.compile(r"\+?[0-9 ()./-]+")
TELEPHONE_DIGITS = range(4, 21)
BETWEEN_DIGITS = re.compile(r"[ ()./-]")
EARLIEST_YEAR = 1000  # ``date`` writes earlier ones without leading zeros


@dataclass(frozen=True, kw_only=True, eq=False)
class ProfileField:
    """One field of a profile.

    Attributes:
        name: in forms, import and export: small letters, digits and ``_``.
        label: what people read beside it; ``hint`` what they read below that.
        required: whether it must be filled in, or ticked, where it is asked.
        asked: where users themselves see it. Administrators always do, and nobody else.
        choices: for ``kind="choice"``: what is stored, and what people read.
        longest: the most characters; ``least`` and ``most`` bound a number.
        autocomplete: the token by which browsers fill it in (HTML, 4.10.18.7), like ``tel``.
        searchable: whether administrators find users by the beginning of it.
        check: a check of one's own; it raises ``ValueError`` with a sentence for the user. Of
            a date it gets a ``date``, of a number a ``Decimal``, of a ticked box True, else text.
    """

    name: str
    label: str
    kind: Kind = "text"
    required: bool = False
    asked: Collection[Place] = ("registration", "invitation", "account")
    choices: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    longest: int = LONGEST
    least: float | None = None
    most: float | None = None
    autocomplete: str = ""
    searchable: bool = False
    check: Callable[[Any], None] | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or self.name in RESERVED:
            why = "Vestibule has one" if self.name in RESERVED else "use small letters, digits, _"
            raise ValueError(f"“{self.name}” can't be the name of a profile field: {why}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"{self.name}: kind must be one of {', '.join(get_args(Kind))}")
        if isinstance(self.asked, str) or not set(self.asked) <= set(get_args(Place)):
            raise ValueError(f"{self.name}: asked must be a list of {', '.join(get_args(Place))}")
        if bool(self.choices) != (self.kind == "choice") or not hasattr(self.choices, "items"):
            raise ValueError(
                f'{self.name}: a choice has choices like {{"red": "Red"}}, and nothing else has any'
            )

    def clean(self, text: str) -> str:
        """Return a value as it is stored.

        Raises:
            WrongProfile: the field does not take it.
            WrongAddress: it is to be an email address, and is none.
        """
        text = meant(text.replace("\0", ""))
        if not text:
            if self.required:
                raise WrongProfile("tick" if self.kind == "checkbox" else "empty", field=self.name)
            return ""
        if len(text) > self.longest:
            raise WrongProfile("too_long", field=self.name, longest=self.longest)
        value = _CLEANERS[self.kind](self, text)
        if self.check is not None:
            try:
                self.check(_READ.get(self.kind, str)(value))
            except ValueError as error:
                raise WrongProfile("own", field=self.name, why=str(error)) from None
        return value

    def search_key(self, text: str) -> str:
        """Return a value, or the beginning of one, in the form in which it is found."""
        text = meant(text).casefold()
        return BETWEEN_DIGITS.sub("", text) if self.kind == "telephone" else text

    def shown(self, value: str) -> str:
        """Return a stored value as people read it."""
        return self.choices.get(value, value)


def _text(_field: ProfileField, text: str) -> str:
    return text


def _email(declared: ProfileField, text: str) -> str:
    try:
        return normal_email(text)
    except WrongAddress as error:
        error.field = declared.name
        raise


def _telephone(declared: ProfileField, text: str) -> str:
    digits = BETWEEN_DIGITS.sub("", text).removeprefix("+")
    if not (TELEPHONE.fullmatch(text) and text.isascii() and len(digits) in TELEPHONE_DIGITS):
        raise WrongProfile("telephone", field=declared.name)
    return text


def _number(declared: ProfileField, text: str) -> str:
    least, most = declared.least, declared.most
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise WrongProfile("number", field=declared.name) from None
    if not number.is_finite():
        raise WrongProfile("number", field=declared.name)
    if least is not None and number < Decimal(str(least)):
        raise WrongProfile("at_least", field=declared.name, least=f"{least:g}")
    if most is not None and number > Decimal(str(most)):
        raise WrongProfile("at_most", field=declared.name, most=f"{most:g}")
    return text if text.isascii() else str(number)


def _choice(declared: ProfileField, text: str) -> str:
    if text not in declared.choices:
        raise WrongProfile("choice", field=declared.name)
    return text


def _checkbox(declared: ProfileField, text: str) -> str:
    if text.lower() in {TICKED, "true", "t", "1", "on", "y"}:
        return TICKED
    if text.lower() not in {"no", "false", "f", "0", "off", "n"}:
        raise WrongProfile("yes_or_no", field=declared.name)
    return declared.clean("")


def _date(declared: ProfileField, text: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise WrongProfile("date", field=declared.name) from None
    if day.year < EARLIEST_YEAR:
        raise WrongProfile("date", field=declared.name)
    return day.isoformat()


_CLEANERS: dict[Kind, Callable[[ProfileField, str], str]] = {
    "text": _text,
    "email": _email,
    "telephone": _telephone,
    "number": _number,
    "choice": _choice,
    "checkbox": _checkbox,
    "date": _date,
}
_READ: dict[Kind, Callable[[str], object]] = {
    "number": Decimal,
    "checkbox": bool,
    "date": date.fromisoformat,
}
