"""Passkeys: py_webauthn through a few functions of our own, with one refusal for whatever is wrong.

The library leaves to its caller what is checked here beside it: frames of other sites, whose a
passkey is, that its backup eligibility never changes, and the errors of its parsers (PK-02, PK-08).
"""

import json
from binascii import Error as Garbled
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

ANSWER_LONGEST = 32 * 1024
ID_LONGEST = 1023  # bytes; WebAuthn 4
KEY_LONGEST = 2048
TIMEOUT_MILLISECONDS = 300_000
TRANSPORTS = frozenset({"ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"})
_WRONG = (
    WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError, Garbled,
    RecursionError, OverflowError, ArithmeticError, AssertionError,
)  # fmt: skip


class WrongAnswer(Exception):
    """An authenticator's answer that proves nothing."""


class RelyingParty(NamedTuple):
    """Whom passkeys are made for: settings decide, never a request."""

    domain: str
    origin: str
    name: str


class Born(NamedTuple):
    """A new passkey. ``is_first_factor``: discoverable, and its user was verified."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    is_first_factor: bool
    backup_eligible: bool
    backed_up: bool
    transports: list[str]
    aaguid: UUID


class PasskeyAnswer(NamedTuple):
    """An answer, read but not believed yet."""

    credential_id: bytes
    challenge: bytes
    user_handle: UUID | None
    whole: dict[str, Any]


class Verified(NamedTuple):
    """What an authenticator showed. ``is_user_verified``: by a PIN, a finger, a face."""

    sign_count: int
    is_user_verified: bool
    backed_up: bool


def creation_options(
    site: RelyingParty, *, challenge: bytes, user_id: UUID, username: str, present: Iterable[bytes]
) -> str:
    """Return what the browser is asked to make, as JSON; ``present`` are the user's passkeys."""
    options = generate_registration_options(
        rp_id=site.domain,
        rp_name=site.name,
        user_id=user_id.bytes,
        user_name=username,
        user_display_name=username,
        challenge=challenge,
        timeout=TIMEOUT_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in present],
    )
    return json.dumps({**options_to_json_dict(options), "extensions": {"credProps": True}})


def request_options(site: RelyingParty, *, challenge: bytes, allowed: Iterable[bytes] = ()) -> str:
    """Return what the browser is asked to show, as JSON.

    ``allowed`` is empty for strangers, so that nobody learns who has a passkey (EN-06).
    """
    options = generate_authentication_options(
        rp_id=site.domain,
        challenge=challenge,
        timeout=TIMEOUT_MILLISECONDS,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return json.dumps(options_to_json_dict(options))


def verify_new(site: RelyingParty, text: str, *, challenge: bytes) -> Born:
    """Check the birth of a passkey.

    Raises:
        WrongAnswer: for whatever reason.
    """
    try:
        whole = _read(text, challenge)
        made = verify_registration_response(
            credential=whole,
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
        )
        transports = whole["response"].get("transports") or []
        known = [each for each in transports if each in TRANSPORTS]
        properties = (whole.get("clientExtensionResults") or {}).get("credProps") or {}
        is_discoverable = properties.get("rk") is True
        born = Born(
            made.credential_id,
            made.credential_public_key,
            made.sign_count,
            is_discoverable and made.user_verified,
            made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            made.credential_backed_up,
            sorted(set(known)),
            UUID(made.aaguid),
        )
    except _WRONG as error:
        raise WrongAnswer from error
    if len(born.credential_id) > ID_LONGEST or len(born.public_key) > KEY_LONGEST:
        raise WrongAnswer
    return born


def read_answer(text: str) -> PasskeyAnswer:
    """Return whose passkey an answer claims to be of, and which challenge it is to.

    Raises:
        WrongAnswer: it is garbled.
    """
    try:
        whole = _read(text)
        handle = whole["response"].get("userHandle")
        client = json.loads(base64url_to_bytes(whole["response"]["clientDataJSON"]))
        return PasskeyAnswer(
            base64url_to_bytes(whole["rawId"]),
            base64url_to_bytes(client["challenge"]),
            UUID(bytes=base64url_to_bytes(handle)) if handle else None,
            whole,
        )
    except _WRONG as error:
        raise WrongAnswer from error


def verify(
    site: RelyingParty,
    answer: PasskeyAnswer,
    *,
    challenge: bytes,
    public_key: bytes,
    backup_eligible: bool,
) -> Verified:
    """Check an answer to a challenge. Whether the counter grew is the database's to say.

    Raises:
        WrongAnswer: for whatever reason.
    """
    try:
        _check_frame(answer.whole)
        shown = verify_authentication_response(
            credential=answer.whole,
            expected_challenge=challenge,
            expected_rp_id=site.domain,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
        )
    except _WRONG as error:
        raise WrongAnswer from error
    is_eligible = shown.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if is_eligible != backup_eligible:
        raise WrongAnswer
    return Verified(shown.new_sign_count, shown.user_verified, shown.credential_backed_up)


def challenge_of(text: str) -> bytes:
    """Return the challenge that an answer is to, empty if it is garbled."""
    try:
        client = json.loads(base64url_to_bytes(_read(text)["response"]["clientDataJSON"]))
        return base64url_to_bytes(client["challenge"])
    except (*_WRONG, WrongAnswer):
        return b""


def encoded(challenge: bytes) -> str:
    """Return bytes as text that fits into an address."""
    return bytes_to_base64url(challenge)


def _read(text: str, challenge: bytes | None = None) -> dict[str, Any]:
    if len(text) > ANSWER_LONGEST:
        raise ValueError("too long")
    whole = json.loads(text)
    if not isinstance(whole, dict) or not isinstance(whole.get("response"), dict):
        raise TypeError("not an object")
    if challenge is not None:
        _check_frame(whole)
    return whole


def _check_frame(whole: dict[str, Any]) -> None:
    """Refuse what was asked for in a frame on another site."""
    client = json.loads(base64url_to_bytes(whole["response"]["clientDataJSON"]))
    if client.get("crossOrigin") not in {None, False} or client.get("topOrigin") is not None:
        raise ValueError("in a frame of another site")
