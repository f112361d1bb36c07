"""Every setting, read once from the environment; its unit is in its name.

Each one may also be given as a file: ``SECRET_KEY_FILE=/run/secrets/secret_key`` (docker secrets).
"""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.kit.addresses import WrongAddress, for_operators, normal_domain, normal_email
from app.kit.keys import SECRET_KEY_MIN_BYTES, is_weak_key
from app.kit.urls import asyncpg_url, is_ip_address, is_loopback, local_path, split_address
from app.mail.mime import is_greeting, sender_address, sender_of
from app.mail.relay import Relay, relay_of

SECRET_KEY_HINT = "make one with: python -m app secret-key"  # noqa: S105 - a hint, no secret


PRIVATE_NETWORKS = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7",
    )
)  # fmt: skip
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]*[a-z0-9]|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?/?",
    re.IGNORECASE,
)
_WEB_ADDRESS = re.compile(r"https?://[^\s\"'<>\\/][^\s\"'<>\\]{0,1999}", re.IGNORECASE)


class WrongSettings(Exception):
    """Settings that stop the start; the message names all of them, a line each."""


def _secret_key(value: SecretStr) -> SecretStr:
    if is_weak_key(value.get_secret_value()):
        raise ValueError(f"must be at least {SECRET_KEY_MIN_BYTES} random bytes; {SECRET_KEY_HINT}")
    return value


def _origin(value: str) -> str:
    found = _ORIGIN.fullmatch(value)
    if found is None:
        raise ValueError(
            "must be an address like https://login.example.com, without a path or query"
        )
    if found["scheme"].lower() == "http" and not is_loopback(found["host"].strip("[]").lower()):
        raise ValueError("must start with https:// (plain http works only on this machine)")
    usual_port = {"https": ":443", "http": ":80"}[found["scheme"].lower()]
    return value.rstrip("/").lower().removesuffix(usual_port)  # as browsers say it in Origin


def _bind(value: str) -> str:
    split_address(value)
    return value


def _database_url(value: SecretStr) -> SecretStr:
    return SecretStr(asyncpg_url(value.get_secret_value()))


def _smtp_url(value: SecretStr) -> SecretStr:
    relay_of(value.get_secret_value())
    return value


def _helo(value: str) -> str:
    if not is_greeting(value):
        raise ValueError(
            "must be a full host name like login.example.com or an address like [192.0.2.1]"
        )
    return value


def _mail_from(value: str, info: ValidationInfo) -> str:
    _email(sender_address(value), info)
    return value


def _email(value: str, info: ValidationInfo) -> str:
    try:
        return normal_email(value, special=_special(info))
    except WrongAddress as error:
        raise ValueError(for_operators(error)) from None


def _domain(value: str, info: ValidationInfo) -> str:
    try:
        return normal_domain(value, special=_special(info))
    except WrongAddress as error:
        raise ValueError(for_operators(error)) from None


def _special(info: ValidationInfo) -> tuple[str, ...]:
    allowed: tuple[str, ...] = info.data.get("allowed_special_domains", ())
    return allowed


def _web_address(value: str) -> str:
    if local_path(value) is None and not _WEB_ADDRESS.fullmatch(value):
        raise ValueError("must be an address like https://example.com/terms, or a path like /terms")
    return value


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


def _split_at_commas(value: object) -> object:
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _network(value: object) -> object:
    try:
        return ip_network(str(value), strict=False)
    except ValueError:
        raise ValueError("must be networks like 10.0.0.0/8, separated by spaces") from None


