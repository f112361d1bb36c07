"""Who gets in, how they sign in, and for how long."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from app.kit.urls import is_ip_address
from app.settings.types import Domains, Email, WebAddress


class AccountSettings(BaseModel):
    """Who gets in, how they sign in, and for how long."""

    admin_email: Email | None = Field(
        None, description="The user who confirms this email address becomes an administrator"
    )
    registration: Literal["open", "invitation", "closed"] = Field(
        "open",
        description="Who can register. `open`: everyone. `invitation` or `closed`: only users whom "
        "an administrator invites, and /register says which. Links already sent still "
        "work",
    )
    registration_domains: Domains = Field(
        (),
        description="Domains that can register, separated by spaces: `example.com`, or "
        "`.example.com` to include subdomains. Invited users can have any address. "
        "Default: all",
    )
    terms_url: WebAddress | None = Field(
        None,
        description="Address of your terms. New users must accept them, and we store when they "
        "did. Default: none",
    )
    usernames: Literal["optional", "required", "off"] = Field(
        "required",
        description="Whether users choose a username when they register. `optional`: who leaves it "
        "empty gets one, made from their email address. `off`: everyone does, and pages show the "
        "email address instead",
    )
    password_min_length: int = Field(
        15,
        ge=8,
        le=64,
        description="Minimum password length, in characters. 8 is enough where every role "
        "requires a second factor (NIST SP 800-63B-4 3.1.1.2)",
    )
    bcrypt_rounds: int = Field(
        12,
        ge=4,
        le=16,
        description="Cost of a password hash. Each step doubles it. Below 10 is for tests only",
    )
    password_threads: int = Field(
        1, ge=1, le=16, description="Threads per worker that hash passwords"
    )
    password_queue: int = Field(
        64,
        ge=1,
        le=1000,
        description="Passwords per worker that may wait for those threads, at most 20 seconds. "
        "Networks take turns. Others get 503",
    )
    session_idle_minutes: float = Field(
        120,
        gt=0,
        description="Without “Keep me signed in”, a session ends after this long without a request",
    )
    session_hours: float = Field(
        12, gt=0, le=24 * 30, description="… and after this long in any case"
    )
    reauthentication_minutes: float = Field(
        10,
        gt=0,
        description="How long until sensitive pages ask for the password again",
    )
    remember_days: float = Field(30, gt=0, le=400, description="How long “Keep me signed in” lasts")
    known_browser_days: float = Field(
        400,
        gt=0,
        le=3650,
        description="How long we recognise a browser after its last sign-in",
    )
    passkey_domain: str | None = Field(
        None,
        description="Domain that passkeys are made for: the host of `PUBLIC_URL` or a parent "
        "domain of it. Changing it makes all passkeys useless. Default: the host of `PUBLIC_URL`",
    )
    trust_days: float = Field(
        30,
        ge=0,
        le=400,
        description="How long a browser isn't asked for a second factor, if the user wants that. "
        "0: never offer it",
    )
    factor_grace_days: float = Field(
        14,
        ge=0,
        le=365,
        description="How long users may go without a second factor once their role requires one",
    )
    factor_reset_days: float = Field(
        7,
        gt=0,
        le=90,
        description="How long users wait for a lost second factor to be removed. They can stop it "
        "by email",
    )
    audit_days: float = Field(
        365,
        ge=0,
        le=36500,
        description="How long to keep the audit log (who signed in when, from where …). 0: keep it "
        "forever",
    )

    @field_validator("passkey_domain")
    @classmethod
    def _is_of_public_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        host = urlsplit(info.data.get("public_url", "")).hostname or ""
        if value and (is_ip_address(host) or not f".{host}".endswith(f".{value.lower()}")):
            raise ValueError("must be the host of PUBLIC_URL or a parent domain of it")
        return value and value.lower()
