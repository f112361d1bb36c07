"""Every setting: its type, its default and what it means. Its unit is in its name."""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.kit.urls import is_ip_address, is_loopback, split_address
from app.setting_types import (
    Bind,
    DatabaseUrl,
    Domains,
    Email,
    Greeting,
    Networks,
    Origin,
    SecretKey,
    SecretKeys,
    Sender,
    SmtpUrl,
    SpecialDomains,
    WebAddress,
)


class Settings(BaseModel):
    """What can be set. Frozen: what is read at the start holds until the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site_name: str = Field(
        "Vestibule",
        min_length=1,
        max_length=60,
        description="Name of your site, shown on every page and in every email",
    )
    site: str | None = Field(
        None,
        description="Your own Python package with pages, profile fields, hooks and templates. See "
        "docs/extending.md. Default: none",
    )
    bind: Bind = Field("127.0.0.1:8000", description="Address and port to listen on")
    public_url: Origin = Field(
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
    metrics_bind: Bind | None = Field(
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

    database_url: DatabaseUrl | None = Field(
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

    smtp_url: SmtpUrl | None = Field(
        None,
        description="Mail server: `smtp://user@host:587` (STARTTLS), `smtps://user@host` (TLS) or, "
        "on a private network, `smtp://host:25?tls=none`. Default: write emails to the "
        "log. For a private authority, set `SSL_CERT_FILE`",
    )
    smtp_password: SecretStr | None = Field(
        None, description="Password for `SMTP_URL`, so that it can come from a file"
    )
    allowed_special_domains: SpecialDomains = Field(
        (),
        description="Domains on your own network, like `corp.local`, that aren't public. Allows "
        "addresses at these domains and their subdomains. Separate with commas or "
        "spaces",
    )
    mail_from: Sender | None = Field(
        None,
        description="Sender of all emails: `login@example.com`, `Name <login@example.com>` or, if "
        'the name has a comma, `"Smith, Anna" <login@example.com>`. Required with '
        "`SMTP_URL`",
    )
    smtp_helo: Greeting | None = Field(
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
    secret_key_fallbacks: SecretKeys = Field(
        (), description="Older keys that are still accepted, separated by spaces"
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies are in front of the server. We trust that many entries of "
        "`X-Forwarded-For`, from the right",
    )
    trusted_networks: Networks = Field(
        (),
        description="Networks of these proxies, separated by spaces. We ignore what others say. "
        "Default: private networks",
    )
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