SecretKey = Annotated[SecretStr, AfterValidator(_secret_key)]
Domain = Annotated[str, AfterValidator(_domain)]
SpecialDomain = Annotated[str, AfterValidator(normal_domain)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class Config(BaseModel):
    """The settings of one deployment. Frozen: what is read at the start holds until the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site_name: str = Field(
        "Vestibule",
        min_length=1,
        max_length=60,
        description="Name of your site, shown on every page and in every email",
    )
    bind: Annotated[str, AfterValidator(_bind)] = Field(
        "127.0.0.1:8000", description="Address and port to listen on"
    )
    public_url: Annotated[str, AfterValidator(_origin)] = Field(
        description="Address of your site, as users type it: `https://…`, or `http://` on this "
        "machine only. Default: `http://` and `BIND`"
    )
    data_dir: Path = Field(
        Path("var"), description="Where `make run` stores its private database and secret key"
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Number of server processes. Default: one per usable CPU, at least 2",
    )
    worker_connections: int = Field(
        8192,
        ge=10,
        le=1_000_000,
        description="Connections each worker holds at once, or fewer if the limit of open files is "
        "lower. Beyond this, a new connection closes the one that was idle longest",
    )
    drain_seconds: float = Field(
        2,
        ge=0,
        le=300,
        description="How long to accept new connections after SIGTERM. Meanwhile `/health/ready` "
        "returns 503, so the proxy looks elsewhere. Ctrl+C doesn't wait",
    )
    grace_seconds: float = Field(
        25, ge=1, le=600, description="How long running requests may take to finish after that"
    )
    metrics_bind: Annotated[str, AfterValidator(_bind)] | None = Field(
        None,
        description="Address and port for Prometheus' `/metrics`, like `127.0.0.1:9100`. Keep it "
        "private. Default: none",
    )
    access_log: bool = Field(
        default=True,
        description="`false` turns off the log line for each request (health checks have none)",
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto",
        description="`text`, `json` (one line per event), or `auto`: text on a terminal and for "
        "`make run`, otherwise JSON",
    )

    database_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = Field(
        None,
        description="`postgresql://user@host/name`. To verify the server, add "
        "`?sslrootcert=/path/to/ca.pem`. Default: start a private PostgreSQL under "
        "`DATA_DIR`",
    )
    database_password: SecretStr | None = Field(
        None, description="Password for `DATABASE_URL`, so that it can come from a file"
    )
    database_pool_size: int = Field(
        10,
        ge=1,
        le=100,
        description="Connections each worker may keep, at least 2. One is for checking who is "
        "signed in",
    )
    database_pool_overflow: int = Field(
        0, ge=0, le=100, description="Extra connections each worker may open for a while"
    )

    replicas: int = Field(
        1,
        ge=1,
        le=1000,
        description="How many servers share the database. At the start, Vestibule checks that all "
        "their connections fit into `max_connections`",
    )
    database_pooled: bool = Field(
        default=False,
        description="`true` if `DATABASE_URL` points to pgbouncer or another pool that shares "
        "connections per transaction",
    )

    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = Field(
        None,
        description="Mail server: `smtp://user@host:587` (STARTTLS), `smtps://user@host` (TLS) or, "
        "on a private network, `smtp://host:25?tls=none`. Default: write emails to the "
        "log. For a private authority, set `SSL_CERT_FILE`",
    )
    smtp_password: SecretStr | None = Field(
        None, description="Password for `SMTP_URL`, so that it can come from a file"
    )
    allowed_special_domains: Annotated[
        tuple[SpecialDomain, ...], BeforeValidator(_split_at_commas)
    ] = Field(
        (),
        description="Domains on your own network, like `corp.local`, that aren't public. Allows "
        "addresses at these domains and their subdomains. Separate with commas or "
        "spaces",
    )
    mail_from: Annotated[str, AfterValidator(_mail_from)] | None = Field(
        None,
        description="Sender of all emails: `login@example.com`, `Name <login@example.com>` or, if "
        'the name has a comma, `"Smith, Anna" <login@example.com>`. Required with '
        "`SMTP_URL`",
    )
    smtp_helo: Annotated[str, AfterValidator(_helo)] | None = Field(
        None,
        description="Name we send to the mail server (EHLO). Default: the host of `PUBLIC_URL`, "
        "otherwise the domain of `MAIL_FROM`",
    )
    mail_retry_days: float = Field(
        4, gt=0, le=30, description="How long to retry an email that can't be delivered"
    )

    secret_key: SecretKey | None = Field(
        None,
        description="Signs cookies and links. `make run` creates and keeps its own. Required with "
        "`DATABASE_URL`",
    )
    secret_key_fallbacks: Annotated[tuple[SecretKey, ...], BeforeValidator(_split)] = Field(
        (), description="Older keys that are still accepted, separated by spaces"
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies are in front of the server. We trust that many entries of "
        "`X-Forwarded-For`, from the right",
    )
    trusted_networks: Annotated[tuple[Network, ...], BeforeValidator(_split)] = Field(
        (),
        description="Networks of these proxies, separated by spaces. We ignore what others say. "
        "Default: private networks",
    )
    admin_email: Annotated[str, AfterValidator(_email)] | None = Field(
        None, description="The user who confirms this email address becomes an administrator"
    )
    registration: Literal["open", "invitation", "closed"] = Field(
        "open",
        description="Who can register. `open`: everyone. `invitation` or `closed`: only users whom "
        "an administrator invites, and /register says which. Links already sent still "
        "work",
    )
    registration_domains: Annotated[tuple[Domain, ...], BeforeValidator(_split)] = Field(
        (),
        description="Domains that can register, separated by spaces: `example.com`, or "
        "`.example.com` to include subdomains. Invited users can have any address. "
        "Default: all",
    )
    terms_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None,
        description="Address of your terms. New users must accept them, and we store when they "
        "did. Default: none",
    )

    password_min_length: int = Field(
        15, ge=8, le=64, description="Minimum password length, in characters"
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

    logins_per_network_5_minutes: int = Field(
        30,
        ge=1,
        description="Sign-in attempts from one network (IPv4 address or IPv6 /64) in 5 minutes",
    )
    logins_per_network_hour: int = Field(100, ge=1, description="… in an hour")
    account_free_failures: int = Field(
        4,
        ge=1,
        le=50,
        description="Wrong passwords for one account before it has to wait 1, 2, 4 … seconds",
    )
    account_longest_wait_seconds: int = Field(
        900, ge=1, le=86400, description="The longest such wait"
    )
    emails_per_network_10_minutes: int = Field(
        5,
        ge=1,
        description="Emails that one network can cause in 10 minutes. Beyond this, it gets 429",
    )
    emails_per_network_30_minutes: int = Field(15, ge=1, description="… in 30 minutes")
    emails_per_address_hour: int = Field(
        3,
        ge=1,
        description="Emails to one address that one network can cause in an hour (all networks "
        "together: five times as many). We silently drop the rest",
    )

    @field_validator("passkey_domain")
    @classmethod
    def _is_of_public_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        host = urlsplit(info.data.get("public_url", "")).hostname or ""
        if value and (is_ip_address(host) or not f".{host}".endswith(f".{value.lower()}")):
            raise ValueError("must be the host of PUBLIC_URL or a parent domain of it")
        return value and value.lower()

    @model_validator(mode="before")
    @classmethod
    def _derive_public_url(cls, given: dict[str, Any]) -> dict[str, Any]:
        if given.get("public_url"):
            return given
        try:
            host, port = split_address(given.get("bind", "127.0.0.1:8000"))
        except ValueError:
            return given  # BIND has its own complaint
        shown = f"[{host}]" if ":" in host else host
        return {**given, "public_url": f"http://{shown}:{port}"} if is_loopback(host) else given

    @property
    def is_https(self) -> bool:
        """Whether people reach the site by https; then cookies are ``Secure`` and ``__Host-``."""
        return self.public_url.startswith("https://")

    @property
    def passkeys_for(self) -> str | None:
        """The domain that passkeys are made for; None at an IP address: browsers make none."""
        host = urlsplit(self.public_url).hostname or ""
        return self.passkey_domain or (None if is_ip_address(host) else host)

    @property
    def is_laptop(self) -> bool:
        """Whether this deployment brings its own database (``make run``)."""
        return self.database_url is None

    @property
    def connections_of_worker(self) -> int:
        """How many database connections a worker may have: the pool's, and one for look-ups."""
        return self.pool_of_worker + self.database_pool_overflow + 1

    @property
    def pool_of_worker(self) -> int:
        """How many connections a worker's pool keeps."""
        return max(1, self.database_pool_size - 1)

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where proxies may stand whose word is taken."""
        return self.trusted_networks or PRIVATE_NETWORKS

    @property
    def relay(self) -> Relay | None:
        """The mail server, if there is one; ValueError if its password would go in the clear."""
        if self.smtp_url is None:
            return None
        password = self.smtp_password.get_secret_value() if self.smtp_password else None
        return relay_of(self.smtp_url.get_secret_value(), password)

    @property
    def greeting(self) -> str:
        """The name by which we greet the mail server; one that is this machine's alone is none."""
        host = urlsplit(self.public_url).hostname or ""
        found = host if is_greeting(host) and not is_loopback(host) else None
        return self.smtp_helo or found or sender_of(self.mail_from or "").domain

    @property
    def signing_keys(self) -> list[str]:
        """All accepted keys, oldest first, the one that signs last (itsdangerous' order)."""
        keys = [key.get_secret_value() for key in self.secret_key_fallbacks]
        return [*keys, self.secret_key.get_secret_value()] if self.secret_key else keys


def load(environ: Mapping[str, str] = os.environ) -> Config:
    """Read all settings, each from ``NAME`` or from the file that ``NAME_FILE`` names.

    Raises:
        WrongSettings: one line for each setting that is wrong.
    """
    given, wrong = _collect(environ)
    try:
        config = Config.model_validate(given)
        _ = config.relay
    except ValidationError as error:
        wrong += [_explain(item) for item in error.errors(include_input=False)]
    except ValueError as error:
        wrong.append(f"SMTP_PASSWORD: with this SMTP_URL it {error}")
    if "database_url" in given and "secret_key" not in given:
        wrong.append(f"SECRET_KEY: is missing; {SECRET_KEY_HINT}")
    if "smtp_url" in given and "mail_from" not in given:
        wrong.append("MAIL_FROM: is missing; SMTP_URL needs it, like login@example.com")
    if any(line.startswith("BIND: ") for line in wrong):
        wrong = [line for line in wrong if not line.startswith("PUBLIC_URL: is missing")]
    if wrong:
        raise WrongSettings("\n".join(wrong))
    return config


RENAMED = {
    "NETWORK_LETTERS_10_MINUTES": "EMAILS_PER_NETWORK_10_MINUTES",
    "NETWORK_LETTERS_30_MINUTES": "EMAILS_PER_NETWORK_30_MINUTES",
    "ACCOUNT_LETTERS_HOUR": "EMAILS_PER_ADDRESS_HOUR",
    "NETWORK_LOGINS_5_MINUTES": "LOGINS_PER_NETWORK_5_MINUTES",
    "NETWORK_LOGINS_HOUR": "LOGINS_PER_NETWORK_HOUR",
    "DEVICE_DAYS": "KNOWN_BROWSER_DAYS",
    "REAUTH_MINUTES": "REAUTHENTICATION_MINUTES",
}


def _collect(environ: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    wrong = [f"{old}: is called {new} now" for old, new in RENAMED.items() if environ.get(old)]
    for field in Config.model_fields:
        name = field.upper()
        value, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
        if value and path:
            wrong.append(f"{name}: set either {name} or {name}_FILE, not both")
        elif path:
            try:
                value = Path(path).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                wrong.append(f"{name}_FILE: can't read {path} ({type(error).__name__})")
        if value:
            given[field] = value
    return given, wrong


def _explain(item: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in item["loc"][:1]).upper()
    limits = item.get("ctx", {})
    words = {
        "missing": "is missing; set it to the address of the site, like https://login.example.com",
        "int_parsing": "must be a whole number",
        "float_parsing": "must be a number",
        "bool_parsing": "must be true or false",
        "greater_than_equal": f"must be at least {limits.get('ge')}",
        "greater_than": f"must be more than {limits.get('gt')}",
        "less_than_equal": f"must be at most {limits.get('le')}",
        "literal_error": f"must be {limits.get('expected')}",
    }
    message = words.get(item["type"], str(item["msg"]).removeprefix("Value error, "))
    return f"{name}: {message}"
